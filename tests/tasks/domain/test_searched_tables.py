from datetime import date

from gpu.search.candidate import Candidate
from gpu.search.trial import Trial
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.row_search import RowTrials
from tasks.domain.search_schemas import FoundCoefficients, PairSearchOptions, TableBuildOptions
from tasks.domain.searched_tables import (
    TableLabel,
    bucket_table,
    candidate_of,
    correction_table,
    found_coefficients,
    global_table,
    pair_of,
)
from tasks.domain.tables import (
    canonical_json,
    load_table,
    shipped_bucket_table,
    shipped_correction_table,
    shipped_global_table,
)

LABEL = TableLabel("mine", date(2026, 11, 27))
BASE = Candidate(-0.17, 0.35)
OPTIONS = PairSearchOptions()


def trial(candidate: Candidate, *, loss: float, risk: float, valid: bool = True) -> Trial:
    return Trial(candidate, loss=loss, risk=risk, border=0.0, warp=0.1, valid=valid)


def found(*trials: Trial) -> FoundCoefficients:
    row = RowTrials(trials, "grid")
    return found_coefficients(row, base=BASE, support=40, ids=("b", "a"), left_out=(), seconds=1.5)


STRONG = trial(Candidate(-0.2, 0.41, 0.1), loss=0.2, risk=0.3)
WEAK = trial(Candidate(-0.14, 0.29), loss=0.3, risk=0.1)


def test_primary_is_the_least_loss_and_safe_the_least_risk() -> None:
    chosen = found(STRONG, WEAK, trial(BASE, loss=0.1, risk=0.0, valid=False))
    assert chosen.primary == CoefficientPair(k1=-0.2, k2=0.41, alpha=0.1)
    assert chosen.safe == CoefficientPair(k1=-0.14, k2=0.29)
    assert (chosen.primary_loss, chosen.safe_risk, chosen.base_loss) == (0.2, 0.1, None)
    assert (chosen.candidates, chosen.invalid, chosen.pairs, chosen.seconds) == (3, 1, 2, 1.5)


def test_a_pair_survives_the_way_to_a_search_and_back() -> None:
    for pair in (CoefficientPair(k1=-0.2, k2=0.41, alpha=0.1), CoefficientPair(k1=-0.14, k2=0.29)):
        assert pair_of(candidate_of(pair, alpha=0.0)) == pair


def test_a_known_size_keeps_what_was_scored_and_counted_of_it() -> None:
    base = shipped_correction_table()
    row = base.dimensions["2048x1367"].model_copy(update={"last_zero_rate": 0.25})
    base = base.model_copy(update={"dimensions": {**base.dimensions, "2048x1367": row}})
    table = correction_table(
        {"2048x1367": found(STRONG, WEAK), "2048x1370": found(STRONG, WEAK)}, base, TableBuildOptions(), LABEL
    )
    known, new = table.dimensions["2048x1367"], table.dimensions["2048x1370"]
    assert (known.support, known.test_photos, known.last_zero_rate) == (40, 467, 0.25)
    assert (new.support, new.test_photos, new.last_zero_rate) == (40, None, None)
    assert (table.parents, table.global_fallback) == (base.parents, base.global_fallback)
    assert load_table(canonical_json(table), source="mine.json") == table


def test_a_size_without_a_valid_candidate_has_no_row() -> None:
    nothing = found(trial(BASE, loss=0.1, risk=0.1, valid=False))
    table = correction_table({"2048x1367": nothing}, shipped_correction_table(), TableBuildOptions(), LABEL)
    assert dict(table.dimensions) == {}


def test_interpolation_and_border_of_the_search_are_the_tables_defaults() -> None:
    options = TableBuildOptions(interpolation="lanczos4", border="constant")
    table = correction_table({"2048x1367": found(STRONG)}, shipped_correction_table(), options, LABEL)
    assert (table.defaults.interpolation, table.defaults.border) == ("lanczos4", "constant")


def test_what_was_not_found_is_kept_and_the_source_says_so() -> None:
    nothing = found()
    kept = global_table(nothing, shipped_global_table(), OPTIONS, LABEL)
    assert kept.pair == shipped_global_table().pair
    assert kept.source.endswith("Kept from the base table: the pair.")
    found_here = {"standard": found(STRONG), "heavy_crop": nothing}
    table = bucket_table(found_here, shipped_bucket_table(), OPTIONS, LABEL)
    assert table.buckets["standard"] == CoefficientPair(k1=-0.2, k2=0.41, alpha=0.1)
    assert table.buckets["heavy_crop"] == shipped_bucket_table().buckets["heavy_crop"]
    assert table.source.endswith(
        "Kept from the base table: near_standard_tall, near_standard_short, moderate_crop, heavy_crop, "
        "portrait_standard, portrait_cropped."
    )
