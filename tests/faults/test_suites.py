"""The suites in small, and what judges them: it must see what it is there to see."""

from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from tasks.champion import crown, reigning
from tasks.domain.ledger import LedgerEntry
from tasks.ledger import entries
from tests.faults.documents import hostile_files
from tests.faults.gates import gates
from tests.faults.tampering import tampering
from tests.faults.verdict import Verdict
from tests.ledger_entries import pointer
from tests.promoters import Arena, Claim, wrongs

LOST = "b was to be promotion 1, after nobody; meanwhile 'a' (promotion 1) became champion, so nothing was"


def wrong(verdicts: list[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.outcome != "survived"]


def test_hostile_files_are_refused(tmp_path: Path) -> None:
    assert wrong(list(hostile_files(tmp_path, count=60, seed=1))) == []


def test_gates_agree_with_what_is_known_without_them() -> None:
    assert wrong(list(gates(cases=20))) == []


def test_nothing_is_promoted_on_evidence_that_was_tampered_with() -> None:
    assert wrong(list(tampering(count=6, seed=1))) == []


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def ledger(store: ObjectStore) -> list[LedgerEntry]:
    """One promotion, that of a."""
    arena = Arena(1, store.url, rounds=1)
    candidate = pointer("a", 1).model_copy(update={"judge": arena.judge})
    crown(candidate, reigning(arena.judge, store), store)
    return entries(store)


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        ({"a": "", "b": LOST}, None),
        ({"a": "", "b": ""}, "a won and ['a', 'b'] were told so"),
        ({"a": "the store is away", "b": LOST}, "a won and [] were told so"),
        ({"a": "", "b": "the store is away"}, "b, who lost to a, was told 'the store is away'"),
    ],
)
def test_whoever_is_told_wrong_is_seen(
    store: ObjectStore, ledger: list[LedgerEntry], told: dict[str, str], seen: str | None
) -> None:
    claims = [Claim(1, 1, name, words) for name, words in told.items()]
    ((winner, found),) = wrongs(Arena(1, store.url, rounds=1), claims, ledger)
    assert winner == "a"
    assert (seen in found) if seen else found == []


def test_rounds_that_left_no_promotion_are_seen(store: ObjectStore, ledger: list[LedgerEntry]) -> None:
    judged = list(wrongs(Arena(1, store.url, rounds=2), [Claim(1, 1, "a", "")], ledger))
    assert judged[0] == ("a", [])
    assert "the ledger has 0 promotions of generation 2" in judged[1][1]
    assert any("after 2 rounds the ledger has 1 promotions" in sentence for sentence in judged[1][1])
