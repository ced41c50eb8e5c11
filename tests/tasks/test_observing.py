from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from infra.store.interface import ObjectStore
from tasks.domain.observations import Observation
from tasks.domain.schemas import Engine, RenderRequest, RunPlan
from tasks.inventory import inventory_of
from tasks.observing import observe_photos, observed
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tasks.planning import chosen_method, planned_run
from tests.lens_pairs import jpeg
from tests.photos import fill_folder, listing_ids
from tests.straight_lines import WIDE, draw, grid_of_lines

ENGINE = Engine(backend="opencv", quality=95, versions={"renderer": "1"})
NOON = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)
METHODS = ["hough_proxy", "laplacian_proxy", "nelder_per_image"]
each_method = pytest.mark.parametrize("method", METHODS)


@pytest.fixture
def request_of(render_request: RenderRequest) -> RenderRequest:
    fill_folder(Path(render_request.photos_folder), listing_ids(4))
    return render_request.model_copy(update={"variant": None})


def observations(request: RenderRequest, workers: PhotoWorkers) -> tuple[Observation, ...]:
    folder = Path(request.photos_folder)
    method, options = chosen_method(request)
    assert method.observer is not None
    return observed(inventory_of(folder).photos, folder, method.observer, options, workers)


def planned(request: RenderRequest, found: tuple[Observation, ...], store: ObjectStore) -> RunPlan:
    inventory = inventory_of(Path(request.photos_folder))
    return planned_run(inventory, request, ENGINE, found, run_id="run-1", created=NOON, store=store)


@each_method
def test_the_plan_records_choice_objective_and_reason_of_each_photo(
    request_of: RenderRequest, workers: PhotoWorkers, store: ObjectStore, method: str
) -> None:
    request = request_of.model_copy(update={"method": method})
    plan = planned(request, observations(request, workers), store)
    photos = [routed for shard in plan.shards for routed in shard.photos]
    assert [routed.photo.id for routed in photos] == listing_ids(4)
    for routed in photos:
        assert routed.route == "photo_choice"
        assert routed.objective is not None
        assert f"{routed.objective:.6g}" in routed.reason
    assert RunPlan.model_validate_json(plan.model_dump_json()) == plan


@each_method
def test_what_is_chosen_does_not_depend_on_the_number_of_processes(
    request_of: RenderRequest, workers: PhotoWorkers, method: str
) -> None:
    request = request_of.model_copy(update={"method": method})
    with open_photo_workers(processes=1, timeout_s=60, memory_mb=2048) as alone:
        assert observations(request, alone) == observations(request, workers)


def test_one_bad_photo_costs_itself_its_choice_and_the_others_nothing(
    request_of: RenderRequest, workers: PhotoWorkers, store: ObjectStore
) -> None:
    request = request_of.model_copy(update={"method": "hough_proxy"})
    before = observations(request, workers)
    inventory = inventory_of(Path(request.photos_folder))
    lost, *rest = sorted(Path(request.photos_folder).iterdir())
    lost.write_bytes(lost.read_bytes()[:-100] + bytes(100))
    method, options = chosen_method(request)
    assert method.observer is not None
    found = observed(inventory.photos, lost.parent, method.observer, options, workers)
    assert found[1:] == before[1:]
    assert found[0] == Observation(
        photo_id=lost.stem, problem="the file is not the one that the run was planned with; run again"
    )
    assert len(rest) == 3


def test_a_method_that_needs_no_pixels_observes_nothing(request_of: RenderRequest) -> None:
    inventory = inventory_of(Path(request_of.photos_folder))
    assert observe_photos.fn(inventory, request_of) == ()


def test_photos_are_routed_with_what_was_seen_on_their_own_listing(
    request_of: RenderRequest, workers: PhotoWorkers, store: ObjectStore
) -> None:
    request = request_of.model_copy(update={"method": "shoot_atlas", "variant": "aggressive"})
    folder = Path(request.photos_folder)
    for photo in folder.iterdir():
        photo.unlink()
    for name in ("ash_g1", "ash_g2", "birch_g1"):
        (folder / f"{name}.jpg").write_bytes(jpeg(draw(grid_of_lines(), WIDE)))
    (folder / "elm_g1.jpg").write_bytes(jpeg(np.full((600, 900), 128, np.uint8)))
    found = observations(request, workers)
    routes = {
        routed.photo.id: routed.route
        for shard in planned(request, found, store).shards
        for routed in shard.photos
    }
    assert all(seen.lines is not None for seen in found)
    assert routes["ash_g1"] == routes["ash_g2"] == "atlas_pooled"
    assert routes["birch_g1"] == "atlas_photo"
    assert routes["elm_g1"] not in {"atlas_pooled", "atlas_photo", "atlas_already_corrected"}
