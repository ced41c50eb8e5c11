"""Remembering which providers gave up a lease helps the next job and never ends the one at work."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.akash.denylist import Denylist

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def denylist(folder: Path) -> Denylist:
    return Denylist(folder, now=lambda: NOON)


@pytest.mark.parametrize("name", ["a file in the way/denied", "n" * 300])
def test_a_folder_that_cannot_be_used_is_said_and_nobody_is_denied(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "a file in the way").write_text("")
    denied = denylist(tmp_path / name)
    with caplog.at_level(logging.WARNING):
        denied.add("akash1host")
        assert denied() == frozenset()
    assert f"akash1host gave up a lease, and {tmp_path / name} cannot remember it" in caplog.messages[0]


def test_a_folder_that_cannot_be_listed_is_said_and_nobody_is_denied(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / ("n" * 300)
    with caplog.at_level(logging.WARNING):
        assert denylist(folder)() == frozenset()
    assert f"the providers denied today cannot be read from {folder}" in caplog.messages[0]


def test_a_full_disk_leaves_no_half_a_file_which_would_deny_for_ever(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    denied = denylist(tmp_path)
    (tmp_path / "akash1host").symlink_to("/dev/full")
    denied.add("akash1host")
    assert "No space left on device" in caplog.messages[0]
    assert denied() == frozenset()
    denied.add("akash1host")
    assert denied() == {"akash1host"}
