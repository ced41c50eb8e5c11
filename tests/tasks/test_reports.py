import json
import re
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.analysis import analysed
from tasks.evidence import read_run, read_scored
from tasks.fsck import fsck
from tasks.keys import table_key
from tasks.ledger import entries
from tasks.photo_workers import PhotoWorkers
from tasks.records import EvidenceAltered
from tasks.reports import kept_report
from tests.judged import NEAR
from tests.judged_store import JUDGE, JudgedStore


@pytest.fixture
def judged(store: ObjectStore, workers: PhotoWorkers, tmp_path: Path) -> JudgedStore:
    return JudgedStore(store, tmp_path, workers)


def scored(judged: JudgedStore, method: str) -> str:
    name = judged.render("near", NEAR, method=method)
    judged.score(name, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    return name


def report_of(name: str, judged: JudgedStore) -> str:
    ledger = entries(judged.store)
    run = read_run(name, ledger, judged.store)
    analysis = analysed(run, read_scored(run, JUDGE, ledger, judged.store), {}, ledger, judged.store)
    url = kept_report(analysis, None, judged.store, now=judged.tick())
    return judged.store.read(url.removeprefix(f"{judged.store.url}/")).decode()


def test_a_run_with_an_atlas_is_reported_with_its_fan_its_edges_and_its_listings(judged: JudgedStore) -> None:
    page = report_of(scored(judged, "shoot_atlas"), judged)
    assert "Atlas shipped_atlas;" in page
    assert len(re.findall(r'<polyline class="chosen atlas_bucket"', page)) == 1  # all are of one size
    assert len(re.findall(r'<svg class="lines original" viewBox="0 0 320 214"', page)) == 6
    assert re.findall(
        r'<th scope="row">(home\d+) <small>(\d) photos</small></th>\n<td class="number" data-label="spread',
        page,
    ) == [
        ("home000", "4"),
        ("home001", "2"),
    ]
    assert fsck(judged.store).findings == ()


def test_a_run_of_another_method_is_reported_without_a_fan(judged: JudgedStore) -> None:
    page = report_of(scored(judged, "dim_bucket_microgrid"), judged)
    assert 'id="curves"' not in page
    assert 'id="agreement"' in page


def test_an_atlas_that_was_altered_is_not_drawn(judged: JudgedStore, tmp_path: Path) -> None:
    name = scored(judged, "shoot_atlas")
    table = tmp_path / "store" / table_key(name)
    table.chmod(0o644)
    table.write_text(json.dumps(json.loads(table.read_bytes()) | {"name": "another"}))
    with pytest.raises(EvidenceAltered, match=r"table\.json has SHA-256"):
        report_of(name, judged)
