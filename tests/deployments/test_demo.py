import subprocess
import sys
from pathlib import Path

from infra.settings import child_environment
from tests.photos import fill_folder, listing_ids


def test_the_demo_ends_with_zip_digest_and_counts_and_stops_what_it_started(tmp_path: Path) -> None:
    photos = fill_folder(tmp_path / "photos", listing_ids(6))
    (photos / "page_g1.jpg").write_bytes(b"<html>")
    outcome = subprocess.run(
        [sys.executable, "-m", "deployments.demo", "--photos", str(photos)],
        env=child_environment({"CALIBGUARD_STATE_DIR": str(tmp_path / "state")}, without="PREFECT_"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    zipped, digest, counts = outcome.stdout.splitlines()[-3:]
    assert Path(zipped.removeprefix("zip: ")).is_file()
    assert len(digest.removeprefix("sha256: ")) == 64
    assert counts == "photos: 6 rendered, 1 quarantined"
    assert "Traceback" not in outcome.stderr
    assert {entry.name for entry in tmp_path.iterdir()} == {"photos", "state"}
    assert not (tmp_path / "state" / "stack.json").exists()
