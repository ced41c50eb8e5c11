"""What a refit measures its tables on, and against what."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tasks.domain.refit import HeldOutFigures, RefitRequest, split_listings
from tasks.domain.schemas import MethodChoice
from tasks.pair_trials import pair_reader
from tasks.pairs import pairs_in
from tasks.photo_workers import PhotoWorkers
from tasks.planning import SHIPPED
from tasks.provenance import provenance_here
from tasks.refit import learned_from
from tasks.refitting import fitted_pairs
from tests.lens_pairs import filled, pair

LISTINGS = ("ash", "birch", "cedar", "elm", "oak", "pine")
GLOBAL = MethodChoice(method="global_grid", variant=None, table=None, interpolation=None, border=None)


@pytest.fixture
def request_for(tmp_path: Path) -> RefitRequest:
    return RefitRequest(pairs_folder=str(tmp_path), held_out=0.4, sample=9, seed=1)


def written(folder: Path, bodies: Mapping[str, tuple[bytes, bytes]]) -> None:
    for pair_id, (original, target) in bodies.items():
        (folder / f"{pair_id}_original.jpg").write_bytes(original)
        (folder / f"{pair_id}_generated.jpg").write_bytes(target)


def figures(
    request: RefitRequest, workers: PhotoWorkers, champion: MethodChoice | None = None
) -> tuple[HeldOutFigures, ...]:
    folder = Path(request.pairs_folder)
    fits = fitted_pairs(
        pairs_in(folder).pairs,
        read=pair_reader(folder),
        workers=workers,
        store=None,
        progress=lambda _done, _total: None,
    )
    return learned_from(
        fits,
        request,
        workers,
        in_force=lambda asked: asked,
        champion=lambda: champion,
        provenance=provenance_here(),
        created=datetime(2026, 1, 1, tzinfo=UTC),
    ).figures


def taught(place: int) -> tuple[bytes, bytes]:
    return pair(filled(0.0, -0.08), seed=place)


def test_a_pair_that_taught_nothing_judges_no_table(request_for: RefitRequest, workers: PhotoWorkers) -> None:
    folder = Path(request_for.pairs_folder)
    written(folder, {f"{name}_g0": taught(place) for place, name in enumerate(LISTINGS)})
    _, held = split_listings(pairs_in(folder).pairs, held_out=request_for.held_out, seed=request_for.seed)
    assert 1 <= len(held) < len(LISTINGS)
    swapped = {one.id.replace("_g0", "_g1"): taught(9)[::-1] for one in held}
    written(folder, swapped)
    assert {one.pairs for one in figures(request_for, workers)} == {len(held)}

    written(folder, {one.id: taught(9)[::-1] for one in held})
    assert figures(request_for, workers) == ()  # nothing is left to measure on


def test_a_champion_of_another_method_is_measured_beside(
    request_for: RefitRequest, workers: PhotoWorkers
) -> None:
    written(
        Path(request_for.pairs_folder), {f"{name}_g0": taught(place) for place, name in enumerate(LISTINGS)}
    )
    measured = {(one.method, one.table) for one in figures(request_for, workers, GLOBAL)}
    assert len(measured) == 7
    assert ("global_grid", SHIPPED) in measured
    other = GLOBAL.model_copy(update={"method": "shoot_atlas", "variant": "safe"})
    assert len(figures(request_for, workers, other)) == 6
