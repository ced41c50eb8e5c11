"""Shows how a table was built, in Prefect's UI and for the command line."""

from prefect.artifacts import create_table_artifact

from tasks.domain.coefficients import CoefficientPair
from tasks.domain.search_schemas import FoundCoefficients
from tasks.domain.table_building import BuiltTable
from tasks.reporting import best_effort

Row = dict[str, str]


@best_effort
def publish_build(record: BuiltTable) -> None:
    """Show the coefficients and how each was found."""
    create_table_artifact(build_rows(record), key="build-table", description=outcome(record))


def outcome(record: BuiltTable) -> str:
    """Say in one sentence what was built of what."""
    found = record.manifest.found.values()
    used, without = sum(one.pairs for one in found), sum(one.primary is None for one in found)
    lacking = f", {without} without coefficients of their own" if without else ""
    unusable = f", {len(record.quarantined)} files quarantined" if record.quarantined else ""
    optimizer = record.request.options.optimizer
    return (
        f"{record.name}: table of {record.request.method} by {optimizer} from {used} of "
        f"{record.pairs} pairs, {len(found)} groups{lacking}{unusable}; use it with -p table={record.name}"
    )


def build_rows(record: BuiltTable) -> list[Row]:
    """Write a row for each size or bucket."""
    return [_row(key, found) for key, found in record.manifest.found.items()]


def _row(key: str, found: FoundCoefficients) -> Row:
    return {
        "group": key,
        "pairs": f"{found.pairs} of {found.support}",
        "left out": str(len(found.left_out)),
        "optimizer": found.optimizer,
        "before": str(found.base),
        "primary": _shown(found.primary),
        "safe": _shown(found.safe),
        "px off": "" if found.primary_px is None else f"{found.primary_px:.2f}",
        "proxy loss (before)": _losses(found),
        "note": found.fallback or "",
    }


def _shown(pair: CoefficientPair | None) -> str:
    return "" if pair is None else str(pair)


def _losses(found: FoundCoefficients) -> str:
    if found.primary_loss is None:
        return ""
    before = "-" if found.base_loss is None else f"{found.base_loss:.4f}"
    return f"{found.primary_loss:.4f} ({before})"
