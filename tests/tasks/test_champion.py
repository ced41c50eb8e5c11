import pytest

from infra.errors import StoreUnavailable
from infra.store.interface import ObjectStore, StoredObject
from tasks.champion import PromotionOvertaken, crown, reigning
from tasks.domain.ledger import ChampionPointer, board
from tasks.keys import champion_key
from tasks.ledger import entries
from tasks.records import RecordUnreadable
from tests.ledger_entries import PORTAL, pointer
from tests.promoters import Arena, race, wrongs


def champions(store: ObjectStore) -> list[str]:
    """Names that the ledger says were promoted, in the order of the pointer."""
    found = [entry.pointer for entry in entries(store) if entry.pointer]
    return [one.name for one in sorted(found, key=lambda one: one.generation)]


def after(store: ObjectStore, name: str) -> ChampionPointer:
    last = reigning(PORTAL, store).pointer
    return pointer(name, last.generation + 1 if last else 1)


def test_a_promotion_moves_the_pointer_and_is_in_the_ledger(store: ObjectStore) -> None:
    assert reigning(PORTAL, store).pointer is None
    first = after(store, "a")
    crown(first, reigning(PORTAL, store), store)
    second = after(store, "b")
    crown(second, reigning(PORTAL, store), store)
    assert reigning(PORTAL, store).pointer == second
    assert champions(store) == ["a", "b"]
    assert board(entries(store), PORTAL).champion == "b"


def test_a_promotion_against_a_champion_that_changed_is_refused_and_changes_nothing(
    store: ObjectStore,
) -> None:
    before = reigning(PORTAL, store)
    crown(after(store, "a"), before, store)
    with pytest.raises(PromotionOvertaken, match=r"b was to be promotion 1, .* 'a' \(promotion 1\)"):
        crown(pointer("b", 1), before, store)
    assert champions(store) == ["a"]


def test_a_promotion_whose_author_died_before_the_ledger_is_recorded_by_the_next(store: ObjectStore) -> None:
    first = after(store, "a")
    store.swap(champion_key(PORTAL), first.model_dump_json().encode(), expected=None)
    assert champions(store) == []
    crown(after(store, "b"), reigning(PORTAL, store), store)
    assert champions(store) == ["a", "b"]


class LosesReplies:
    """A store whose first swap happens, and is overtaken before its reply is lost."""

    def __init__(self, store: ObjectStore, then: ChampionPointer) -> None:
        self._store, self._then, self._lost = store, then, False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def swap(self, key: str, body: bytes, *, expected: str | None) -> StoredObject:
        stored = self._store.swap(key, body, expected=expected)
        if not self._lost:
            self._lost = True
            crown(self._then, reigning(PORTAL, self._store), self._store)
            return self._store.swap(key, body, expected=expected)  # the client's own retry
        return stored


def test_a_winner_whose_reply_was_lost_and_who_was_overtaken_is_told_that_it_won(store: ObjectStore) -> None:
    first, second = pointer("a", 1), pointer("b", 2)
    crown(first, reigning(PORTAL, store), LosesReplies(store, second))  # type: ignore[arg-type]
    assert reigning(PORTAL, store).pointer == second
    assert champions(store) == ["a", "b"]


def test_a_damaged_pointer_is_a_sentence(store: ObjectStore) -> None:
    store.create(champion_key(PORTAL), b'{"generation": 0}')
    with pytest.raises(RecordUnreadable, match="is no ChampionPointer of this version"):
        reigning(PORTAL, store)


def test_of_promotions_at_the_same_moment_one_wins_and_all_are_told_the_truth(
    store: ObjectStore,
) -> None:
    arenas = [Arena(number, store.url, rounds=5) for number in (1, 2)]
    claims = race(arenas, promoters=4)
    assert [found for arena in arenas for _, found in wrongs(arena, claims, entries(store))] == [[]] * 10


def test_an_outage_is_no_verdict(store: ObjectStore) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def swap(self, key: str, body: bytes, *, expected: str | None) -> StoredObject:
            raise StoreUnavailable("the store is away")

    with pytest.raises(StoreUnavailable):
        crown(pointer("a", 1), reigning(PORTAL, store), Away())  # type: ignore[arg-type]
    assert champions(store) == []
