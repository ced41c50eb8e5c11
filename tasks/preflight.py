"""Checks everything a run rests on before it costs anything: one table, every line with its remedy.

Looks and touches, never mends: a store that overwrites or a disk that is full is for its owner to change.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prefect.client.orchestration import get_client
from prefect.settings import get_current_settings

from gpu.errors import BackendUnavailableError
from gpu.remap.opening import open_backend
from infra.errors import AdapterError
from infra.portal.client.presence import presence
from infra.settings import Settings, SettingsInvalid, load_settings
from infra.store.probe import probe_store
from tasks.adapters import photos_folder, run_store, scoring_portal
from tasks.domain.errors import DomainError
from tasks.domain.schemas import Check
from tasks.failures import step

ENTRY_POINTS = (
    "flows.cli",
    "infra.portal.server",
    "infra.settings",
    "tasks.agent",
    "tasks.agent.training",
    "deployments.register",
    "deployments.stack",
    "deployments.supervisor",
    "deployments.demo",
)
"""Modules that are run with ``python -m``."""

_TEST_FOLDER = "test-originals"
_TRAINING_FOLDER = "lens-correction-train-cleaned"
_HELP_S = 120
_PORTAL_S = 10.0
_MIB = 2**20
_GROWTH = 2.5  # bytes of rendered photos and zip for each byte of the originals, at quality 95


class Remote(StrEnum):
    """What a run may need besides this machine: providers by their credentials, the portal by its answer."""

    KAGGLE = "kaggle"
    AKASH = "akash"
    PORTAL = "portal"


class NotReady(DomainError):
    """At least one thing a run needs is missing; the text lists them all."""


@step("check store and disk")
def require_ready(folder: str) -> None:
    """Refuse to start a run on a store without guarantees or a disk that would fill up.

    Photos and zip together take about two and a half times what the originals do.

    Raises:
        NotReady: With every check that did not pass.
        StoreUnavailable: The store does not answer; worth another try.
    """
    settings = load_settings()
    probe_store(run_store()).require_conforming()
    failed = [check for check in _disk_checks(settings, Path(folder)) if not check.passed]
    if failed:
        raise NotReady("; ".join(f"{check.name}: {check.found}; {check.remedy}" for check in failed))


def require_server() -> None:
    """Refuse to start a flow from here while no Prefect server could show it.

    Raises:
        NotReady: None answers.
    """
    check = _server_check()
    if not check.passed:
        raise NotReady(f"{check.name}: {check.found}; {check.remedy}")


def preflight_checks(photos: str | None, needs: Sequence[Remote] = ()) -> tuple[Check, ...]:
    """Run every check; a setting that cannot be read ends those of the surroundings early.

    Args:
        photos: Folder of originals; None checks both folders of the data root.
        needs: What must be there besides this machine.
    """
    with ThreadPoolExecutor(2) as starters:
        helps = starters.map(_help_check, ENTRY_POINTS)
        return (*surroundings(photos, needs), *helps)


def surroundings(photos: str | None, needs: Sequence[Remote] = ()) -> tuple[Check, ...]:
    """Run the checks of settings, folders, store, server and credentials; see ``preflight_checks``."""
    try:
        settings = load_settings()
    except SettingsInvalid as error:
        return (Check(name="settings", passed=False, found=str(error), remedy="correct the named variables"),)
    return tuple(_checks_of(settings, photos, needs))


def _checks_of(settings: Settings, photos: str | None, needs: Sequence[Remote]) -> Iterator[Check]:
    unknown = settings.unknown_variables
    yield Check(
        name="settings",
        passed=not unknown,
        found="; ".join(unknown) or "all names known, all values usable",
        remedy="correct or remove the variable",
    )
    yield from _input_checks(settings, photos)
    yield from _output_checks(settings)
    yield from _disk_checks(settings, Path(photos) if photos else None)
    yield _guarded("store keeps its promises", _store_found, "use a store with conditional writes")
    yield _guarded("remap back end", lambda: open_backend("opencv").version, "install the project again")
    yield _server_check()
    if Remote.PORTAL in needs:
        remedy = "start it with `make up`, or set CALIBGUARD_PORTAL_URL and CALIBGUARD_PORTAL_TOKEN"
        yield _guarded("scoring portal", lambda: presence(scoring_portal(), total_s=_PORTAL_S), remedy)
    yield from _credential_checks(settings, needs)


def _input_checks(settings: Settings, photos: str | None) -> Iterator[Check]:
    if photos is not None:
        yield _folder_check("photos", photos_folder(photos), "name an existing folder of {id}.jpg files")
        return
    if settings.data_root is None:
        yield Check(
            name="data root",
            passed=False,
            found="not set",
            remedy="set AUTOHDR_DATA_ROOT, or name a folder of photos",
        )
        return
    remedy = "set AUTOHDR_DATA_ROOT to the folder that holds both data folders"
    for name in (_TEST_FOLDER, _TRAINING_FOLDER):
        yield _folder_check(name, settings.data_root / name, remedy)


def _folder_check(name: str, folder: Path, remedy: str) -> Check:
    try:
        photos = sum(1 for entry in folder.iterdir() if entry.suffix == ".jpg")
    except OSError as error:
        return Check(name=name, passed=False, found=f"{str(folder)!r}: {error.strerror}", remedy=remedy)
    return Check(name=name, passed=photos > 0, found=f"{photos} photos in {str(folder)!r}", remedy=remedy)


def _output_checks(settings: Settings) -> Iterator[Check]:
    store = _local_folder(settings.store_url)
    folders = {"state folder": settings.state_dir, "output root": settings.output_root, "store": store}
    for name, folder in folders.items():
        if folder is not None:
            yield _writable_check(name, folder)
    if store is not None and settings.output_root is not None:
        yield Check(
            name="store lies in the output root",
            passed=store.resolve().is_relative_to(settings.output_root.resolve()),
            found=str(store),
            remedy="set CALIBGUARD_STORE_URL to a folder inside AUTOHDR_OUTPUT_ROOT",
        )


def _writable_check(name: str, folder: Path) -> Check:
    probe = folder / ".calibguard-write-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"probe")
        probe.unlink()
    except OSError as error:
        found, passed = f"{str(folder)!r} cannot be written: {error.strerror}", False
    else:
        found, passed = f"{str(folder)!r} is writable", True
    return Check(
        name=name, passed=passed, found=found, remedy="choose another folder or mend its permissions"
    )


def _disk_checks(settings: Settings, photos: Path | None) -> Iterator[Check]:
    folder = _local_folder(settings.store_url) or settings.state_dir
    needed = settings.min_free_disk_mb
    if needed and photos is not None and photos.is_dir():
        needed += int(_GROWTH * sum(entry.stat().st_size for entry in photos.glob("*.jpg"))) // _MIB
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free // _MIB
    yield Check(
        name="free disk",
        passed=free >= needed,
        found=f"{free} MiB free at {str(existing)!r}, {needed} needed",
        remedy="free some space, or lower CALIBGUARD_MIN_FREE_DISK_MB",
    )


def _store_found() -> str:
    store = run_store()
    probe_store(store).require_conforming()
    return store.url


def _server_check() -> Check:
    url = get_current_settings().api.url
    fault = _server_fault() if url else "PREFECT_API_URL is not set"
    return Check(
        name="Prefect server",
        passed=fault is None,
        found=f"answers at {url}" if fault is None else fault,
        remedy="start one with `make up`, or set PREFECT_API_URL",
    )


def _server_fault() -> str | None:
    with get_client(sync_client=True) as client:
        fault = client.api_healthcheck()
    return None if fault is None else f"{client.api_url}: {fault}"


def _credential_checks(settings: Settings, needs: Sequence[Remote]) -> Iterator[Check]:
    if settings.store_url.startswith("s3://"):
        yield Check(
            name="S3 credentials",
            passed=bool(settings.s3_access_key_id and settings.s3_secret_access_key),
            found="both keys set" if settings.s3_secret_access_key else "no secret key",
            remedy="set CALIBGUARD_S3_ACCESS_KEY_ID and CALIBGUARD_S3_SECRET_ACCESS_KEY",
        )
    if Remote.KAGGLE in needs:
        present = bool(settings.kaggle_api_token or (settings.kaggle_username and settings.kaggle_key))
        yield Check(
            name="Kaggle credentials",
            passed=present,
            found="set" if present else "not set",
            remedy="set KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY",
        )
    if Remote.AKASH in needs:
        present = settings.akash_api_key is not None
        yield Check(
            name="Akash credentials",
            passed=present,
            found="set" if present else "not set",
            remedy="set AKASH_API_KEY",
        )
        yield Check(
            name="Akash image",
            passed=settings.akash_image is not None,
            found=settings.akash_image or "not set",
            remedy="build and push deployments/akash/Dockerfile, and set CALIBGUARD_AKASH_IMAGE",
        )


def _help_check(module: str) -> Check:
    command = [sys.executable, "-m", module, "--help"]
    try:
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=_HELP_S, check=False)
    except subprocess.TimeoutExpired:
        passed, found = False, f"no answer in {_HELP_S} s"
    else:
        last_words = outcome.stderr.strip().splitlines()[-1:] if outcome.returncode else []
        passed = outcome.returncode == 0
        found = ": ".join([f"exit status {outcome.returncode}", *last_words])
    return Check(
        name=f"python -m {module} --help",
        passed=passed,
        found=found,
        remedy="install the project again from its lock file",
    )


def _guarded(name: str, look: Callable[[], str], remedy: str) -> Check:
    try:
        return Check(name=name, passed=True, found=look(), remedy=remedy)
    except (AdapterError, BackendUnavailableError) as error:
        return Check(name=name, passed=False, found=str(error), remedy=remedy)


def _local_folder(store_url: str) -> Path | None:
    if store_url.startswith("s3://"):
        return None
    return Path(unquote(urlsplit(store_url).path)) if store_url.startswith("file://") else Path(store_url)
