"""Several processes that want to be champion at the same moment, and the history by which they are judged.

What they claim is written down and counts for nothing by itself: the ledger and the pointer say who won.
"""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from typing import Any

from infra.errors import AdapterError
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3_connection import RetryPolicy, S3Credentials
from tasks.champion import PromotionOvertaken, crown, reigning
from tasks.domain.ledger import ChampionPointer, LedgerEntry
from tasks.domain.score_schemas import Judge
from tests.ledger_entries import PORTAL, pointer

_PATIENT = RetryPolicy(total_s=60.0, first_pause_s=0.05, longest_pause_s=0.2)
_BARRIER_S = 300.0
_WON = ""


@dataclass(frozen=True)
class Arena:
    """One pointer that all want, round after round, and the store that holds it."""

    number: int
    url: str
    rounds: int
    s3: S3Credentials | None = None

    @property
    def judge(self) -> Judge:
        """A judge of its own, for pointers of two judges do not meet."""
        return PORTAL.model_copy(update={"target_set_digest": f"{self.number:064x}"})

    def store(self) -> ObjectStore:
        return open_store(self.url, s3=self.s3, retries=_PATIENT)


@dataclass(frozen=True)
class Claim:
    """What one promoter was told in one round, counted from 1: nothing where it won."""

    arena: int
    round: int
    name: str
    told: str


def race(arenas: Sequence[Arena], *, promoters: int) -> list[Claim]:
    """Let each promoter, a process, have a go in every round of every arena; arenas run side by side."""
    context = multiprocessing.get_context("spawn")
    barriers = {arena.number: context.Barrier(promoters) for arena in arenas}
    told = context.SimpleQueue()
    running = [
        context.Process(target=_promote, args=(number, arenas, barriers, told)) for number in range(promoters)
    ]
    for process in running:
        process.start()
    claims = [claim for _ in running for claim in told.get()]
    for process in running:
        process.join()
    return claims


def wrongs(
    arena: Arena, claims: Sequence[Claim], ledger: Sequence[LedgerEntry]
) -> Iterator[tuple[str, list[str]]]:
    """Give for each round who won it by the ledger, and a sentence for all that is not as it must be."""
    promoted = [entry.pointer for entry in ledger if entry.pointer and entry.judge == arena.judge]
    for number in range(1, arena.rounds + 1):
        crowned = [one for one in promoted if one.generation == number]
        told = {one.name: one.told for one in claims if (one.arena, one.round) == (arena.number, number)}
        found = list(_wrong_round(number, crowned, told))
        if number == arena.rounds:
            found += _wrong_end(arena, promoted)
        yield (crowned[0].name if crowned else "nobody"), found


def _wrong_end(arena: Arena, promoted: Sequence[ChampionPointer]) -> list[str]:
    last = max(promoted, key=lambda one: one.generation, default=None)
    now = reigning(arena.judge, arena.store()).pointer
    if now == last and len(promoted) == arena.rounds:
        return []
    return [f"after {arena.rounds} rounds the ledger has {len(promoted)} promotions, the pointer is {now!r}"]


def _wrong_round(generation: int, crowned: Sequence[ChampionPointer], told: dict[str, str]) -> Iterator[str]:
    if len(crowned) != 1:
        yield f"the ledger has {len(crowned)} promotions of generation {generation}"
        return
    winner = crowned[0].name
    claimants = [name for name, words in told.items() if words == _WON]
    if claimants != [winner]:
        yield f"{winner} won and {claimants} were told so"
    for name, words in told.items():
        if name != winner and f"meanwhile '{winner}' (promotion {generation}) became champion" not in words:
            yield f"{name}, who lost to {winner}, was told {words!r}"


def _promote(number: int, arenas: Sequence[Arena], barriers: dict[int, Barrier], told: Any) -> None:
    with ThreadPoolExecutor(len(arenas)) as threads:
        claims = threads.map(lambda arena: list(_compete(number, arena, barriers[arena.number])), arenas)
        told.put([claim for of_arena in claims for claim in of_arena])


def _compete(number: int, arena: Arena, barrier: Barrier) -> Iterator[Claim]:
    store = arena.store()
    for one_round in range(1, arena.rounds + 1):
        reign = reigning(arena.judge, store)
        name = f"promoter-{number}-{one_round}"
        candidate = pointer(name, one_round).model_copy(update={"judge": arena.judge})
        barrier.wait(_BARRIER_S)
        try:
            crown(candidate, reign, store)
            yield Claim(arena.number, one_round, name, _WON)
        except (PromotionOvertaken, AdapterError) as error:
            yield Claim(arena.number, one_round, name, str(error))
        barrier.wait(_BARRIER_S)
