import subprocess
import sys
from pathlib import Path

from deployments.demo.__main__ import newest_report
from infra.settings import child_environment
from tests.ledger_entries import entry
from tests.photos import fill_folder, listing_ids


def demo(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deployments.demo", *arguments],
        env=child_environment({"CALIBGUARD_STATE_DIR": str(folder / "state")}, inherits="all_but_prefect"),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_the_demo_leads_a_drawn_set_to_a_verdict_with_a_board_and_a_report(tmp_path: Path) -> None:
    outcome = demo(tmp_path, "--draw", "4")
    assert outcome.returncode == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    (verdict,) = [line for line in lines if line.startswith("verdict: ")]
    assert verdict.split()[1] in ("Promoted:", "Advanced:", "Blocked:")
    (report,) = [line for line in lines if line.startswith("report: ")]
    assert Path(report.removeprefix("report: ")).read_bytes().startswith(b"<!doctype html>")
    assert "2 scored runs, 2 behaviours" in outcome.stdout
    assert lines[-1] == "photos: 4 rendered, 0 quarantined"
    assert "Traceback" not in outcome.stderr
    assert {found.name for found in tmp_path.iterdir()} == {"state"}


def test_the_demo_ends_with_zip_digest_and_counts_and_stops_what_it_started(tmp_path: Path) -> None:
    photos = fill_folder(tmp_path / "photos", listing_ids(6))
    (photos / "page_g1.jpg").write_bytes(b"<html>")
    outcome = demo(tmp_path, "--photos", str(photos))
    assert outcome.returncode == 0, outcome.stderr
    zipped, digest, counts = outcome.stdout.splitlines()[-3:]
    assert Path(zipped.removeprefix("zip: ")).is_file()
    assert len(digest.removeprefix("sha256: ")) == 64
    assert counts == "photos: 6 rendered, 1 quarantined"
    assert "Traceback" not in outcome.stderr
    assert {found.name for found in tmp_path.iterdir()} == {"photos", "state"}
    assert not (tmp_path / "state" / "stack.json").exists()


def test_the_report_that_is_named_is_the_one_made_last_whatever_its_digest() -> None:
    early = entry("analysed", "a", evidence={"reports/a/f0.html": "1" * 64, "analyses/a/f0.json": "2" * 64})
    late = entry("analysed", "a", evidence={"reports/a/10.html": "3" * 64})
    assert newest_report([early, late, entry("rejected", "a")]) == "reports/a/10.html"
    assert newest_report([entry("scored", "a")]) is None
