"""Worker type ``akash``: each run is a lease, under the price cap and the month's budget of the settings."""

from prefect.workers.base import BaseWorker

from infra.remote.provider import Provider
from infra.remote.records import RemoteRecords
from infra.settings import Settings
from infra.workers.base import RemoteJobMixin
from infra.workers.configuration import RemoteConfiguration, RemoteResult, RemoteVariables
from infra.workers.providers import open_provider


class AkashWorker(RemoteJobMixin, BaseWorker[RemoteConfiguration, RemoteVariables, RemoteResult]):
    """Renders batches of shards on leases at Akash."""

    type = "akash"
    job_configuration = RemoteConfiguration
    job_configuration_variables = RemoteVariables
    _display_name = "Akash"
    _description = "Renders batches of shards on GPU leases at Akash, under a price cap and a monthly budget."

    def open_provider(self, settings: Settings, records: RemoteRecords) -> Provider:
        """Open the Akash account that settings name."""
        return open_provider("akash", settings, records)
