from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from tasks.domain.atlas_tables import bucket_table_of, correction_table_of
from tasks.domain.methods.registry import find_method
from tasks.domain.schemas import LegacyWarp, PhotoRef
from tasks.domain.searched_tables import TableLabel
from tasks.domain.tables import (
    canonical_json,
    load_bucket_table,
    load_table,
    shipped_bucket_table,
    shipped_correction_table,
)
from tests.fitted_pairs import LABEL, MIDDLE, STRONG, WEAK, learned, listing

SHORT = "2048x1366"
ATLAS = learned(
    [
        *[pair for n in range(4) for pair in listing(f"ash{n}", STRONG, 10)],
        *listing("birch", WEAK, 3, frame=SHORT),
        *listing("elm", MIDDLE, 2, frame="1367x2048"),
    ]
)
CORRECTION = correction_table_of(ATLAS, shipped_correction_table(), LABEL)
BUCKETS = bucket_table_of(ATLAS, shipped_bucket_table(), LABEL)


def test_the_correction_table_loads_and_renders_every_size_and_profile() -> None:
    loaded = load_table(canonical_json(CORRECTION.table), source="table.json")
    assert loaded == CORRECTION.table
    method = find_method("calibguard_dim")
    for profile in method.variants:
        options = method.options(variant=profile, document=canonical_json(CORRECTION.table))
        for width, height in ((2048, 1367), (2048, 1366), (2048, 1371), (1367, 2048), (2048, 1536)):
            photo = PhotoRef(id="a_g1", width=width, height=height, size=1, sha256="0" * 64)
            warp = method.route(photo, options).warp
            assert isinstance(warp, LegacyWarp)
            assert legacy_radial_map(warp.k1, warp.k2, warp.alpha, ImageSize(width, height))


def test_the_bucket_table_loads_and_has_all_buckets() -> None:
    assert load_bucket_table(canonical_json(BUCKETS.table), source="table.json") == BUCKETS.table
    assert BUCKETS.table.buckets["standard"] != shipped_bucket_table().buckets["standard"]


def test_a_size_with_too_few_pairs_has_no_row_and_its_parent_serves_it() -> None:
    assert set(CORRECTION.table.dimensions) == {"2048x1367"}
    assert CORRECTION.table.dimensions["2048x1367"].support == 40
    few = correction_table_of(ATLAS, shipped_correction_table(), LABEL, min_dim_support=3)
    assert set(few.table.dimensions) == {"2048x1367", SHORT}
    none = correction_table_of(ATLAS, shipped_correction_table(), LABEL, min_dim_support=41)
    assert dict(none.table.dimensions) == {}
    assert none.table.parents["standard"] is not None


def test_buckets_that_no_pair_speaks_for_are_kept_and_the_source_says_so() -> None:
    base = shipped_correction_table()
    assert CORRECTION.table.parents["heavy_crop"] == base.parents["heavy_crop"]
    assert "parent heavy_crop, parent portrait_cropped." in CORRECTION.table.source
    assert BUCKETS.table.buckets["heavy_crop"] == shipped_bucket_table().buckets["heavy_crop"]
    assert "bucket heavy_crop" in BUCKETS.table.source


def test_what_was_last_scored_of_a_size_is_kept() -> None:
    base = shipped_correction_table()
    row = base.dimensions["2048x1367"].model_copy(update={"last_zero_rate": 0.3, "test_photos": 467})
    base = base.model_copy(update={"dimensions": {**base.dimensions, "2048x1367": row}})
    made = correction_table_of(ATLAS, base, LABEL).table.dimensions["2048x1367"]
    assert (made.last_zero_rate, made.test_photos) == (0.3, 467)


def test_what_the_legacy_form_loses_is_told_for_every_pair() -> None:
    expected = {"2048x1367.primary", "2048x1367.safe", "global_fallback"}
    assert expected <= set(CORRECTION.residual_px)
    assert all(residual > 0.0 for residual in CORRECTION.residual_px.values())
    worst = max(CORRECTION.residual_px.values())
    assert f"at worst {worst:.2f} px RMS" in CORRECTION.table.source


def test_strong_curves_make_strong_rows() -> None:
    row = CORRECTION.table.dimensions["2048x1367"]
    weak = correction_table_of(
        learned([*listing("a", WEAK, 40)]), shipped_correction_table(), TableLabel("weak", LABEL.date)
    ).table.dimensions["2048x1367"]
    assert row.safe.k1 < 2 * weak.safe.k1 < 0.0


def test_equal_atlases_give_equal_tables() -> None:
    again = correction_table_of(ATLAS, shipped_correction_table(), LABEL, min_dim_support=30)
    assert canonical_json(again.table) == canonical_json(CORRECTION.table)
