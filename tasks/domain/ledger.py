"""The ledger of submissions: events that are only ever added, and the views that are folded from them.

An entry is one thing that happened to one submission. What a submission is today, which one is champion and
which was best ever are never stored: they are computed from the entries, so they cannot disagree with them.
Entries of different judges are kept apart; the user's own history is one more judge, without lineage.

Each entry names the stored objects that it rests on, with their digests, and its own key holds its own
digest. So every piece of evidence is sealed by an entry, and what an entry seals can be told to be whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.domain.errors import DomainError
from tasks.domain.methods.registry import find_method
from tasks.domain.schemas import Record, RunManifest, Sha256
from tasks.domain.score_schemas import Judge, Rate, Score
from tasks.domain.strict_json import parse_record
from tasks.domain.tables import shipped_text

Event = Literal[
    "imported",  # of the user's own history
    "rendered",  # a run is complete; no judge is concerned
    "refitted",  # a candidate table is complete; no judge is concerned
    "submitted",  # may be uploaded, and is about to be
    "scored",
    "rescored",  # scored once more: as an anchor, or at the deadline
    "analysed",
    "advanced",
    "promoted",
    "rejected",  # by a gate
    "withdrawn",  # the judge ended the job without scores
    "pruned",  # zip and rendered photos were removed; no judge is concerned
]
Status = Literal["historical", "running", "scored", "advanced", "champion", "rejected"]

_STATUS_AFTER: Mapping[Event, Status] = {
    "imported": "historical",
    "submitted": "running",
    "scored": "scored",
    "advanced": "advanced",
    "promoted": "champion",
    "rejected": "rejected",
    "withdrawn": "rejected",
}


class UnknownSubmissionError(DomainError):
    """No submission has this name or alias."""


class ChampionPointer(Record):
    """Which submission is champion under a judge: the one object of the store that moves."""

    generation: int = Field(ge=1)
    """How many promotions there were, this one included."""
    name: str
    family: str
    judge: Judge
    mean: Score
    submission_sha256: Sha256
    manifest_sha256: Sha256
    decision_sha256: Sha256
    """Of the stored decision that promoted it, which holds all the evidence."""
    previous: str | None
    """Champion before it."""
    decided_at: str
    """When the gates allowed it, ISO 8601 in UTC; a person may have been asked after that."""
    nonce: str
    """Makes each pointer one of a kind, so that a lost reply can be told from a lost race."""


class LedgerEntry(Record):
    """One event in the life of one submission."""

    event: Event
    name: str
    """Canonical name; aliases are translated before an entry is made."""
    at: str
    """ISO 8601 in UTC; as recorded, zone unknown, for imported history."""
    family: str
    parents: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    judge: Judge | None = None
    """None for imported history, whose judge is gone, and for what concerns no judge."""
    request_id: str | None = None
    submission_sha256: Sha256 | None = None
    behaviour_digest: Sha256 | None = None
    mean: Score | None = None
    median: Score | None = None
    zero_rate: Rate | None = None
    reasons: tuple[str, ...] = ()
    """Failing gates of a rejection, one sentence each; what a repeated score was for."""
    evidence: dict[str, Sha256] = Field(default_factory=dict)
    """Key of each stored object that the entry rests on, with the object's SHA-256."""
    pointer: ChampionPointer | None = None
    """Of a promotion, and of nothing else: the pointer as it was moved."""
    runs: int = Field(default=1, ge=1)
    """Scored runs that the entry stands for: two of the user's were one behaviour under two names."""

    @model_validator(mode="after")
    def _only_promotions_move_the_pointer(self) -> Self:
        if (self.event == "promoted") is (self.pointer is None):
            raise ValueError(f"a pointer belongs to a promotion and to nothing else, not to {self.event!r}")
        return self


class BoardRow(Record):
    """What a submission is today."""

    name: str
    family: str
    status: Status
    judge: Judge | None
    mean: Score | None
    median: Score | None
    zero_rate: Rate | None
    submission_sha256: Sha256 | None
    behaviour_digest: Sha256 | None
    lineage: Literal["complete", "absent"]
    parents: tuple[str, ...]
    aliases: tuple[str, ...]
    runs: int
    reasons: tuple[str, ...]


class Board(Record):
    """All submissions under one judge, the best first."""

    judge: Judge | None
    """None: the user's history."""
    rows: tuple[BoardRow, ...]
    champion: str | None
    best_ever: str | None
    scored_runs: int
    behaviours: int
    """Scored submissions that differ in what they show, whatever they are called."""


class _Remembered(Record):
    name: str
    family: str
    aliases: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    mean: Score
    median: Score | None = None
    zero_rate: Rate | None = None
    standing: Literal["champion"] | None = None
    runs: int = 1


class _History(Record):
    schema_version: Literal[1]
    source: str
    judge: str
    submissions: tuple[_Remembered, ...]


@cache
def shipped_history() -> tuple[LedgerEntry, ...]:
    """Give the user's scored runs as entries without lineage, in the order of their means."""
    history = parse_record(shipped_text("history.json"), _History, source="history.json")
    return tuple(
        LedgerEntry(
            event="imported",
            at="2026-02-22",
            reasons=("champion of the original judge",) if past.standing else (),
            **past.model_dump(exclude={"standing"}),
        )
        for past in history.submissions
    )


def canonical_name(name: str, entries: Iterable[LedgerEntry]) -> str:
    """Translate a name or an alias, with or without ``.zip`` or ``.csv``, to the canonical name.

    Raises:
        UnknownSubmissionError: Nobody ever used it; the nearest thing to do is to look at the board.
    """
    bare = name.removesuffix(".zip").removesuffix(".csv")
    for entry in entries:
        if bare == entry.name or {name, bare, f"{bare}.csv"} & set(entry.aliases):
            return entry.name
    raise UnknownSubmissionError(f"no submission is called {name!r}; see `calibguard board`")


def board(entries: Sequence[LedgerEntry], judge: Judge | None) -> Board:
    """Fold the entries of one judge into its board.

    Args:
        entries: In the order they were made.
        judge: None for the user's history.
    """
    rows = _rows([entry for entry in entries if entry.judge == judge and entry.event in _STATUS_AFTER])
    scored = [row for row in rows if row.mean is not None]
    # Two promotions leave two rows with the event; only the last of them is champion now, whatever the
    # clocks of the machines that wrote the entries said.
    promoted = [entry.pointer for entry in entries if entry.judge == judge and entry.pointer]
    last = max(promoted, key=lambda pointer: pointer.generation, default=None)
    champion = last.name if last else _remembered_champion(rows)
    return Board(
        judge=judge,
        rows=tuple(_dethroned(row, champion) for row in rows),
        champion=champion,
        best_ever=max(scored, key=lambda row: row.mean or 0.0).name if scored else None,
        scored_runs=sum(row.runs for row in scored),
        behaviours=len({row.behaviour_digest or row.name for row in scored}),
    )


def judges(entries: Iterable[LedgerEntry]) -> tuple[Judge | None, ...]:
    """Name the judges that entries speak of, in order of appearance."""
    return tuple(dict.fromkeys(entry.judge for entry in entries if entry.event in _STATUS_AFTER))


def rendered_entry(manifest: RunManifest, key: str, sha256: str) -> LedgerEntry:
    """Seal a finished run; the same run gives the same entry."""
    return LedgerEntry(
        event="rendered",
        name=manifest.name,
        at=manifest.finished,
        family=find_method(manifest.request.method).family,
        submission_sha256=manifest.submission.sha256,
        behaviour_digest=manifest.submission.behaviour_digest,
        evidence={key: sha256},
    )


def pointer_document(pointer: ChampionPointer) -> bytes:
    """Write a pointer as it is stored; equal pointers give equal bytes."""
    return pointer.model_dump_json().encode()


def _rows(entries: Sequence[LedgerEntry]) -> list[BoardRow]:
    by_name: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        by_name.setdefault(entry.name, []).append(entry)
    rows = [_row(events) for events in by_name.values()]
    return sorted(rows, key=lambda row: (-(row.mean if row.mean is not None else -1.0), row.name))


def _row(events: Sequence[LedgerEntry]) -> BoardRow:
    def latest(field: str) -> object:
        values = [getattr(event, field) for event in events if getattr(event, field) not in (None, ())]
        return values[-1] if values else None

    last = events[-1]
    return BoardRow.model_validate(
        {
            "name": last.name,
            "family": last.family,
            "status": _STATUS_AFTER[last.event],
            "judge": last.judge,
            "lineage": "complete" if latest("submission_sha256") else "absent",
            "runs": last.runs,
            "reasons": last.reasons,
            "parents": latest("parents") or (),
            "aliases": latest("aliases") or (),
        }
        | {
            field: latest(field)
            for field in ("mean", "median", "zero_rate", "submission_sha256", "behaviour_digest")
        }
    )


def _remembered_champion(rows: Iterable[BoardRow]) -> str | None:
    return next((row.name for row in rows if row.status == "historical" and row.reasons), None)


def _dethroned(row: BoardRow, champion: str | None) -> BoardRow:
    if row.status == "champion" and row.name != champion:
        return row.model_copy(update={"status": "advanced"})
    return row
