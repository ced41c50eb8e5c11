"""How a portal may be started."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.errors import TargetSetUnusable
from infra.portal.server.serving import PortalOptions
from infra.portal.server.target_set import read_target_set, read_unchanged
from tests.infra.portal.conftest import StartPortal


def options(host: str, *, token: str | None = None, public_url: str | None = None) -> PortalOptions:
    return PortalOptions(
        targets=Path("targets"),
        state=Path("state"),
        scorer="module:function",
        metric_profile="test",
        host=host,
        token=SecretStr(token) if token is not None else None,
        public_url=public_url,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "portal.example"])  # noqa: S104
def test_a_portal_without_a_token_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(ValueError, match="without a token"):
        options(host, public_url="https://portal.example")


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.9"])
def test_a_portal_on_loopback_needs_no_token(host: str) -> None:
    assert options(host).token is None


def test_an_empty_token_is_no_token() -> None:
    with pytest.raises(ValueError, match="token is empty"):
        options("127.0.0.1", token=" ")  # noqa: S106


def test_a_portal_that_listens_everywhere_must_know_its_name() -> None:
    with pytest.raises(ValueError, match="public_url"):
        options("0.0.0.0", token="secret")  # noqa: S104, S106


def test_a_portals_token_is_not_shown() -> None:
    assert "canary" not in repr(options("127.0.0.1", token="canary"))  # noqa: S106


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "infra.portal.server", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_command_explains_itself() -> None:
    told = run("--help")
    assert told.returncode == 0
    assert "--targets" in told.stdout


def test_a_second_portal_on_one_state_folder_is_refused(
    start_portal: StartPortal, targets: Path, tmp_path: Path
) -> None:
    start_portal()
    told = run(
        f"--targets={targets}",
        f"--state={tmp_path / 'portal_state'}",
        "--scorer=tests.infra.portal.scorers:share_of_target",
        "--metric-profile=test",
        "--port=0",
    )
    assert told.returncode == 2
    assert "another portal uses the state folder" in told.stderr


def pair(folder: Path, photo_id: str, *, target: bytes = b"target") -> None:
    for kind, body in (("originals", b"original"), ("targets", target)):
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / f"{photo_id}.jpg").write_bytes(body)


def test_the_layout_of_the_data_root_holds_the_same_target_set(tmp_path: Path) -> None:
    pair(tmp_path, "home0_g0")
    plain = read_target_set(tmp_path)
    for kind in ("originals", "targets"):
        (tmp_path / kind).rename(tmp_path / f"test-{kind}")
    renamed = read_target_set(tmp_path)
    assert renamed.digest == plain.digest
    assert renamed.photos["home0_g0"].target == tmp_path / "test-targets" / "home0_g0.jpg"


@pytest.mark.parametrize("folders", [[], ["originals", "test-targets"], ["originals"]])
def test_a_folder_without_both_halves_of_a_layout_is_refused(folders: list[str], tmp_path: Path) -> None:
    for name in folders:
        (tmp_path / name).mkdir()
    with pytest.raises(TargetSetUnusable, match="must hold originals/ and targets/ or test-originals/ and"):
        read_target_set(tmp_path)


def test_two_target_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    pair(tmp_path, "home0_g0")
    for kind in ("test-originals", "test-targets"):
        (tmp_path / kind).mkdir()
    with pytest.raises(TargetSetUnusable, match="not both pairs; it holds 2"):
        read_target_set(tmp_path)


def test_empty_folders_are_no_target_set(tmp_path: Path) -> None:
    for kind in ("originals", "targets"):
        (tmp_path / kind).mkdir()
    with pytest.raises(TargetSetUnusable, match="holds no photos"):
        read_target_set(tmp_path)


def test_a_target_sets_digest_changes_with_any_photo(tmp_path: Path) -> None:
    pair(tmp_path, "home0_g0")
    first = read_target_set(tmp_path).digest
    assert read_target_set(tmp_path).digest == first
    pair(tmp_path, "home0_g0", target=b"other")
    assert read_target_set(tmp_path).digest != first


def test_an_original_without_a_target_is_named(tmp_path: Path) -> None:
    pair(tmp_path, "home0_g0")
    (tmp_path / "originals" / "home1_g0.jpg").write_bytes(b"alone")
    with pytest.raises(TargetSetUnusable, match="'home1_g0'"):
        read_target_set(tmp_path)


def test_a_target_that_changed_since_the_start_is_not_scored_against(tmp_path: Path) -> None:
    pair(tmp_path, "home0_g0")
    photo = read_target_set(tmp_path).photos["home0_g0"]
    assert read_unchanged(photo.target, sha256=photo.target_sha256) == b"target"
    photo.target.write_bytes(b"other")
    with pytest.raises(TargetSetUnusable, match="changed since"):
        read_unchanged(photo.target, sha256=photo.target_sha256)
