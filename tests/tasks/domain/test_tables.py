import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks.domain.buckets import BUCKETS
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.errors import DocumentError
from tasks.domain.tables import (
    BucketTable,
    load_bucket_table,
    load_global_table,
    load_table,
    shipped_bucket_table,
    shipped_correction_table,
    shipped_global_table,
    shipped_text,
    table_digest,
)

Document = dict[str, Any]
Edit = Callable[[Document], object]
ChangedTable = Callable[[Edit], str]

# size: primary k1 k2 | safe k1 k2 | training pairs, test photos
DIMENSIONS = """
2048x1367  -0.205 0.42   -0.14 0.29   9360 467
2048x1366  -0.20  0.42   -0.14 0.31   4314 231
2048x1365  -0.21  0.43   -0.14 0.31   3815 110
2048x1369  -0.20  0.41   -0.14 0.29   1650 76
2048x1368  -0.18  0.39   -0.14 0.31   330  16
2048x1364  -0.175 0.36   -0.06 0.19   943  16
2048x1363  -0.07  0.15   -0.05 0.11   876  24
2048x1362  -0.08  0.17   -0.05 0.11   288  2
2048x1360  -0.18  0.37   -0.05 0.11   815  26
2048x1359  -0.04  0.08   -0.01 0.03   122  3
2048x1356  -0.03  0.07   -0.01 0.03   105  4
1367x2048  -0.045 0.04   -0.01 0.04   96   3
"""

# bucket: tuned k1 k2 | parent primary k1 k2 | parent safe k1 k2
BUCKET_ROWS = """
standard             -0.178 0.368   -0.170 0.350   -0.165 0.340
near_standard_tall   -0.180 0.378   -0.170 0.350   -0.165 0.340
near_standard_short  -0.180 0.378   -0.170 0.350   -0.160 0.330
moderate_crop        -0.095 0.195   -0.080 0.150   -0.055 0.100
heavy_crop           -0.006 0.028   -0.010 0.010   -0.002 0.005
portrait_standard    -0.015 0.045   -0.020 0.020   -0.008 0.015
portrait_cropped      0.008 0.008   -0.005 0.005    0     0
"""


def rows_of(text: str) -> dict[str, list[float]]:
    lines = [line.split() for line in text.strip().splitlines()]
    return {name: [float(number) for number in numbers] for name, *numbers in lines}


def numbers_of(*pairs: CoefficientPair) -> list[float]:
    return [number for pair in pairs for number in (pair.k1, pair.k2)]


def problems_of(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(DocumentError) as refusal:
        load_table(text, source="mine.json")
    return refusal.value.problems


def test_the_shipped_dimension_rows_are_the_runbooks() -> None:
    shipped = {
        size: [*numbers_of(row.primary, row.safe), row.support, row.test_photos]
        for size, row in shipped_correction_table().dimensions.items()
    }
    assert shipped == rows_of(DIMENSIONS)


def test_the_shipped_parent_rows_are_the_runbooks() -> None:
    parents = {
        bucket: numbers_of(row.primary, row.safe)
        for bucket, row in shipped_correction_table().parents.items()
        if row
    }
    assert parents == {bucket: numbers[2:] for bucket, numbers in rows_of(BUCKET_ROWS).items()}


def test_the_shipped_bucket_table_is_the_tuned_set() -> None:
    tuned = {bucket: numbers_of(pair) for bucket, pair in shipped_bucket_table().buckets.items() if pair}
    assert tuned == {bucket: numbers[:2] for bucket, numbers in rows_of(BUCKET_ROWS).items()}


def test_the_seed_pair_is_shipped_and_stands_in_as_the_fallback() -> None:
    seed = CoefficientPair(k1=-0.17, k2=0.35, alpha=0.0)
    assert shipped_global_table().pair == seed
    assert shipped_correction_table().global_fallback == seed
    assert shipped_bucket_table().fallback == seed


def test_no_row_of_the_shipped_table_has_options_or_scores_of_its_own() -> None:
    rows = shipped_correction_table().dimensions.values()
    assert {(row.interpolation, row.border, row.last_zero_rate) for row in rows} == {(None, None, None)}


@pytest.mark.parametrize(
    "table",
    [shipped_correction_table(), shipped_bucket_table(), shipped_global_table()],
    ids=lambda table: table.name,
)
def test_a_shipped_table_names_source_day_and_defaults(table: BucketTable) -> None:
    assert table.source
    assert str(table.date) == "2026-02-22"
    assert (table.defaults.interpolation, table.defaults.border, table.defaults.alpha) == (
        "cubic",
        "reflect",
        0.0,
    )


def test_a_digest_ignores_layout_order_and_spelling_of_numbers() -> None:
    document = json.loads(shipped_text("dim_bucket_tuned.json"))
    document["buckets"] = dict(reversed(document["buckets"].items()))
    document["fallback"] = {"k2": 3.5e-1, "alpha": -0.0, "k1": -0.170}
    respelled = load_bucket_table(json.dumps(document, indent=7), source="mine.json")
    assert table_digest(respelled) == table_digest(shipped_bucket_table())


def test_a_digest_tells_tables_apart_by_any_number() -> None:
    document = json.loads(shipped_text("dim_bucket_tuned.json"))
    document["buckets"]["standard"]["k1"] = -0.1780001
    changed = load_bucket_table(json.dumps(document), source="mine.json")
    assert table_digest(changed) != table_digest(shipped_bucket_table())


def test_a_digest_is_that_of_the_canonical_json() -> None:
    pair = CoefficientPair(k1=-0.1, k2=1)
    expected = "d2b4d987"  # sha256 of {"alpha":null,"k1":-0.1,"k2":1.0}, by sha256sum
    assert table_digest(pair)[:8] == expected


def test_a_table_written_out_and_read_again_is_the_same() -> None:
    table = shipped_correction_table()
    assert load_table(table.model_dump_json(), source="mine.json") == table


def test_a_bucket_may_say_with_null_that_it_has_no_row(changed_table: ChangedTable) -> None:
    table = load_table(
        changed_table(lambda table: table["parents"].update(heavy_crop=None)), source="mine.json"
    )
    assert table.parents["heavy_crop"] is None
    assert set(table.parents) == set(BUCKETS)


def test_a_table_built_in_code_needs_every_bucket_too() -> None:
    with pytest.raises(ValueError, match="missing: near_standard_tall, "):
        BucketTable(
            schema_version=1,
            name="mine",
            source="a test",
            buckets={"standard": None},
            fallback=CoefficientPair(k1=0.0, k2=0.0),
        )


def row(table: Document, size: str = "2048x1367") -> Document:
    found: Document = table["dimensions"][size]
    return found


HOSTILE_EDITS: dict[str, tuple[Edit, str]] = {
    "no version": (lambda t: t.pop("schema_version"), "schema_version: is missing"),
    "later version": (
        lambda t: t.update(schema_version=2),
        "schema_version: should be less",
    ),
    "true as version": (lambda t: t.update(schema_version=True), "schema_version: should be a"),
    "empty name": (lambda t: t.update(name=""), "name: "),
    "endless name": (lambda t: t.update(name="x" * 121), "name: "),
    "number as name": (lambda t: t.update(name=5), "name: should be a valid string, got 5"),
    "no source": (lambda t: t.pop("source"), "source: is missing"),
    "no date": (lambda t: t.update(date="22.02.2026"), "date: should be a valid date"),
    "impossible date": (lambda t: t.update(date="2026-02-30"), "date: should be a valid date"),
    "number as date": (lambda t: t.update(date=20260222), "date: "),
    "unknown key": (lambda t: t.update(dimension={}), "dimension: is an unknown key"),
    "unknown key in a pair": (
        lambda t: row(t)["safe"].update(k3=0.1),
        "safe.k3: is an unknown key",
    ),
    "unknown key in a row": (lambda t: row(t).update(tertiary={}), "2048x1367.tertiary: is an unknown key"),
    "unknown default": (lambda t: t["defaults"].update(beta=0), "defaults.beta: is an unknown key"),
    "defaults as list": (lambda t: t.update(defaults=[]), "defaults: should be an object"),
    "unknown interpolation": (
        lambda t: t["defaults"].update(interpolation="nearest"),
        "defaults.interpolation: should be 'linear', 'cubic' or 'lanczos4', got 'nearest'",
    ),
    "unknown border": (
        lambda t: row(t).update(border="wrap"),
        "dimensions.2048x1367.border: should be 'constant', 'reflect' or 'replicate', got 'wrap'",
    ),
    "alpha above 1": (lambda t: t["defaults"].update(alpha=1.01), "defaults.alpha: should be less than"),
    "alpha below 0": (lambda t: row(t)["safe"].update(alpha=-0.1), "safe.alpha: should be greater than"),
    "dimensions as list": (lambda t: t.update(dimensions=[]), "dimensions: should be an object"),
    "size without x": (lambda t: t["dimensions"].update({"2048": row(t)}), "dimensions.2048: a size"),
    "size of nothing": (lambda t: t["dimensions"].update({"0x0": row(t)}), "dimensions.0x0: a size"),
    "size with zeros": (lambda t: t["dimensions"].update({"02048x1367": row(t)}), "02048x1367: a size"),
    "size with spaces": (lambda t: t["dimensions"].update({"2048 x 1367": row(t)}), "2048 x 1367: a size"),
    "negative size": (lambda t: t["dimensions"].update({"-5x5": row(t)}), "-5x5: a size"),
    "huge size": (lambda t: t["dimensions"].update({"100000x1": row(t)}), "100000x1: a size"),
    "size in other digits": (lambda t: t["dimensions"].update({"२x२": row(t)}), "२x२: a size"),
    "size too slim": (
        lambda t: t["dimensions"].update({"1x1": row(t) | {"safe": {"k1": 0, "k2": 0}}}),
        "dimensions.1x1.primary: k1=-0.205, k2=0.42 leaves no frame to fit at 1x1",
    ),
    "row as null": (lambda t: t["dimensions"].update({"2048x1367": None}), "2048x1367: should be an object"),
    "no primary": (lambda t: row(t).pop("primary"), "dimensions.2048x1367.primary: is missing"),
    "no support": (lambda t: row(t).pop("support"), "dimensions.2048x1367.support: is missing"),
    "negative support": (lambda t: row(t).update(support=-1), "support: should be greater than"),
    "half a pair in support": (lambda t: row(t).update(support=1.5), "support: should be a valid integer"),
    "support as text": (
        lambda t: row(t).update(support="96"),
        "support: should be a valid integer, got",
    ),
    "zero rate in per cent": (
        lambda t: row(t).update(last_zero_rate=20),
        "last_zero_rate: should be",
    ),
    "negative test photos": (lambda t: row(t).update(test_photos=-1), "test_photos: should be greater"),
    "k1 as text": (
        lambda t: row(t)["safe"].update(k1="-0.1"),
        "safe.k1: should be a valid number",
    ),
    "k1 as true": (lambda t: row(t)["safe"].update(k1=True), "safe.k1: should be a valid number, got True"),
    "k1 as null": (lambda t: row(t)["safe"].update(k1=None), "safe.k1: should be a valid number, got None"),
    "no k2": (lambda t: row(t)["safe"].pop("k2"), "dimensions.2048x1367.safe.k2: is missing"),
    "a pair as list": (lambda t: row(t).update(safe=[-0.1, 0.2]), "2048x1367.safe: should be an object"),
    "k1 NaN": (lambda t: row(t)["safe"].update(k1=float("nan")), "safe.k1: NaN is no JSON number"),
    "k2 infinite": (lambda t: row(t)["safe"].update(k2=float("inf")), "safe.k2: Infinity is no JSON number"),
    "k2 endless": (lambda t: row(t)["safe"].update(k2=10**400), "safe.k2: a number of 401 digits"),
    "no parents": (lambda t: t.pop("parents"), "parents: is missing"),
    "a parent missing": (
        lambda t: t["parents"].pop("heavy_crop"),
        "missing: heavy_crop",
    ),
    "all parents missing": (lambda t: t.update(parents={}), "missing: standard, near_standard_tall,"),
    "unknown parent": (lambda t: t["parents"].update(square=None), "parents.square: should be 'standard', "),
    "parent without safe": (
        lambda t: t["parents"]["standard"].pop("safe"),
        "standard.safe: is missing",
    ),
    "no fallback": (lambda t: t.pop("global_fallback"), "global_fallback: is missing"),
    "fallback as null": (lambda t: t.update(global_fallback=None), "global_fallback: should be an object"),
    "a row that folds": (
        lambda t: row(t)["primary"].update(k1=-2.31, k2=0),
        "2048x1367.primary: k1=-2.31, k2=0 folds the map of a photo of 2048x1367 at radius 0.63 of",
    ),
    "a portrait row that folds": (
        lambda t: row(t, "1367x2048")["safe"].update(k1=-0.42, k2=0),
        "dimensions.1367x2048.safe: k1=-0.42, k2=0 folds the map of a photo of 1367x2048 at radius 0.99 of",
    ),
    "a parent that folds": (
        lambda t: t["parents"]["heavy_crop"]["safe"].update(k1=-5, k2=0),
        "parents.heavy_crop.safe: k1=-5, k2=0 folds",
    ),
    "a fallback that folds": (
        lambda t: t.update(global_fallback={"k1": -5, "k2": 0}),
        "global_fallback: k1",
    ),
    "k1 beyond reason": (lambda t: row(t)["safe"].update(k1=-1e300), "safe.k1: should be greater than"),
    "k2 beyond reason": (lambda t: row(t)["safe"].update(k2=100.1), "safe.k2: should be less than"),
}


@pytest.mark.parametrize(("edit", "problem"), HOSTILE_EDITS.values(), ids=HOSTILE_EDITS.keys())
def test_a_hostile_table_is_refused_with_one_sentence_that_names_the_place(
    changed_table: ChangedTable, edit: Edit, problem: str
) -> None:
    problems = problems_of(changed_table(edit))
    assert len(problems) == 1
    assert problem in problems[0]


@pytest.mark.parametrize("text", ["", "null", "[]", "0", '"table"', "{}", b"\xff", "[" * 9999, "{" * 9999])
def test_what_is_no_table_at_all_is_refused(text: str | bytes) -> None:
    assert problems_of(text)


def test_all_problems_of_a_table_are_told_at_once(changed_table: ChangedTable) -> None:
    def edit(table: Document) -> None:
        table["extra"] = 1
        table["parents"].pop("heavy_crop")
        table["parents"]["square"] = None
        table["dimensions"]["wide"] = dict(row(table))
        row(table)["support"] = float("nan")
        row(table)["safe"] = {"k1": -2.31, "k2": 0}
        table["dimensions"]["2048x1366"].pop("primary")

    assert [problem.split(": ")[0] for problem in problems_of(changed_table(edit))] == [
        "dimensions.2048x1366.primary",
        "dimensions.2048x1367.safe",
        "dimensions.2048x1367.support",
        "dimensions.wide",
        "extra",
        "parents",
        "parents.square",
    ]


def test_a_size_that_is_given_twice_is_refused() -> None:
    text = shipped_text("calibguard_dim.json").replace(b'"2048x1366"', b'"2048x1367"')
    assert problems_of(text) == ("dimensions: key '2048x1367' occurs more than once",)


def test_the_tables_alpha_is_used_to_judge_its_curves() -> None:
    def loaded(alpha: float) -> object:
        document = json.loads(shipped_text("dim_bucket_tuned.json"))
        document["defaults"] = {"alpha": alpha}
        document["buckets"]["portrait_standard"] = {
            "k1": 0.95,
            "k2": -1.2,
        }  # folds beyond the frame of alpha 0
        return load_bucket_table(json.dumps(document), source="mine.json")

    assert loaded(0.0)
    with pytest.raises(DocumentError, match=r"buckets\.portrait_standard: k1=0\.95"):
        loaded(1.0)


def test_a_bucket_table_is_judged_by_bucket() -> None:
    document = json.loads(shipped_text("dim_bucket_tuned.json"))
    document["buckets"]["portrait_standard"] = {"k1": -0.42, "k2": 0}
    document["buckets"].pop("standard")
    with pytest.raises(DocumentError) as refusal:
        load_bucket_table(json.dumps(document), source="mine.json")
    assert [problem.split(": ")[0] for problem in refusal.value.problems] == [
        "buckets",
        "buckets.portrait_standard",
    ]


@pytest.mark.parametrize(
    ("load", "shipped", "key"),
    [
        (load_bucket_table, "dim_bucket_tuned.json", "fallback"),
        (load_global_table, "global_grid_seed.json", "pair"),
    ],
)
def test_the_pair_that_serves_many_sizes_is_judged_on_the_standard_frame(
    load: Callable[..., object], shipped: str, key: str
) -> None:
    document = json.loads(shipped_text(shipped)) | {key: {"k1": -5, "k2": 0}}
    with pytest.raises(DocumentError, match=rf"{key}: k1=-5, k2=0 folds the map of a photo of 2048x1367"):
        load(json.dumps(document), source="mine.json")
