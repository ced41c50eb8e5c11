"""Worker type ``kaggle``: each run is a private kernel, by quota."""

from prefect.workers.base import BaseWorker

from infra.remote.provider import Provider
from infra.remote.records import RemoteRecords
from infra.settings import Settings
from infra.workers.base import RemoteJobMixin
from infra.workers.configuration import RemoteConfiguration, RemoteResult, RemoteVariables
from infra.workers.providers import open_provider


class KaggleWorker(RemoteJobMixin, BaseWorker[RemoteConfiguration, RemoteVariables, RemoteResult]):
    """Renders batches of shards in Kaggle kernels."""

    type = "kaggle"
    job_configuration = RemoteConfiguration
    job_configuration_variables = RemoteVariables
    _display_name = "Kaggle"
    _description = "Renders batches of shards in private Kaggle kernels, two GPUs each, by quota."

    def open_provider(self, settings: Settings, records: RemoteRecords) -> Provider:
        """Open the Kaggle account that settings name."""
        return open_provider("kaggle", settings, records)
