import hashlib
import io
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.agent import bootstrap
from tasks.agent.sources import code_digest
from tasks.agent_bundle import GPU_LIBRARIES, agent_bundle, bootstrap_script, locked_libraries, store_bundle
from tasks.domain.schemas import RenderRequest
from tasks.photo_workers import PhotoWorkers
from tests.photos import fill_folder, listing_ids
from tests.remote_batch import ROOT, RemoteBatch, sent_batch


def run_script(script: str, folder: Path) -> tuple[int, str]:
    """Run a pushed script as a machine does: in an empty folder, with nothing of ours to import."""
    (folder / "script.py").write_text(script)
    outcome = subprocess.run(
        [sys.executable, "-P", "script.py"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=180,
    )
    return outcome.returncode, outcome.stdout + outcome.stderr


def zipped(*entries: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.fixture
def batch(render_request: RenderRequest, s3_prefix: ObjectStore) -> RemoteBatch:
    fill_folder(Path(render_request.photos_folder), listing_ids(4))
    return sent_batch(render_request, s3_prefix)


def test_a_pushed_script_renders_a_batch_with_the_code_of_the_bundle(
    batch: RemoteBatch, workers: PhotoWorkers, tmp_path: Path
) -> None:
    bundle = agent_bundle()
    url = batch.store.presign_get(store_bundle(bundle, batch.store), expires_s=600)
    folder = tmp_path / "machine"
    folder.mkdir()
    status, output = run_script(bootstrap_script(url, bundle.sha256, batch.sent.spec_url), folder)
    assert status == 0, output
    assert batch.manifest().code == code_digest()
    assert len(batch.take(workers).taken) == 1
    assert "X-Amz" not in output
    assert list(folder.glob("*/packages")) == []  # everything was importable, so nothing was installed


def test_a_bundle_needs_none_of_our_files_besides_its_own(tmp_path: Path) -> None:
    bootstrap.extract(agent_bundle().body, tmp_path)
    program = (
        "import sys, tasks.agent.__main__, gpu.remap.cupy, gpu.remap.opencv\n"
        "ours = [one for name, one in sys.modules.items() if name.split('.')[0] in ('tasks', 'gpu')]\n"
        "print(*(one.__file__ for one in ours))"
    )
    libraries = sysconfig.get_path("purelib")
    outcome = subprocess.run(
        [sys.executable, "-S", "-P", "-c", program],  # -S: our editable installation is not seen
        env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{libraries}"},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = [Path(file) for file in outcome.stdout.split()]
    assert len(loaded) > 20
    assert [file for file in loaded if not file.is_relative_to(tmp_path)] == []


def test_a_bundle_with_another_digest_is_not_opened(batch: RemoteBatch, tmp_path: Path) -> None:
    batch.store.create("agents/other.zip", zipped(("tasks/agent/__main__.py", b"print('run')")))
    url = batch.store.presign_get("agents/other.zip", expires_s=600)
    status, output = run_script(bootstrap_script(url, "0" * 64, batch.sent.spec_url), tmp_path)
    assert status == 3
    assert "has not the SHA-256" in output
    assert "X-Amz" not in output


def test_the_same_code_makes_the_same_zip_of_known_kinds_of_files() -> None:
    first, second = agent_bundle(), agent_bundle()
    assert first == second
    assert first.sha256 == hashlib.sha256(first.body).hexdigest()
    with zipfile.ZipFile(io.BytesIO(first.body)) as archive:
        entries = archive.infolist()
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {Path(entry.filename).suffix for entry in entries} == {".py", ".cu", ".json", ".txt"}
    assert len(first.body) < 2**20


def test_a_stored_bundle_is_not_stored_again(s3_prefix: ObjectStore) -> None:
    bundle = agent_bundle()
    assert store_bundle(bundle, s3_prefix) == store_bundle(bundle, s3_prefix) == f"agents/{bundle.sha256}.zip"


def test_a_script_fits_where_it_is_pushed_to() -> None:
    assert len(bootstrap_script("https://h/" + "u" * 2000, "0" * 64, "https://h/" + "s" * 2000)) < 20_000


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "a\\b", "", ".ssh/x", "a\0b", "~/x"])
def test_a_name_that_leads_out_of_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a file named"):
        bootstrap.checked_name(name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        twice = zipped(("a.py", b"1"), ("a.py", b"2"))
    with pytest.raises(FileExistsError):
        bootstrap.extract(twice, tmp_path)


def test_a_bundle_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "LARGEST", 100)
    with pytest.raises(ValueError, match="more than 100 bytes"):
        bootstrap.extract(zipped(("a.py", bytes(101))), tmp_path)


@pytest.mark.parametrize(
    ("pin", "lacking"),
    [
        ("numpy==1.0 \\\n    --hash=sha256:00", False),
        ("pillow==1.0 \\\n    --hash=sha256:00", True),
        ("no-such-library==1.0 ; python_version < '3.12' \\\n    --hash=sha256:00", True),
        ("# a comment", False),
    ],
)
def test_only_what_is_missing_or_decides_bytes_is_installed(pin: str, lacking: bool) -> None:
    assert bootstrap.is_lacking(pin) is lacking


def test_the_agents_libraries_are_those_of_the_lock_file() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    kept = (ROOT / "tasks/agent/requirements.txt").read_text()
    assert kept == locked_libraries(lock), "run make lock"
    assert kept.count("--hash=sha256:") > 100


def test_the_libraries_of_the_gpu_image_are_those_of_the_lock_file() -> None:
    lock = (ROOT / "requirements-dev.lock").read_text()
    kept = (ROOT / "deployments/akash/requirements-gpu.txt").read_text()
    assert kept == locked_libraries(lock, GPU_LIBRARIES), "run make lock"
    assert [line.partition("==")[0] for line in kept.splitlines() if "==" in line] == list(GPU_LIBRARIES)
