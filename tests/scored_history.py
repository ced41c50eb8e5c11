"""The user's twelve scored runs, built row by row to the figures that are known of them.

Only the figures are real: which photo got which score is made up, with two decimals as the judge wrote
them, so that means, medians, zero rates, bucket tables and differing rows come out as recorded. Of the
runs of which only the mean is known, the zero rate is made up too.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

from tasks.domain.buckets import bucket_of
from tasks.domain.schemas import PhotoRef
from tasks.domain.score_schemas import Judge, PhotoScore

JUDGE: Final = Judge(name="history", version="1", metric_profile="unknown", target_set_digest="d" * 64)
LISTINGS: Final = 236

_SIZES: Final[Mapping[tuple[int, int], int]] = {
    (2048, 1367): 467,
    (2048, 1366): 231,
    (2048, 1365): 110,
    (2048, 1369): 76,
    (2048, 1368): 16,
    (2048, 1371): 2,
    (2048, 1360): 26,
    (2048, 1363): 24,
    (2048, 1364): 16,
    (2048, 1362): 2,
    (2048, 1356): 4,
    (2048, 1359): 3,
    (2048, 1372): 14,
    (1365, 2048): 6,
    (1367, 2048): 3,
}
_MIDDLE: Final = (2655, 2651, 2643, 2617)
"""The largest scores below the middle: as highs fall away from run to run, the median walks down them."""


@cache
def photos() -> tuple[PhotoRef, ...]:
    """Make the 1,000 test photos in the sizes and listings of the real ones."""
    sizes = [size for size, count in _SIZES.items() for _ in range(count)]
    return tuple(
        PhotoRef(
            id=f"home{number * LISTINGS // len(sizes):03d}_g{number:04d}",
            width=width,
            height=height,
            size=1,
            sha256="0" * 64,
        )
        for number, (width, height) in enumerate(sizes)
    )


@cache
def ids_of(bucket: str) -> tuple[str, ...]:
    """Name the photos of a bucket."""
    return tuple(photo.id for photo in photos() if bucket_of(photo.width, photo.height) == bucket)


def tuned() -> dict[str, int]:
    """Scores of the tuned micro-grid in hundredths: 24.9984, median 26.555, 15.9 % zeros."""
    return {
        **_bucket("standard", total=1_417_039, zeros=39, highs=280, lows=_MIDDLE, lowest_high=2656),
        **_bucket("near_standard_short", total=772_024, zeros=62, highs=160),
        **_bucket("near_standard_tall", total=224_566, zeros=14, highs=48),
        **_bucket("moderate_crop", total=73_977, zeros=19, highs=10),
        **_bucket("heavy_crop", total=1_329, zeros=18, highs=0),
        **_bucket("portrait_cropped", total=3_372, zeros=5, highs=1),
        **_bucket("portrait_standard", total=7_533, zeros=2, highs=1),
    }


def zero_guard_v1() -> dict[str, int]:
    """Tuned, with identity on heavy_crop and portrait_cropped: 24.9839, median 26.53, 15.3 % zeros."""
    return {
        **tuned(),
        **_bucket("heavy_crop", total=2_762, zeros=14, highs=0),
        **_bucket("portrait_cropped", total=493, zeros=3, highs=0),
    }


def zero_guard_v2() -> dict[str, int]:
    """v1 with identity on portrait_standard too: 24.9100, median 26.47, 15.2 % zeros."""
    return {**zero_guard_v1(), **dict(zip(ids_of("portrait_standard"), (0, 37, 100), strict=True))}


def zero_guard_v3() -> dict[str, int]:
    """v1 with milder coefficients on moderate_crop: 24.6893, median 26.30, 15.9 % zeros."""
    return {**zero_guard_v1(), **_bucket("moderate_crop", total=44_513, zeros=25, highs=8, high=2_800)}


def calibguard_safe() -> dict[str, int]:
    """CalibGuard-Dim safe: 18.1704, median 18.095, 16.6 % zeros."""
    return evenly(total=1_817_040, zeros=166, middle=(1809, 1810))


def v11() -> dict[str, int]:
    """The model that blurred: 0.00 on every photo."""
    return {photo.id: 0 for photo in photos()}


def evenly(*, total: int, zeros: int, middle: tuple[int, int] | None = None) -> dict[str, int]:
    """Make a run whose zeros are spread over all buckets alike.

    Args:
        total: Sum of the 1,000 scores in hundredths, 100 times the mean in hundredths.
        zeros: Photos that score 0.
        middle: The two middle scores, whose mean is the median; None leaves the median open.
    """
    names = [photo.id for photo in photos()]
    at_zero = {names[number * len(names) // zeros] for number in range(zeros)} if zeros else set[str]()
    others = [name for name in names if name not in at_zero]
    if middle is None:
        values = _spread(len(others), total, 1, 10_000)
    else:
        lows, highs = 500 - zeros - 1, 499
        low_total = lows * middle[0] * 2 // 3
        values = [*_spread(lows, low_total, 1, middle[0]), *middle]
        values += _spread(highs, total - sum(values), middle[1], 10_000)
    return {**dict.fromkeys(at_zero, 0), **dict(zip(others, values, strict=True))}


def history() -> Sequence[tuple[str, dict[str, int]]]:
    """Name and scores of each run, in the order they were scored; the fifth became champion."""
    return (
        ("submission_global_grid", evenly(total=2_400_000, zeros=150)),
        ("submission_hough_proxy", evenly(total=345_000, zeros=190)),
        ("submission_laplacian_proxy", evenly(total=2_121_000, zeros=170)),
        ("submission_nelder_per_image", evenly(total=1_889_000, zeros=180)),
        ("submission_dim_bucket_microgrid", evenly(total=2_964_000, zeros=110)),
        ("submission_dim_bucket_microgrid_tuned_20260222", tuned()),
        ("safezero_v1", zero_guard_v1()),
        ("zero_guard_v1_20260222_030358", zero_guard_v1()),
        ("zero_guard_v2_20260222_030614", zero_guard_v2()),
        ("zero_guard_v3_20260222_030901", zero_guard_v3()),
        ("submission_calibguard_cycle1_safe_scored", calibguard_safe()),
        ("v11_submission", v11()),
    )


def as_scores(hundredths: Mapping[str, int]) -> tuple[PhotoScore, ...]:
    """Turn hundredths of a point into scores."""
    return tuple(PhotoScore(image_id=name, score=value / 100) for name, value in sorted(hundredths.items()))


def as_csv(hundredths: Mapping[str, int]) -> bytes:
    """Write the scored CSV as the judge does."""
    rows = [f"{name},{value // 100}.{value % 100:02d}\n" for name, value in sorted(hundredths.items())]
    return "".join(["image_id,score\n", *rows]).encode()


def _bucket(
    name: str,
    *,
    total: int,
    zeros: int,
    highs: int,
    high: int = 2_700,
    lows: Sequence[int] = (),
    lowest_high: int | None = None,
) -> dict[str, int]:
    """Fill a bucket with zeros first, then scores below the middle, then ``highs`` above it."""
    ids = ids_of(name)
    first = [] if lowest_high is None else [lowest_high]
    below = len(ids) - zeros - highs - len(lows)
    # Highs share what the lows leave; lows stay below the smallest of the named middle scores.
    low_total = min(below * 1_300, total - sum(lows) - highs * high) if highs else total
    low_values = _spread(below, low_total, 1, min(_MIDDLE) - 1)
    high_values = _spread(highs - len(first), total - low_total - sum(lows) - sum(first), 2656, 10_000)
    return dict(zip(ids, [*[0] * zeros, *low_values, *lows, *first, *high_values], strict=True))


def _spread(count: int, total: int, low: int, high: int) -> list[int]:
    """Make ``count`` whole numbers of that sum, as equal as can be."""
    if count == 0 and total == 0:
        return []
    values = [total // count + (number < total % count) for number in range(count)]
    if not low <= min(values) <= max(values) <= high:
        raise ValueError(f"no {count} numbers from {low} to {high} have the sum {total}")
    return values
