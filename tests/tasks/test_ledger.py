from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks import ledger
from tasks.domain.retention import NothingSelectedError
from tasks.domain.schemas import Provenance, RenderRequest, RunPlan
from tasks.inventory import inventory_of
from tasks.keys import ledger_key, shard_prefix, submission_key
from tasks.packing import assembled_zip, kept_manifest, manifest_of
from tasks.photo_workers import PhotoWorkers
from tasks.planning import engine_here, planned_run
from tasks.records import EvidenceAltered
from tasks.rendering import rendered_shard
from tests.ledger_entries import entry, promotion
from tests.photos import fill_folder, listing_ids

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PROVENANCE = Provenance(
    git_commit=None,
    git_dirty=None,
    command="render/safe",
    flow_run_id="run",
    parameters={},
    python="3.11",
    platform="Linux",
)


@pytest.fixture
def planned(render_request: RenderRequest, store: ObjectStore) -> RunPlan:
    folder = fill_folder(Path(render_request.photos_folder), listing_ids(5))
    engine = engine_here("opencv", quality=95)
    return planned_run(inventory_of(folder), render_request, engine, run_id="1", created=NOW, store=store)


@pytest.fixture
def finished(planned: RunPlan, store: ObjectStore, workers: PhotoWorkers) -> RunPlan:
    folder = Path(planned.request.photos_folder)
    shards = [rendered_shard(shard, planned.engine, folder, workers, store) for shard in planned.shards]
    zipped = assembled_zip(planned, shards, store)
    kept_manifest(manifest_of(planned, shards, zipped, b"sheet", PROVENANCE, NOW), store)
    return planned


def test_an_entry_added_twice_is_one_and_the_ledger_is_read_in_order_of_time(store: ObjectStore) -> None:
    late, early = entry("scored", "a", 40.0, at="2026-11-23T13:00:00+00:00"), entry("submitted", "a")
    for one in (late, early, late):
        ledger.append(one, store)
    assert ledger.entries(store)[-2:] == [early, late]
    assert len(list(store.list("ledger/"))) == 2


def test_a_finished_run_that_was_never_submitted_is_untested(finished: RunPlan, store: ObjectStore) -> None:
    assert [manifest.name for manifest in ledger.untested(store, ledger.entries(store))] == [finished.name]
    ledger.append(entry("submitted", finished.name), store)
    assert ledger.untested(store, ledger.entries(store)) == []


def test_a_pruned_run_is_not_waiting_to_be_submitted(finished: RunPlan, store: ObjectStore) -> None:
    ledger.prune(ledger.prune_plan([finished.name], store, now=NOW), store, now=NOW)
    assert ledger.untested(store, ledger.entries(store)) == []


def test_pruning_removes_zip_and_photos_and_keeps_all_evidence(finished: RunPlan, store: ObjectStore) -> None:
    ledger.append(entry("scored", finished.name, 20.0), store)
    ledger.append(entry("scored", "another", 30.0), store)
    plan = ledger.prune_plan([finished.name], store, now=NOW)
    assert plan.zips == (finished.name,)
    assert store.head(submission_key(finished.name)) is not None  # a plan removes nothing
    ledger.prune(plan, store, now=NOW)
    assert store.head(submission_key(finished.name)) is None
    assert [found for shard in finished.shards for found in store.list(shard_prefix(shard.digest))] == []
    kept = {found.key.rpartition("/")[2] for found in store.list(f"runs/{finished.name}/")}
    assert kept == {"manifest.json", "plan.json", "table.json"}
    # what was written before stays, and the ledger says what went
    assert sorted(one.event for one in ledger.entries(store)[-4:]) == [
        "pruned",
        "rendered",
        "scored",
        "scored",
    ]


@pytest.mark.parametrize("kind", ["champion", "in flight"])
def test_champion_best_ever_and_what_is_in_flight_are_kept(
    finished: RunPlan, store: ObjectStore, kind: str
) -> None:
    name = finished.name
    ledger.append(promotion(name, 1, 20.0) if kind == "champion" else entry("submitted", name), store)
    plan = ledger.prune_plan([finished.name], store, now=NOW)
    assert (plan.zips, plan.shards, len(plan.kept)) == ((), (), 1)


def test_a_run_that_is_being_made_keeps_the_shards_it_shares(finished: RunPlan, store: ObjectStore) -> None:
    folder = Path(finished.request.photos_folder)
    made = planned_run(
        inventory_of(folder), finished.request, finished.engine, run_id="2", created=NOW, store=store
    )
    assert [shard.digest for shard in made.shards] == [shard.digest for shard in finished.shards]
    plan = ledger.prune_plan([finished.name], store, now=NOW + timedelta(hours=1))
    assert (plan.zips, plan.shards) == ((finished.name,), ())
    died = ledger.prune_plan([finished.name], store, now=NOW + timedelta(hours=25))
    assert len(died.shards) == 2


def test_what_is_not_there_cannot_be_pruned(finished: RunPlan, store: ObjectStore) -> None:
    with pytest.raises(NothingSelectedError):
        ledger.prune_plan(["submission_other"], store, now=NOW)


def test_an_entry_that_is_not_the_one_of_its_key_is_refused(store: ObjectStore) -> None:
    told = entry("scored", "a", 40.0)
    document = told.model_dump_json().encode()
    store.create(ledger_key(told, document), document.replace(b"40.0", b"90.0"))
    with pytest.raises(EvidenceAltered, match="it was altered or moved, see `calibguard fsck`"):
        ledger.entries(store)
