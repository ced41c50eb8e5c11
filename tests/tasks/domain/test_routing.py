from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu.coordinates import ImageSize
from tasks.domain.buckets import BUCKETS, HIGH_RISK, NOMINAL_SIZE, Bucket, bucket_of
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.routing import PROFILES, Profile, Route, route
from tasks.domain.schemas import Border, Interpolation
from tasks.domain.tables import CorrectionTable, Defaults, DimensionRow, ParentRow, shipped_correction_table

PRIMARY, SAFE = CoefficientPair(k1=-0.2, k2=0.4), CoefficientPair(k1=-0.1, k2=0.2)
PARENT_PRIMARY, PARENT_SAFE = CoefficientPair(k1=-0.17, k2=0.3), CoefficientPair(k1=-0.07, k2=0.1)
FALLBACK = CoefficientPair(k1=-0.01, k2=0.02)
KNOWN, UNKNOWN = ImageSize(2048, 1367), ImageSize(1999, 1367)
PIXELS = st.integers(1, 70_000)


def table_of(size: ImageSize = KNOWN, *, parents: bool = True, **row: Any) -> CorrectionTable:
    """A table with one row, trusted unless told otherwise, and the same parent row for all buckets."""
    evidence = {"support": 500, "test_photos": 100, "last_zero_rate": 0.05} | row
    parent = ParentRow(primary=PARENT_PRIMARY, safe=PARENT_SAFE) if parents else None
    return CorrectionTable(
        schema_version=1,
        name="test",
        source="a test",
        defaults=Defaults(interpolation="linear", border="constant"),
        dimensions={str(size): DimensionRow(primary=PRIMARY, safe=SAFE, **evidence)},
        parents=dict.fromkeys(BUCKETS, parent),
        global_fallback=FALLBACK,
    )


PAIRS: dict[Route, CoefficientPair] = {
    "dim_safe": SAFE,
    "dim_safe_guardrail": SAFE,
    "dim_primary": PRIMARY,
    "dim_safe_low_support": SAFE,
    "parent_safe": PARENT_SAFE,
    "parent_primary": PARENT_PRIMARY,
    "global_fallback": FALLBACK,
}


def assert_routes(size: ImageSize, table: CorrectionTable, *routes: Route) -> None:
    """Check route and coefficients under the profiles safe, balanced and aggressive."""
    decisions = [route(size, table, profile=profile) for profile in PROFILES]
    assert [decision.route for decision in decisions] == list(routes)
    assert [decision.pair for decision in decisions] == [PAIRS[one] for one in routes]
    assert all(decision.reason for decision in decisions)


def test_a_known_size_with_good_evidence_takes_primary_unless_safe() -> None:
    assert_routes(KNOWN, table_of(), "dim_safe", "dim_primary", "dim_primary")


@pytest.mark.parametrize(
    ("support", "aggressive"),
    [(0, "dim_safe_low_support"), (99, "dim_safe_low_support"), (100, "dim_primary"), (101, "dim_primary")],
)
def test_aggressive_wants_a_hundred_training_pairs(support: int, aggressive: Route) -> None:
    assert_routes(KNOWN, table_of(support=support), "dim_safe", "dim_primary", aggressive)


@pytest.mark.parametrize(
    ("zero_rate", "unsafe"),
    [
        (None, "dim_primary"),
        (0.0, "dim_primary"),
        (0.1999999, "dim_primary"),
        (0.2, "dim_safe_guardrail"),
        (1.0, "dim_safe_guardrail"),
    ],
)
def test_a_zero_rate_of_20_percent_forces_the_safe_row(zero_rate: float | None, unsafe: Route) -> None:
    assert_routes(KNOWN, table_of(last_zero_rate=zero_rate), "dim_safe", unsafe, unsafe)


@pytest.mark.parametrize(
    ("photos", "unsafe"),
    [
        (None, "dim_primary"),
        (0, "dim_primary"),
        (1, "dim_safe_guardrail"),
        (9, "dim_safe_guardrail"),
        (10, "dim_primary"),
    ],
)
def test_one_to_nine_test_photos_force_the_safe_row(photos: int | None, unsafe: Route) -> None:
    assert_routes(KNOWN, table_of(test_photos=photos), "dim_safe", unsafe, unsafe)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_known_size_of_a_high_risk_bucket_is_forced_safe(bucket: Bucket) -> None:
    size = NOMINAL_SIZE[bucket]
    unsafe: Route = "dim_safe_guardrail" if bucket in {"heavy_crop", "portrait_cropped"} else "dim_primary"
    assert_routes(size, table_of(size), "dim_safe", unsafe, unsafe)


@pytest.mark.parametrize("bucket", BUCKETS)
def test_an_unknown_size_takes_its_parents_primary_row_in_balanced_only(bucket: Bucket) -> None:
    balanced: Route = "parent_safe" if bucket in {"heavy_crop", "portrait_cropped"} else "parent_primary"
    assert_routes(NOMINAL_SIZE[bucket], table_of(UNKNOWN), "parent_safe", balanced, "parent_safe")


def test_an_unknown_size_without_parent_row_takes_the_global_fallback() -> None:
    assert_routes(UNKNOWN, table_of(parents=False), *["global_fallback"] * 3)  # type: ignore[arg-type]


def test_a_known_size_does_not_need_its_parent() -> None:
    assert_routes(KNOWN, table_of(parents=False), "dim_safe", "dim_primary", "dim_primary")


def test_a_guardrail_is_told_before_low_support() -> None:
    weak = table_of(support=5, test_photos=5)
    assert_routes(KNOWN, weak, "dim_safe", "dim_safe_guardrail", "dim_safe_guardrail")


def test_all_guardrails_are_recorded_whatever_the_profile() -> None:
    size = ImageSize(2048, 1356)
    table = table_of(size, last_zero_rate=0.5, test_photos=4)
    decisions = [route(size, table, profile=profile) for profile in PROFILES]
    assert {decision.guardrails for decision in decisions} == {
        (
            "its last scored zero rate 0.500 is 0.20 or more",
            "it has 4 test photos, from 1 to 9",
            "its bucket heavy_crop is high-risk",
        )
    }
    assert decisions[1].reason == (
        "the safe row of 2048x1356 is forced: its last scored zero rate 0.500 is 0.20 or more; "
        "it has 4 test photos, from 1 to 9; its bucket heavy_crop is high-risk"
    )


def test_an_unknown_size_has_no_guardrails() -> None:
    assert route(UNKNOWN, table_of(), profile="balanced").guardrails == ()


@pytest.mark.parametrize(
    ("size", "in_row", "option", "expected"),
    [
        (KNOWN, "cubic", "lanczos4", "lanczos4"),
        (KNOWN, "cubic", None, "cubic"),
        (KNOWN, None, None, "linear"),
        (KNOWN, None, "lanczos4", "lanczos4"),
        (UNKNOWN, "cubic", None, "linear"),
        (UNKNOWN, "cubic", "lanczos4", "lanczos4"),
    ],
)
def test_an_option_of_the_run_beats_the_row_and_the_row_the_default(
    size: ImageSize,
    in_row: Interpolation | None,
    option: Interpolation | None,
    expected: Interpolation,
) -> None:
    decision = route(size, table_of(interpolation=in_row), profile="safe", interpolation=option)
    assert decision.interpolation == expected


@pytest.mark.parametrize(
    ("size", "in_row", "option", "expected"),
    [
        (KNOWN, "reflect", "replicate", "replicate"),
        (KNOWN, "reflect", None, "reflect"),
        (KNOWN, None, None, "constant"),
        (UNKNOWN, "reflect", None, "constant"),
    ],
)
def test_the_border_follows_the_same_order(
    size: ImageSize, in_row: Border | None, option: Border | None, expected: Border
) -> None:
    decision = route(size, table_of(border=in_row), profile="safe", border=option)
    assert decision.border == expected


@pytest.mark.parametrize(
    ("size", "balanced", "aggressive"),
    [
        ("2048x1367", "dim_primary", "dim_primary"),
        ("2048x1366", "dim_primary", "dim_primary"),
        ("2048x1365", "dim_primary", "dim_primary"),
        ("2048x1369", "dim_primary", "dim_primary"),
        ("2048x1368", "dim_primary", "dim_primary"),
        ("2048x1364", "dim_primary", "dim_primary"),
        ("2048x1363", "dim_primary", "dim_primary"),
        ("2048x1362", "dim_safe_guardrail", "dim_safe_guardrail"),  # 2 test photos
        ("2048x1360", "dim_primary", "dim_primary"),
        ("2048x1359", "dim_safe_guardrail", "dim_safe_guardrail"),  # 3, and heavy_crop
        ("2048x1356", "dim_safe_guardrail", "dim_safe_guardrail"),  # 4, and heavy_crop
        ("1367x2048", "dim_safe_guardrail", "dim_safe_guardrail"),  # 3
        ("2048x1370", "parent_primary", "parent_safe"),
        ("2048x1361", "parent_primary", "parent_safe"),
        ("2048x1536", "parent_safe", "parent_safe"),
        ("1366x2048", "parent_safe", "parent_safe"),
    ],
)
def test_the_shipped_table_routes_the_sizes_of_the_test_set(
    size: str, balanced: Route, aggressive: Route
) -> None:
    width, height = map(int, size.split("x"))
    photo, table = ImageSize(width, height), shipped_correction_table()
    assert route(photo, table, profile="balanced").route == balanced
    assert route(photo, table, profile="aggressive").route == aggressive


@given(width=PIXELS, height=PIXELS, profile=st.sampled_from(PROFILES))
def test_every_size_gets_a_route_of_its_own_bucket(width: int, height: int, profile: Profile) -> None:
    decision = route(ImageSize(width, height), shipped_correction_table(), profile=profile)
    assert decision.bucket == bucket_of(width, height)
    assert decision.route in get_args(Route)
    if decision.bucket in HIGH_RISK:
        assert "primary" not in decision.route
