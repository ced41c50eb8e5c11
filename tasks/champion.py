"""The pointer to the champion under a judge: read, moved by compare-and-swap, told to the ledger.

The pointer is the truth and the ledger its record. Whoever moves it first records the promotion that it
finds there, so none is ever missing from the ledger but the last, and that one is added by running again.
"""

from dataclasses import dataclass

from infra.errors import ObjectMissing, VersionConflict
from infra.store.interface import ObjectStore
from tasks.domain.errors import DomainError
from tasks.domain.gates.records import GateDecision
from tasks.domain.gates.scored import overall
from tasks.domain.ledger import ChampionPointer, LedgerEntry, pointer_document
from tasks.domain.score_schemas import Judge
from tasks.keys import champion_key, decision_key, ledger_key
from tasks.ledger import append, entries
from tasks.records import EvidenceAltered, read_record, read_sealed_record


class PromotionOvertaken(DomainError):
    """Another promotion moved the pointer meanwhile; the decision no longer holds against the champion."""


@dataclass(frozen=True, slots=True)
class Reign:
    """Who is champion, and the version of the pointer that says so; both None while nobody is."""

    pointer: ChampionPointer | None
    version: str | None


def reigning(judge: Judge, store: ObjectStore) -> Reign:
    """Read the pointer.

    Raises:
        RecordUnreadable: It is damaged; `calibguard fsck` tells what it should be.
    """
    key = champion_key(judge)
    if (found := store.head(key)) is None:
        return Reign(None, None)
    # Read after the look: a pointer that moved in between has another version, and the swap is refused.
    return Reign(read_record(ChampionPointer, key, store), found.version)


def sealed_reign(judge: Judge, store: ObjectStore) -> Reign:
    """Read the pointer and hold it against the ledger.

    The pointer moves first and the ledger follows. So it is the one that the ledger told last, or the next,
    whose author was cut off before telling it; then the decision that it names must be there and promote.

    Raises:
        EvidenceAltered: It is gone, an earlier one, or one that nobody decided on.
        RecordUnreadable: It is damaged.
    """
    last = max(_told(judge, store), key=lambda one: one.generation, default=None)
    reign = reigning(judge, store)
    if reign.pointer == last:
        return reign
    if reign.pointer is None or (last is not None and reign.pointer.generation <= last.generation):
        raise EvidenceAltered(
            f"{store.url}/{champion_key(judge)} is not the pointer that the ledger tells, it was altered or "
            f"is gone: it names {_shown(reign.pointer)}, the ledger {_shown(last)}; see `calibguard fsck`"
        )
    _require_decided(reign.pointer, store)
    return reign


def _told(judge: Judge, store: ObjectStore) -> list[ChampionPointer]:
    return [entry.pointer for entry in entries(store) if entry.pointer and entry.judge == judge]


def _require_decided(pointer: ChampionPointer, store: ObjectStore) -> None:
    """Hold a pointer that the ledger does not tell against its decision and the promotion before it.

    The ledger is read anew: whoever moves the pointer records the promotion before it first.
    """
    key = decision_key(pointer.name, pointer.decision_sha256)
    decision = read_sealed_record(GateDecision, key, pointer.decision_sha256, store)
    own = overall(decision.evidence.analysis)
    decided = (decision.promote, decision.evidence.name, decision.evidence.judge, own and own.mean)
    told = {(0, None), *((one.generation, one.name) for one in _told(pointer.judge, store))}
    follows = (pointer.generation - 1, pointer.previous) in told
    if decided != (True, pointer.name, pointer.judge, pointer.mean) or not follows:
        raise EvidenceAltered(
            f"{store.url}/{champion_key(pointer.judge)} names {_shown(pointer)}, which neither ledger nor "
            f"{key} bear out; it was altered, see `calibguard fsck`"
        )


def settle(reign: Reign, store: ObjectStore) -> None:
    """Record the promotion that made the champion, should its author have been cut off before."""
    if reign.pointer is not None:
        append(promotion_entry(reign.pointer), store)


def crown(candidate: ChampionPointer, reign: Reign, store: ObjectStore) -> None:
    """Move the pointer to the candidate if the champion still is the one that it was held against.

    Returns also where another promotion followed so fast that only the ledger shows this one.

    Raises:
        PromotionOvertaken: The pointer was moved before; nothing was promoted.
    """
    settle(reign, store)
    try:
        store.swap(champion_key(candidate.judge), pointer_document(candidate), expected=reign.version)
    except (VersionConflict, ObjectMissing) as error:
        if not _is_recorded(candidate, store):
            raise _overtaken(candidate, store) from error
    append(promotion_entry(candidate), store)


def promotion_entry(pointer: ChampionPointer) -> LedgerEntry:
    """Make the entry of a promotion; the same pointer gives the same entry."""
    return LedgerEntry(
        event="promoted",
        name=pointer.name,
        at=pointer.decided_at,
        family=pointer.family,
        judge=pointer.judge,
        evidence={decision_key(pointer.name, pointer.decision_sha256): pointer.decision_sha256},
        pointer=pointer,
    )


def _is_recorded(candidate: ChampionPointer, store: ObjectStore) -> bool:
    entry = promotion_entry(candidate)
    return store.head(ledger_key(entry, entry.model_dump_json().encode())) is not None


def _overtaken(candidate: ChampionPointer, store: ObjectStore) -> PromotionOvertaken:
    now = reigning(candidate.judge, store).pointer
    return PromotionOvertaken(
        f"{candidate.name} was to be promotion {candidate.generation}, after "
        f"{candidate.previous or 'nobody'}; meanwhile {_shown(now)} became champion, so nothing was "
        f"promoted; run promote again to be held against it"
    )


def _shown(pointer: ChampionPointer | None) -> str:
    return f"{pointer.name!r} (promotion {pointer.generation})" if pointer else "nobody"
