import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from infra.store.interface import ObjectStore
from tasks.domain.schemas import Check
from tasks.preflight import ENTRY_POINTS, NotReady, Remote, preflight_checks, require_ready, surroundings
from tests.photos import fill_folder, listing_ids


@pytest.fixture(autouse=True)
def _store_of_this_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CALIBGUARD_STORE_URL", str(tmp_path / "out" / "store"))
    monkeypatch.setenv("AUTOHDR_OUTPUT_ROOT", str(tmp_path / "out"))


def by_name(checks: tuple[Check, ...]) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.mark.usefixtures("prefect_api")
def test_a_machine_with_photos_and_a_writable_store_passes_every_check(tmp_path: Path) -> None:
    checks = preflight_checks(str(fill_folder(tmp_path / "photos", listing_ids(2))))
    assert [check for check in checks if not check.passed] == []
    assert "python -m deployments.demo --help" in by_name(checks)


def test_without_a_data_root_or_photos_the_table_says_what_to_set() -> None:
    check = by_name(surroundings(None))["data root"]
    assert (check.passed, check.found) == (False, "not set")
    assert "AUTOHDR_DATA_ROOT" in check.remedy


def test_both_folders_of_the_data_root_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTOHDR_DATA_ROOT", str(tmp_path))
    fill_folder(tmp_path / "test-originals", ["a_g0"])
    checks = by_name(surroundings(None))
    assert checks["test-originals"].passed
    assert not checks["lens-correction-train-cleaned"].passed


def test_a_store_outside_the_output_root_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBGUARD_STORE_URL", str(tmp_path / "elsewhere"))
    assert not by_name(surroundings("photos"))["store lies in the output root"].passed


def test_a_misspelt_setting_is_pointed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_STOER_URL", "x")
    check = by_name(surroundings("photos"))["settings"]
    assert not check.passed
    assert "CALIBGUARD_STORE_URL" in check.found


def test_credentials_are_asked_for_where_they_are_needed_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKASH_API_KEY", "secret-akash-key")
    checks = by_name(surroundings("photos", list(Remote)))
    assert not checks["Kaggle credentials"].passed
    assert checks["Akash credentials"].passed
    assert not checks["Akash image"].passed
    assert "secret-akash-key" not in repr(checks)
    assert "Kaggle credentials" not in by_name(surroundings("photos"))


def test_the_portal_is_asked_whether_it_is_there_where_it_is_needed_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
    monkeypatch.setenv("CALIBGUARD_PORTAL_URL", url)
    check = by_name(surroundings("photos", [Remote.PORTAL]))["scoring portal"]
    assert not check.passed
    assert check.found == f"no connection for GET {url}/api/judge: ConnectError"
    assert "scoring portal" not in by_name(surroundings("photos"))


@pytest.mark.parametrize(
    ("status", "passed"), [(200, True), (404, True), (401, False), (403, False), (503, False)]
)
def test_any_answer_of_a_portal_counts_but_a_refused_token_and_an_outage(
    status: int, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(status) as url:
        monkeypatch.setenv("CALIBGUARD_PORTAL_URL", url)
        check = by_name(surroundings("photos", [Remote.PORTAL]))["scoring portal"]
    assert check.passed is passed
    assert str(status) in check.found


@contextmanager
def answering(status: int) -> Iterator[str]:
    """A server that gives every GET the same status and an empty body."""

    class Same(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Same) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_value_that_cannot_be_read_ends_the_table_with_its_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CALIBGUARD_RENDER_PROCESSES", "many")
    (check,) = surroundings("photos")
    assert not check.passed
    assert "CALIBGUARD_RENDER_PROCESSES" in check.found


def test_a_run_does_not_start_on_a_nearly_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_MIN_FREE_DISK_MB", str(10**9))
    with pytest.raises(NotReady, match=r"free disk: .* MiB free .*; free some space"):
        require_ready.fn("photos")


def test_a_run_starts_on_a_store_that_keeps_its_promises_and_leaves_no_probe_behind(
    store: ObjectStore,
) -> None:
    require_ready.fn("photos")
    assert list(store.list("")) == []


def test_a_store_folder_that_cannot_be_written_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").write_text("a file where the folder should be")
    checks = by_name(surroundings("photos"))
    assert not checks["store"].passed
    assert not checks["store keeps its promises"].passed


def test_a_server_that_does_not_answer_is_said_and_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
        check = by_name(surroundings("photos"))["Prefect server"]
    assert not check.passed
    assert "make up" in check.remedy


def test_a_disk_that_the_run_would_fill_up_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    with (photos / "huge.jpg").open("wb") as sparse:
        sparse.truncate(2**43)  # 8 TiB, none of it on the disk
    monkeypatch.setenv("CALIBGUARD_MIN_FREE_DISK_MB", "1")
    with pytest.raises(NotReady, match="free disk"):
        require_ready.fn(str(photos))
    monkeypatch.setenv("CALIBGUARD_MIN_FREE_DISK_MB", "0")
    require_ready.fn(str(photos))


def test_every_module_that_can_be_run_is_an_entry_point_that_preflight_tries() -> None:
    root = Path(__file__).parents[2]
    runnable = {
        path.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__main__")
        for room in ("deployments", "flows", "gpu", "infra", "tasks")
        for path in (root / room).rglob("*.py")
        if path.name == "__main__.py" or '\nif __name__ == "__main__":' in path.read_text()
    }
    assert runnable == set(ENTRY_POINTS)
