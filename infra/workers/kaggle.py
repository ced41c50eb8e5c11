"""Worker type ``kaggle``: each run is a private kernel."""

from prefect.workers.base import BaseWorker

from infra.errors import RemoteRefused
from infra.kaggle.opening import open_kaggle
from infra.kaggle.provider import KaggleProvider
from infra.remote.batch import Batch
from infra.remote.names import Kind
from infra.remote.provider import RemoteJob
from infra.settings import Settings
from infra.workers.configuration import RemoteConfiguration, RemoteResult, RemoteVariables
from infra.workers.remote_job import RemoteJobMixin


class KaggleWorker(RemoteJobMixin, BaseWorker[RemoteConfiguration, RemoteVariables, RemoteResult]):
    """Renders batches of shards in Kaggle kernels."""

    type = "kaggle"
    kind: Kind = "kaggle"
    job_configuration = RemoteConfiguration
    job_configuration_variables = RemoteVariables
    _display_name = "Kaggle"
    _description = "Render batches of shards in private Kaggle kernels, two GPUs each, by quota."

    def provider(self, settings: Settings, batch: Batch | None) -> KaggleProvider:
        """Open Kaggle with the account that settings name."""

        def script(job: RemoteJob) -> str:
            if batch is None:
                raise RemoteRefused(f"{job.name} has no batch to start with")
            return batch.start_script()

        return KaggleProvider(open_kaggle(settings), script=script)
