"""A worker of our kind for machines in a folder; as a program, it can be killed at any step of a create."""

import os
import sys
from pathlib import Path

import anyio
from prefect.workers.base import BaseWorker

from infra.remote.records import RemoteRecords
from infra.settings import Settings
from infra.workers.base import RemoteJobMixin
from infra.workers.configuration import RemoteConfiguration, RemoteResult, RemoteVariables
from tests.rented import Death, FolderProvider


class ScriptedWorker(RemoteJobMixin, BaseWorker[RemoteConfiguration, RemoteVariables, RemoteResult]):
    """Rents folders."""

    type = "scripted"
    job_configuration = RemoteConfiguration
    job_configuration_variables = RemoteVariables
    machines: FolderProvider

    def open_provider(self, settings: Settings, records: RemoteRecords) -> FolderProvider:
        return self.machines


def main(pool: str, folder: str, die_at: Death) -> None:
    worker = ScriptedWorker(work_pool_name=pool, name=f"process {os.getpid()}")
    worker.machines = FolderProvider(Path(folder), die_at=die_at)
    anyio.run(worker.start)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])  # type: ignore[arg-type]
