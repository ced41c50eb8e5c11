"""Portals with a scorer made for tests, and stores that are quick."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from infra.store.local import LocalStore
from tests.quick_folder import quick_folder
from tests.running_portal import RunningPortal, running_portal

IDS = [f"home{number}_g0" for number in range(4)]
StartPortal = Callable[..., RunningPortal]


def _arguments(targets: Path, state: Path, scorer: str = "share_of_target") -> list[str]:
    return [
        f"--targets={targets}",
        f"--state={state}",
        f"--scorer=tests.infra.portal.scorers:{scorer}",
        "--metric-profile=test",
        "--port=0",
        "--max-upload-mb=1",
    ]


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portal_targets")
    for kind in ("originals", "targets"):
        (folder / kind).mkdir()
        for photo_id in IDS:
            (folder / kind / f"{photo_id}.jpg").write_bytes(f"{kind} {photo_id}".encode() * 50)
    return folder


@pytest.fixture
def start_portal(targets: Path, tmp_path: Path) -> Iterator[StartPortal]:
    """Start a portal on the test's own state folder; each is ended with the test."""
    with ExitStack() as running:

        def start(*arguments: str, scorer: str = "share_of_target") -> RunningPortal:
            return running.enter_context(
                running_portal(*_arguments(targets, tmp_path / "portal_state", scorer), *arguments)
            )

        yield start


@pytest.fixture(scope="module")
def portal_url(targets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A portal that many tests share; each brings a zip of its own or a store of its own."""
    with running_portal(*_arguments(targets, tmp_path_factory.mktemp("portal_state"))) as running:
        yield running.url


@pytest.fixture
def store() -> Iterator[LocalStore]:
    with quick_folder() as folder:
        yield LocalStore(folder / "store")
