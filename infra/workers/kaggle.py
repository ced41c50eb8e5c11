"""Worker type ``kaggle``: each run is a private kernel, by quota."""

from prefect.workers.base import BaseWorker

from infra.errors import RemoteRefused
from infra.kaggle.opening import open_kaggle
from infra.kaggle.provider import KaggleProvider
from infra.remote.batch import Batch
from infra.remote.provider import RemoteJob
from infra.remote.records import RemoteRecords
from infra.settings import Settings
from infra.workers.base import RemoteJobMixin
from infra.workers.configuration import RemoteConfiguration, RemoteResult, RemoteVariables


class KaggleWorker(RemoteJobMixin, BaseWorker[RemoteConfiguration, RemoteVariables, RemoteResult]):
    """Renders batches of shards in Kaggle kernels."""

    type = "kaggle"
    job_configuration = RemoteConfiguration
    job_configuration_variables = RemoteVariables
    _display_name = "Kaggle"
    _description = "Renders batches of shards in private Kaggle kernels, two GPUs each, by quota."

    def open_provider(self, settings: Settings, records: RemoteRecords) -> KaggleProvider:
        """Open the account that settings name; kernels start with the script that lies in the batch."""

        def script(job: RemoteJob) -> str:
            record = records.find(job.name)
            if record is None:
                raise RemoteRefused(f"nothing is on record of {job.name}, so it has no batch to start with")
            return Batch(records.store, record.intent.batch).start_script()

        return KaggleProvider(open_kaggle(settings), script=script)
