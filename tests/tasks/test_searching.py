"""The three searches on small pairs of known coefficients, in real worker processes."""

from collections.abc import Callable, Sequence
from datetime import date
from itertools import count

import pytest

from tasks.domain.buckets import BUCKETS
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.methods.method import RouteOptions
from tasks.domain.methods.registry import find_method
from tasks.domain.pairs import TrainingPair
from tasks.domain.schemas import LegacyWarp, PhotoRef, Record
from tasks.domain.search_schemas import BuildManifest, PairSearchOptions, TableBuildOptions
from tasks.domain.searched_tables import TableLabel
from tasks.domain.tables import (
    CorrectionTable,
    canonical_json,
    shipped_bucket_table,
    shipped_correction_table,
    shipped_global_table,
    table_digest,
)
from tasks.pair_trials import ReadPair
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tasks.searching import build_correction_table, search_bucket_pairs, search_global_pair
from tests.pairs import pair_files
from tests.photos import jpeg

LABEL = TableLabel("searched_20261127", date(2026, 11, 27))
HEAVY, PORTRAIT = (512, 342), (342, 512)  # buckets heavy_crop and portrait_cropped
LARGER = (1024, 683)  # on smaller ones k1 and k2 make up for each other
TRUTHS = {"home": (-0.04, 0.06), "tower": (-0.005, 0.015), "villa": (-0.17, 0.35)}
CLOSE = TableBuildOptions(alphas=(0.0,), min_dim_support=4)


def still() -> float:
    return 0.0


def pair(pair_id: str, size: tuple[int, int]) -> TrainingPair:
    return TrainingPair(id=pair_id, width=size[0], height=size[1])


def drawn(pair: TrainingPair) -> tuple[bytes, bytes]:
    """The files of a pair: its name tells its coefficients and its number what it shows."""
    k1, k2 = TRUTHS[pair.id.partition("_")[0]]
    return pair_files(k1, k2, width=pair.width, height=pair.height, seed=int(pair.id[-1]))


# Four pairs of a size with support and two of one without.
PAIRS = [
    *(pair(f"home_g{number}", HEAVY) for number in range(4)),
    *(pair(f"tower_g{number}", PORTRAIT) for number in range(2)),
]


def build(
    pairs: Sequence[TrainingPair],
    workers: PhotoWorkers,
    options: TableBuildOptions = CLOSE,
    *,
    read: ReadPair = drawn,
    clock: Callable[[], float] = still,
) -> tuple[CorrectionTable, BuildManifest]:
    base = shipped_correction_table()
    return build_correction_table(pairs, base, options, LABEL, read=read, workers=workers, clock=clock)


@pytest.fixture(scope="module")
def built(workers: PhotoWorkers) -> tuple[CorrectionTable, BuildManifest]:
    return build(PAIRS, workers)


def assert_renders(method: str, table: Record, size: tuple[int, int]) -> CoefficientPair:
    """Load a table as its method does, route a photo with it, and give the pair that it got."""
    loaded = find_method(method).options(document=canonical_json(table))
    assert loaded.table == table
    photo = PhotoRef(id="home_g1", width=size[0], height=size[1], size=1, sha256="0" * 64)
    options = RouteOptions(table=loaded.table, table_origin="searched")
    routed = find_method(method).route(photo, options)
    assert routed.coefficient_source == "searched"
    assert isinstance(routed.warp, LegacyWarp)
    return CoefficientPair(k1=routed.warp.k1, k2=routed.warp.k2)


def test_a_table_build_finds_the_known_coefficients(built: tuple[CorrectionTable, BuildManifest]) -> None:
    primary = built[0].dimensions["512x342"].primary
    assert primary.k1 == pytest.approx(TRUTHS["home"][0], abs=0.0051)  # a step of the refinement
    assert primary.k2 == pytest.approx(TRUTHS["home"][1], abs=0.0101)


def test_a_size_without_support_is_not_searched_far_from_its_parent(
    built: tuple[CorrectionTable, BuildManifest],
) -> None:
    table, manifest = built
    wide, close = manifest.found["512x342"], manifest.found["342x512"]
    assert (wide.support, close.support) == (4, 2)
    assert wide.candidates >= 49  # of which the parent's primary is one, and the global pair is one more
    assert close.candidates <= 25 + 1 + 25
    primary = table.dimensions["342x512"].primary
    assert abs(primary.k1 - close.base.k1) <= 0.02
    assert abs(primary.k2 - close.base.k2) <= 0.04


def test_the_safe_row_is_the_weakest_warp_as_the_legacy_definition_has_it(
    built: tuple[CorrectionTable, BuildManifest],
) -> None:
    row, found = built[0].dimensions["512x342"], built[1].found["512x342"]
    assert abs(row.safe.k1) < abs(row.primary.k1)
    assert found.safe == row.safe
    assert found.safe_risk is not None


def test_a_built_table_loads_and_routes(built: tuple[CorrectionTable, BuildManifest]) -> None:
    row = built[0].dimensions["512x342"]
    assert assert_renders("calibguard_dim", built[0], HEAVY) == row.safe
    assert (row.support, built[0].defaults.alpha) == (4, 0.0)


def test_the_manifest_tells_how_the_table_was_made(built: tuple[CorrectionTable, BuildManifest]) -> None:
    table, manifest = built
    assert BuildManifest.model_validate_json(manifest.model_dump_json()) == manifest
    assert (manifest.method, manifest.table_digest) == ("calibguard_dim", table_digest(table))
    assert manifest.options == CLOSE
    found = manifest.found["512x342"]
    assert (found.support, found.pairs, found.left_out) == (4, 4, ())
    assert found.primary_loss is not None
    assert found.base_loss is not None
    assert found.primary_loss < found.base_loss


def test_the_table_does_not_depend_on_the_number_of_processes_or_the_order_of_pairs(
    built: tuple[CorrectionTable, BuildManifest],
) -> None:
    with open_photo_workers(processes=1, timeout_s=60, memory_mb=2048) as alone:
        assert build(PAIRS[::-1], alone) == built


def test_evolution_out_of_time_falls_back_to_the_grid_and_the_manifest_says_so(
    built: tuple[CorrectionTable, BuildManifest], workers: PhotoWorkers
) -> None:
    seconds = count(0.0, 25.0)
    options = CLOSE.model_copy(update={"optimizer": "de"})
    table, manifest = build(PAIRS[:4], workers, options, clock=lambda: float(next(seconds)))
    found = manifest.found["512x342"]
    assert (found.optimizer, found.fallback) == ("grid", "differential evolution was not done within 60 s")
    assert found.seconds > 60
    assert table.dimensions["512x342"] == built[0].dimensions["512x342"]


def test_evolution_is_the_same_for_equal_seeds(workers: PhotoWorkers) -> None:
    options = CLOSE.model_copy(update={"optimizer": "de", "sample_per_dim": 1})
    first, again = (build(PAIRS[4:], workers, options) for _ in range(2))
    assert first == again
    assert first[1].found["342x512"].optimizer == "de"


def test_pairs_that_cannot_be_used_are_left_out_by_name(workers: PhotoWorkers) -> None:
    def read(one: TrainingPair) -> tuple[bytes, bytes]:
        match one.id:
            case "gone_g0":
                raise FileNotFoundError(2, "No such file or directory")
            case "html_g0":
                return b"<html>", b"<html>"
            case "odd_g0":
                return jpeg(*PORTRAIT), jpeg(*PORTRAIT)
            case "uneven_g0":
                return jpeg(512, 342), jpeg(512, 341)
        return drawn(one)

    bad = [pair(name, HEAVY) for name in ("gone_g0", "html_g0", "odd_g0", "uneven_g0")]
    table, manifest = build([*bad, PAIRS[0]], workers, read=read)
    found = manifest.found["512x342"]
    assert [(left.id, left.reason.partition(";")[0]) for left in found.left_out] == [
        ("gone_g0", "it cannot be read any more: No such file or directory"),
        ("html_g0", "expected a JPEG photo, found an HTML page named .jpg"),
        ("odd_g0", "listed as 512x342, but its photos have 342x512 pixels"),
        ("uneven_g0", "expected a target of the original's size 512x342, found 512x341"),
    ]
    assert (found.pairs, found.support, "512x342" in table.dimensions) == (1, 5, True)


def test_a_size_of_which_no_pair_can_be_used_gets_no_row(workers: PhotoWorkers) -> None:
    table, manifest = build([pair("html_g0", HEAVY)], workers, read=lambda _: (b"<html>", b"<html>"))
    assert dict(table.dimensions) == {}
    assert manifest.found["512x342"].fallback == "no pair of the sample could be used"
    assert manifest.found["512x342"].primary is None


def test_the_global_search_finds_the_known_pair(workers: PhotoWorkers) -> None:
    group = [pair(f"villa_g{number}", LARGER) for number in range(2)]
    table, manifest = search_global_pair(
        group, shipped_global_table(), PairSearchOptions(), LABEL, read=drawn, workers=workers, clock=still
    )
    assert table.pair.k1 == pytest.approx(TRUTHS["villa"][0], abs=0.0101)  # a step of the fine grid
    assert table.pair.k2 == pytest.approx(TRUTHS["villa"][1], abs=0.0201)
    assert assert_renders("global_grid", table, HEAVY) == table.pair
    assert manifest.found["all"].primary == table.pair


def test_the_micro_grid_searches_each_bucket_it_has_pairs_of_and_keeps_the_others(
    workers: PhotoWorkers,
) -> None:
    base, options = shipped_bucket_table(), PairSearchOptions(search_pairs=4)
    table, manifest = search_bucket_pairs(
        PAIRS, base, options, LABEL, read=drawn, workers=workers, clock=still
    )
    assert {bucket: found.pairs for bucket, found in manifest.found.items()} == {
        "heavy_crop": 2,
        "portrait_cropped": 2,
    }
    changed = {bucket for bucket in BUCKETS if table.buckets[bucket] != base.buckets[bucket]}
    assert changed == {"heavy_crop", "portrait_cropped"}
    assert "Kept from the base table: standard, near_standard_tall" in table.source
    assert assert_renders("dim_bucket_microgrid", table, HEAVY) == table.buckets["heavy_crop"]
