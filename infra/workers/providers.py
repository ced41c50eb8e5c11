"""Open the providers of rented machines that settings name; nothing is asked of them yet."""

from infra.akash.opening import open_akash
from infra.errors import RemoteRefused
from infra.kaggle.opening import open_kaggle
from infra.kaggle.provider import KaggleProvider
from infra.remote.batch import Batch
from infra.remote.names import Kind
from infra.remote.provider import Provider, RemoteJob
from infra.remote.records import RemoteRecords
from infra.settings import Settings


def open_provider(kind: Kind, settings: Settings, records: RemoteRecords) -> Provider:
    """Open a provider; kernels start with the script that lies in the batch of their record.

    Raises:
        SettingsError: Settings do not name one.
    """
    if kind == "akash":
        return open_akash(settings)

    def script(job: RemoteJob) -> str:
        record = records.find(job.name)
        if record is None:
            raise RemoteRefused(f"nothing is on record of {job.name}, so it has no batch to start with")
        return Batch(records.store, record.intent.batch).start_script()

    return KaggleProvider(open_kaggle(settings), script=script)


def named_providers(settings: Settings) -> tuple[Kind, ...]:
    """Kinds of providers that settings hold credentials for."""
    has_key: dict[Kind, bool] = {
        "kaggle": bool(settings.kaggle_api_token or (settings.kaggle_username and settings.kaggle_key)),
        "akash": settings.akash_api_key is not None and settings.akash_image is not None,
    }
    return tuple(kind for kind, has in has_key.items() if has)
