from datetime import UTC, datetime
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.domain.errors import DomainError
from tasks.domain.schemas import Engine, RenderRequest, RunPlan
from tasks.inventory import inventory_of
from tasks.keys import plan_key
from tasks.planning import engine_here, planned_run
from tests.photos import fill_folder, listing_ids

ENGINE = Engine(backend="opencv", quality=95, versions={"renderer": "1"})
NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def plan(request: RenderRequest, store: ObjectStore, *, run_id: str = "run-1") -> RunPlan:
    folder = Path(request.photos_folder)
    if not folder.exists():
        fill_folder(folder, listing_ids(10))
    return planned_run(inventory_of(folder), request, ENGINE, run_id=run_id, created=NOON, store=store)


def test_the_plan_is_recorded_under_the_name_it_claims(
    render_request: RenderRequest, store: ObjectStore
) -> None:
    planned = plan(render_request, store)
    assert planned.name == "submission_calibguard_dim_safe_20261123_120000"
    assert RunPlan.model_validate_json(store.read(plan_key(planned.name))) == planned
    assert [len(shard.photos) for shard in planned.shards] == [4, 4, 2]


def test_two_runs_asked_for_in_one_second_get_two_names(
    render_request: RenderRequest, store: ObjectStore
) -> None:
    names = [plan(render_request, store, run_id=run_id).name for run_id in ("run-1", "run-2", "run-1")]
    assert names == [
        "submission_calibguard_dim_safe_20261123_120000",
        "submission_calibguard_dim_safe_20261123_120001",
        "submission_calibguard_dim_safe_20261123_120000",
    ]


def test_equal_photos_and_options_give_equal_shards_under_any_name(
    render_request: RenderRequest, store: ObjectStore
) -> None:
    first, second = plan(render_request, store), plan(render_request, store, run_id="run-2")
    assert [shard.digest for shard in first.shards] == [shard.digest for shard in second.shards]


def test_an_artifact_tag_names_the_variant(render_request: RenderRequest, store: ObjectStore) -> None:
    tagged = render_request.model_copy(update={"artifact_tag": "cycle1_safe"})
    assert plan(tagged, store).name == "submission_calibguard_dim_cycle1_safe_20261123_120000"


def test_a_method_without_a_named_variant_takes_its_first(
    render_request: RenderRequest, store: ObjectStore
) -> None:
    planned = plan(render_request.model_copy(update={"method": "global_grid", "variant": None}), store)
    assert planned.request.variant == "seed"
    assert planned.shards[0].photos[0].warp.model_dump() == {
        "kind": "legacy",
        "k1": -0.17,
        "k2": 0.35,
        "alpha": 0.0,
    }


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"method": "magic"}, "there is no method 'magic'; there are"),
        ({"variant": "bold"}, "has no variant 'bold'"),
        ({"artifact_tag": "v7"}, "v7"),
        ({"table": "nowhere.json"}, "table 'nowhere.json' cannot be read: No such file"),
    ],
)
def test_what_a_run_cannot_know_is_refused_before_anything_is_claimed(
    render_request: RenderRequest, store: ObjectStore, change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(DomainError, match=sentence):
        plan(render_request.model_copy(update=change), store)
    assert list(store.list("runs/")) == []


def test_a_table_with_many_faults_is_refused_with_all_of_them(
    render_request: RenderRequest, store: ObjectStore, tmp_path: Path
) -> None:
    table = tmp_path / "table.json"
    table.write_text('{"schema_version": 1, "name": "x", "source": "y", "surplus": 1, "dimensions": {}}')
    with pytest.raises(DomainError) as refused:
        plan(render_request.model_copy(update={"table": str(table)}), store)
    assert "surplus" in str(refused.value)
    assert "parents" in str(refused.value)
    assert "global_fallback" in str(refused.value)


def test_the_engine_names_every_library_that_decides_a_byte() -> None:
    assert engine_here("opencv", quality=95).versions.keys() == {
        "renderer",
        "backend",
        "numpy",
        "opencv",
        "pillow",
        "simplejpeg",
        "cpu",
    }
