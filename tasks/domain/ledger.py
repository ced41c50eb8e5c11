"""The ledger of submissions: events that are only ever added, and the views that are folded from them.

An entry is one thing that happened to one submission. What a submission is today, which one is champion and
which was best ever are never stored: they are computed from the entries, so they cannot disagree with them.
Entries of different judges are kept apart; the user's own history is one more judge, without lineage.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Literal

from pydantic import Field

from tasks.domain.errors import DomainError
from tasks.domain.schemas import Record, Sha256
from tasks.domain.score_schemas import Judge, Rate, Score
from tasks.domain.strict_json import parse_record
from tasks.domain.tables import shipped_text

Event = Literal["imported", "submitted", "scored", "advanced", "promoted", "rejected", "withdrawn"]
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
    """None for imported history, whose judge is gone."""
    request_id: str | None = None
    submission_sha256: Sha256 | None = None
    behaviour_digest: Sha256 | None = None
    mean: Score | None = None
    median: Score | None = None
    zero_rate: Rate | None = None
    reasons: tuple[str, ...] = ()
    """Failing gates of a rejection, one sentence each."""
    runs: int = Field(default=1, ge=1)
    """Scored runs that the entry stands for: two of the user's were one behaviour under two names."""


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
    rows = _rows([entry for entry in entries if entry.judge == judge])
    scored = [row for row in rows if row.mean is not None]
    # Two promotions leave two rows with the event; only the last of them is champion now.
    promoted = [entry.name for entry in entries if entry.judge == judge and entry.event == "promoted"]
    champion = promoted[-1] if promoted else _remembered_champion(rows)
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
    return tuple(dict.fromkeys(entry.judge for entry in entries))


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
