import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import DocumentError
from tasks.domain.schemas import Record
from tasks.domain.strict_json import MAX_BYTES, parse_record, parse_strict_json, place

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


class Row(Record):
    k1: float
    rows: tuple["Row", ...] = ()


def problems_of(text: str | bytes) -> tuple[str, ...]:
    with pytest.raises(DocumentError) as refusal:
        parse_strict_json(text, source="mine.json")
    assert str(refusal.value).startswith("mine.json has ")
    return refusal.value.problems


@given(tree=TREES)
def test_what_json_can_hold_is_read_as_it_is(tree: object) -> None:
    assert parse_strict_json(json.dumps(tree), source="mine.json") == tree
    assert parse_strict_json(json.dumps(tree, ensure_ascii=False).encode(), source="mine.json") == tree


@given(junk=st.binary(max_size=60) | st.text(max_size=60))
def test_junk_is_read_or_refused_with_a_sentence(junk: bytes | str) -> None:
    try:
        parse_strict_json(junk, source="mine.json")
    except DocumentError as error:
        sentence = str(error)
    else:
        sentence = "read"
    assert sentence.encode()  # can be printed and logged


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": NaN}', "a: NaN is no JSON number; a finite number was expected"),
        ('{"a": [0, -Infinity]}', "a[1]: -Infinity is no JSON number; a finite number was expected"),
        ("Infinity", "the document: Infinity is no JSON number; a finite number was expected"),
        ('{"a": 1e999}', "a: 1e999 is beyond the range of a float"),
        ('{"a": -1e999}', "a: -1e999 is beyond the range of a float"),
        ('{"a": ' + "9" * 5000 + "}", "a: a number of 5000 digits is beyond the range of an integer"),
        ('{"b": {"a": 1, "a": 2}}', "b: key 'a' occurs more than once"),
        ('{"a": "\\ud800"}', "a: '\\ud800' holds half a surrogate pair"),
        ('{"\\ud800": 1}', "the document: '\\ud800' holds half a surrogate pair"),
        ("", "it is no JSON, line 1, column 1: Expecting value"),
        ('{"a": 1,\n "b": }', "it is no JSON, line 2, column 7: Expecting value"),
        ("{'a': 1}", "it is no JSON, line 1, column 2: Expecting property name enclosed in double quotes"),
        ('{"a": 1} {}', "it is no JSON, line 1, column 10: Extra data"),
        ("<html></html>", "it is no JSON, line 1, column 1: Expecting value"),
        ("[" * 100_000, "it is nested deeper than 64 levels"),
        (b"\xff\xfe{\x00}\x00", "it is no UTF-8 at byte 0; save it as UTF-8"),
        (b'{"a": "\xe4"}', "it is no UTF-8 at byte 7; save it as UTF-8"),
    ],
)
def test_what_json_lets_pass_is_refused_with_its_place(text: str | bytes, problem: str) -> None:
    assert problems_of(text) == (problem,)


def test_all_problems_of_a_document_are_told_at_once() -> None:
    assert len(problems_of('{"a": NaN, "b": {"c": 1, "c": Infinity}, "d": [1e400]}')) == 4


def test_nesting_just_beyond_the_limit_is_refused_with_its_place() -> None:
    assert problems_of("[" * 65 + "0" + "]" * 65) == ("[0][0][0]: it is nested deeper than 64 levels",)
    assert parse_strict_json("[" * 64 + "0" + "]" * 64, source="mine.json")


def test_a_flood_is_refused_before_it_is_parsed() -> None:
    assert problems_of(b" " * (MAX_BYTES + 1)) == (
        f"it has {MAX_BYTES + 1} bytes; at most {MAX_BYTES} are read",
    )


def test_a_byte_order_mark_is_skipped() -> None:
    assert parse_strict_json(b'\xef\xbb\xbf{"a": 1}', source="mine.json") == {"a": 1}
    assert parse_strict_json('\ufeff{"a": 1}', source="mine.json") == {"a": 1}


def test_a_record_is_read_with_what_json_lacks() -> None:
    assert parse_record('{"k1": 1, "rows": [{"k1": 2.5}]}', Row, source="mine.json") == Row(
        k1=1.0, rows=(Row(k1=2.5),)
    )


def test_problems_of_syntax_and_of_schema_are_told_together() -> None:
    with pytest.raises(DocumentError) as refusal:
        parse_record('{"k1": NaN, "rows": [{"k1": "2"}, {}, {"k1": 1, "k9": 1}]}', Row, source="mine.json")
    assert refusal.value.problems == (
        "k1: NaN is no JSON number; a finite number was expected",
        "rows[0].k1: should be a valid number, got '2'",
        "rows[1].k1: is missing",
        "rows[2].k9: is an unknown key; remove it or correct its spelling",
    )


def test_a_place_is_written_as_one_would_reach_it() -> None:
    assert place(("parents", "standard", 3, "k1")) == "parents.standard[3].k1"
    assert place(()) == "the document"
    assert place(("\x1b[2J\n", "grün")) == r"\x1b[2J\n.grün"
