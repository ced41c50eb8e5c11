import json

import pytest

from infra.store.interface import ObjectStore
from tasks.domain.ledger import ChampionPointer
from tasks.records import RecordUnreadable, read_record
from tests.ledger_entries import pointer

GOOD = pointer("a", 1).model_dump_json()


def spoilt(**members: object) -> str:
    return json.dumps({**json.loads(GOOD), **members})


def test_a_record_is_read_back(store: ObjectStore) -> None:
    store.create("pointer.json", GOOD.encode())
    assert read_record(ChampionPointer, "pointer.json", store) == pointer("a", 1)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (spoilt(generation="1"), "generation: should be a valid integer, got '1'"),
        (spoilt(generation=True), "generation: should be a valid integer, got True"),
        (spoilt(mean=float("nan")), "mean: NaN is no JSON number"),
        (f'{GOOD[:-1]},"mean":99.0}}', "key 'mean' occurs more than once"),
        (spoilt(**{"\x1b[2J\n": 1}), r"\x1b[2J\n: is an unknown key"),
        ("[" * 100_000, "nested deeper"),
    ],
)
def test_what_only_resembles_a_record_is_one_sentence(
    document: str, problem: str, store: ObjectStore
) -> None:
    store.create("pointer.json", document.encode())
    with pytest.raises(RecordUnreadable) as refusal:
        read_record(ChampionPointer, "pointer.json", store)
    assert "pointer.json is no ChampionPointer of this version: " in str(refusal.value)
    assert problem in str(refusal.value)
    assert str(refusal.value).isprintable()
