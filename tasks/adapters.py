"""Opens the adapters that settings name; the only place where tasks turn settings into things."""

from contextlib import AbstractContextManager
from pathlib import Path

from gpu.remap.backend import BackendName
from infra.kaggle.api import KaggleApi
from infra.kaggle.opening import open_kaggle
from infra.portal.client.connection import Portal, TeamIdentity
from infra.settings import Settings, SettingsInvalid, load_settings
from infra.store.interface import ObjectStore
from infra.store.opening import configured_store
from tasks.domain.score_schemas import Team
from tasks.photo_workers import PhotoWorkers, open_photo_workers


def settings() -> Settings:
    """Read the settings anew from the environment and ``.env``."""
    return load_settings()


def run_store() -> ObjectStore:
    """Open the object store that settings name; one client per process and address."""
    return configured_store(settings())


def scoring_portal() -> Portal:
    """Give the scoring portal that settings name; nothing is asked of it.

    Raises:
        SettingsInvalid: Its URL is one that nothing may be sent to.
    """
    current = settings()
    try:
        return Portal(
            current.portal_url.get_secret_value(),
            current.portal_judge,
            token=current.portal_token,
            upload_hosts=frozenset(current.portal_upload_hosts),
        )
    except ValueError as error:
        raise SettingsInvalid([f"CALIBGUARD_PORTAL_URL cannot be used: {error}"]) from error


def kaggle_account() -> KaggleApi:
    """Open the Kaggle account that settings name; nothing is asked of it.

    Raises:
        SettingMissing: There are no credentials.
    """
    return open_kaggle(settings())


def team_identity(team: Team) -> TeamIdentity:
    """Who submits: what the run says, else what settings say.

    Raises:
        SettingMissing: Neither says it.
    """
    current = settings()
    return TeamIdentity(
        team_name=team.team_name or current.require("bounty_team_name"),
        kaggle_username=team.kaggle_username or current.require("bounty_kaggle_username"),
        email=team.email or current.require("bounty_email"),
        github_repo=team.github_repo or current.require("bounty_github_repo"),
    )


def photos_folder(photos: str | None) -> Path:
    """Find the folder of originals: the one named, else ``test-originals`` of the data root.

    A folder in the layout of the training data (one that holds ``test-originals``) stands for that
    sub-folder.

    Raises:
        SettingMissing: No folder was named and no data root is set.
    """
    folder = Path(photos) if photos else settings().require("data_root")
    inner = folder / "test-originals"
    return inner if inner.is_dir() else folder


def pairs_folder(pairs: str | None) -> Path:
    """Find the folder of training pairs: the one named, else that of the data root.

    A folder in the layout of the data set (one that holds ``lens-correction-train-cleaned``) stands for
    that sub-folder.

    Raises:
        SettingMissing: No folder was named and no data root is set.
    """
    folder = Path(pairs) if pairs else settings().require("data_root")
    inner = folder / "lens-correction-train-cleaned"
    return inner if inner.is_dir() else folder


def photo_workers(backend: BackendName) -> AbstractContextManager[PhotoWorkers]:
    """Start the render processes that settings ask for; a GPU has one, without a limit on its memory.

    CUDA reserves address space for all memory of the device and the host, so no such limit could hold.
    """
    current = settings()
    on_gpu = backend == "cupy"
    return open_photo_workers(
        processes=1 if on_gpu else current.render_processes,
        timeout_s=current.photo_timeout_s,
        memory_mb=None if on_gpu else current.photo_memory_mb,
    )
