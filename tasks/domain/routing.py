"""Chooses the row of a CalibGuard-Dim table that serves a photo of a given size, and says why.

                     profile safe     balanced                       aggressive
    known size       dim_safe         dim_primary, or                as balanced, and below 100 pairs
                                      dim_safe_guardrail if forced   dim_safe_low_support
    unknown size     parent_safe      parent_primary, or             parent_safe
                                      parent_safe if high-risk
    no parent row    global_fallback  global_fallback                global_fallback

Pure arithmetic on a size and a table; it reads no pixel and never looks at what a photo shows.
"""

from typing import Final, Literal

from gpu.coordinates import ImageSize
from tasks.domain.buckets import HIGH_RISK, Bucket, bucket_of
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.schemas import Border, Interpolation, Record
from tasks.domain.tables import CorrectionTable, DimensionRow

Profile = Literal["safe", "balanced", "aggressive"]
PROFILES: Final[tuple[Profile, ...]] = ("safe", "balanced", "aggressive")

Route = Literal[
    "dim_safe",
    "dim_safe_guardrail",
    "dim_primary",
    "dim_safe_low_support",
    "parent_safe",
    "parent_primary",
    "global_fallback",
]

ZERO_RATE_LIMIT: Final = 0.20
"""Share of zero scores from which on a size's primary coefficients are not trusted."""
FEW_TEST_PHOTOS: Final = 9
"""Up to so many test photos a size is too rare for its primary coefficients to be worth the risk."""
AGGRESSIVE_SUPPORT: Final = 100
"""Training pairs that profile ``aggressive`` wants behind primary coefficients."""


class RouteDecision(Record):
    """The row that serves a size, and what decided for it."""

    bucket: Bucket
    route: Route
    pair: CoefficientPair
    reason: str
    """One sentence."""
    guardrails: tuple[str, ...]
    """Why the safe row of a known size is forced; told whatever the profile, empty when nothing forces it."""
    interpolation: Interpolation
    border: Border


def route(
    size: ImageSize,
    table: CorrectionTable,
    *,
    profile: Profile,
    interpolation: Interpolation | None = None,
    border: Border | None = None,
) -> RouteDecision:
    """Choose coefficients, interpolation and border for a photo.

    Args:
        size: Pixels as stored.
        table: Rows to choose from.
        profile: How much evidence primary coefficients must have behind them.
        interpolation: Option of the run; beats the size's row, which beats the table's default.
        border: The same.
    """
    bucket = bucket_of(size.width, size.height)
    row = table.dimensions.get(str(size))
    guardrails = () if row is None else _guardrails(row, bucket)
    if row is None:
        label, pair, reason = _from_parent(size, table, bucket=bucket, profile=profile)
    else:
        label, reason = _from_row(size, row, profile=profile, guardrails=guardrails)
        pair = row.primary if label == "dim_primary" else row.safe
    return RouteDecision(
        bucket=bucket,
        route=label,
        pair=pair,
        reason=reason,
        guardrails=guardrails,
        interpolation=interpolation or (row and row.interpolation) or table.defaults.interpolation,
        border=border or (row and row.border) or table.defaults.border,
    )


def _guardrails(row: DimensionRow, bucket: Bucket) -> tuple[str, ...]:
    """List what forces the safe row of a known size."""
    found: list[str] = []
    if row.last_zero_rate is not None and row.last_zero_rate >= ZERO_RATE_LIMIT:
        found.append(f"its last scored zero rate {row.last_zero_rate:.3f} is {ZERO_RATE_LIMIT:.2f} or more")
    if row.test_photos is not None and 1 <= row.test_photos <= FEW_TEST_PHOTOS:
        found.append(f"it has {row.test_photos} test photos, from 1 to {FEW_TEST_PHOTOS}")
    if bucket in HIGH_RISK:
        found.append(f"its bucket {bucket} is high-risk")
    return tuple(found)


def _from_row(
    size: ImageSize, row: DimensionRow, *, profile: Profile, guardrails: tuple[str, ...]
) -> tuple[Route, str]:
    if profile == "safe":
        return "dim_safe", f"profile safe takes the safe row of {size}"
    if guardrails:
        return "dim_safe_guardrail", f"the safe row of {size} is forced: {'; '.join(guardrails)}"
    if profile == "aggressive" and row.support < AGGRESSIVE_SUPPORT:
        short = f"{row.support} training pairs, fewer than {AGGRESSIVE_SUPPORT}"
        return "dim_safe_low_support", f"profile aggressive takes the safe row of {size}, which has {short}"
    return "dim_primary", f"profile {profile} takes the primary row of {size}"


def _from_parent(
    size: ImageSize, table: CorrectionTable, *, bucket: Bucket, profile: Profile
) -> tuple[Route, CoefficientPair, str]:
    parent = table.parents.get(bucket)
    why = f"{size} has no row; profile {profile} takes the"
    if parent is None:
        return "global_fallback", table.global_fallback, f"neither {size} nor its bucket {bucket} has a row"
    if profile != "balanced":
        return (
            "parent_safe",
            parent.safe,
            f"{why} safe row of bucket {bucket}",
        )
    if bucket in HIGH_RISK:
        return (
            "parent_safe",
            parent.safe,
            f"{why} safe row of bucket {bucket}, which is high-risk",
        )
    return "parent_primary", parent.primary, f"{why} primary row of bucket {bucket}"
