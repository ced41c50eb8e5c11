"""Tables by Gauss-Newton of small pairs of known lenses, in real worker processes."""

from collections.abc import Sequence
from datetime import date
from functools import cache

import pytest

from gpu.coordinates import ImageSize
from gpu.legacy_fit import nearest_legacy
from infra.store.interface import ObjectStore
from tasks.domain.atlas_learning import NothingToLearn
from tasks.domain.buckets import BUCKETS
from tasks.domain.pairs import TrainingPair
from tasks.domain.search_schemas import BuildManifest, PairSearchOptions, TableBuildOptions
from tasks.domain.searched_tables import TableLabel
from tasks.domain.tables import (
    CorrectionTable,
    canonical_json,
    load_table,
    shipped_bucket_table,
    shipped_correction_table,
    shipped_global_table,
    table_digest,
)
from tasks.pair_trials import ReadPair
from tasks.photo_workers import PhotoWorkers
from tasks.searching import build_correction_table, search_bucket_pairs, search_global_pair
from tests.lens_pairs import filled, pair

LABEL = TableLabel("fitted_20261128", date(2026, 11, 28))
SIZE = ImageSize(1024, 683)
TALL = ImageSize(683, 1024)
LENSES = {"ash": filled(0.0, -0.10, size=SIZE), "elm": filled(0.0, -0.04, size=TALL)}
PAIRS = [
    *(TrainingPair(id=f"ash_g{number}", width=1024, height=683) for number in range(4)),
    *(TrainingPair(id=f"elm_g{number}", width=683, height=1024) for number in range(2)),
]
SWAPPED = TrainingPair(id="ash_g9", width=1024, height=683)
OPTIONS = TableBuildOptions(optimizer="gn", min_dim_support=4)
PAIR_OPTIONS = PairSearchOptions(optimizer="gn")


@cache
def files_of(pair_id: str) -> tuple[bytes, bytes]:
    name, _, number = pair_id.partition("_g")
    return pair(LENSES[name], seed=int(number), size=SIZE if name == "ash" else TALL)


def drawn(one: TrainingPair) -> tuple[bytes, bytes]:
    files = files_of(one.id)
    return files[::-1] if one == SWAPPED else files


def still() -> float:
    return 0.0


def build(
    pairs: Sequence[TrainingPair],
    workers: PhotoWorkers,
    options: TableBuildOptions = OPTIONS,
    *,
    read: ReadPair = drawn,
    store: ObjectStore | None = None,
) -> tuple[CorrectionTable, BuildManifest]:
    base = shipped_correction_table()
    return build_correction_table(
        pairs, base, options, LABEL, read=read, workers=workers, clock=still, store=store
    )


@pytest.fixture(scope="module")
def built(workers: PhotoWorkers) -> tuple[CorrectionTable, BuildManifest]:
    return build([*PAIRS, SWAPPED], workers)


def test_a_row_is_the_legacy_form_nearest_to_the_true_lens(workers: PhotoWorkers) -> None:
    table, manifest = build(PAIRS[:4], workers)
    row = table.dimensions["1024x683"]
    wanted = nearest_legacy(LENSES["ash"], SIZE, alphas=OPTIONS.alphas)
    for found in (row.primary, row.safe):
        assert found.k1 == pytest.approx(wanted.k1, abs=0.005)
        assert found.k2 == pytest.approx(wanted.k2, abs=0.01)
    assert manifest.found["1024x683"].safe_px == pytest.approx(wanted.residual_px, abs=0.1)  # px


def test_a_table_by_gauss_newton_loads(built: tuple[CorrectionTable, BuildManifest]) -> None:
    assert load_table(canonical_json(built[0]), source="table.json") == built[0]


def test_a_size_with_too_few_pairs_gets_no_row_and_the_manifest_says_so(
    built: tuple[CorrectionTable, BuildManifest],
) -> None:
    table, manifest = built
    assert list(table.dimensions) == ["1024x683"]
    few = manifest.found["683x1024"]
    assert (few.pairs, few.primary) == (2, None)
    assert few.fallback == "too few pairs taught a curve for a row of its own"
    parent = table.parents["portrait_cropped"]
    assert parent is not None
    assert parent != shipped_correction_table().parents["portrait_cropped"]


def test_the_manifest_tells_what_was_fitted_and_what_was_left_out(
    built: tuple[CorrectionTable, BuildManifest],
) -> None:
    table, manifest = built
    found = manifest.found["1024x683"]
    assert (manifest.method, manifest.table_digest) == ("calibguard_dim", table_digest(table))
    assert (found.optimizer, found.support, found.pairs, found.fallback) == ("gn", 5, 4, None)
    assert [left.id for left in found.left_out] == [SWAPPED.id]
    assert "exchanged" in found.left_out[0].reason
    assert found.primary == table.dimensions["1024x683"].primary
    assert BuildManifest.model_validate_json(manifest.model_dump_json()) == manifest


def test_interpolation_and_border_asked_for_are_the_tables_defaults(workers: PhotoWorkers) -> None:
    options = OPTIONS.model_copy(update={"interpolation": "lanczos4", "border": "constant"})
    table, _ = build(PAIRS[:4], workers, options)
    assert (table.defaults.interpolation, table.defaults.border) == ("lanczos4", "constant")


def test_no_more_pairs_of_a_size_are_fitted_than_asked_for(workers: PhotoWorkers) -> None:
    options = OPTIONS.model_copy(update={"sample_per_dim": 2, "min_dim_support": 1})
    found = build(PAIRS, workers, options)[1].found["1024x683"]
    assert (found.support, found.pairs) == (4, 2)


def test_fits_that_the_store_keeps_are_taken(workers: PhotoWorkers, store: ObjectStore) -> None:
    first = build(PAIRS[:4], workers, store=store)
    fitted = {one.key: one.version for one in store.list("fits/")}
    assert len(fitted) == 4
    assert build(PAIRS[:4], workers, store=store) == first
    assert {one.key: one.version for one in store.list("fits/")} == fitted


def test_pairs_that_teach_nothing_at_all_are_one_sentence(workers: PhotoWorkers) -> None:
    with pytest.raises(NothingToLearn, match="no pair teaches a lens curve: 1 swapped"):
        build([SWAPPED], workers)


def test_each_bucket_that_pairs_speak_for_is_found_and_the_others_are_kept(workers: PhotoWorkers) -> None:
    base = shipped_bucket_table()
    table, manifest = search_bucket_pairs(
        PAIRS, base, PAIR_OPTIONS, LABEL, read=drawn, workers=workers, clock=still
    )
    changed = {bucket for bucket in BUCKETS if table.buckets[bucket] != base.buckets[bucket]}
    assert changed == {"heavy_crop", "portrait_cropped"}
    assert {bucket: found.primary for bucket, found in manifest.found.items()} == {
        bucket: table.buckets[bucket] for bucket in sorted(changed)
    }
    assert manifest.found["heavy_crop"].primary_px is not None


def test_one_pair_for_all_follows_the_listings(workers: PhotoWorkers) -> None:
    table, manifest = search_global_pair(
        PAIRS[:4],
        shipped_global_table(),
        PAIR_OPTIONS,
        LABEL,
        read=drawn,
        workers=workers,
        clock=still,
    )
    wanted = nearest_legacy(LENSES["ash"], ImageSize(2048, 1367))
    assert table.pair.k1 == pytest.approx(wanted.k1, abs=0.005)
    assert manifest.found["all"].primary == table.pair
