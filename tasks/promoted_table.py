"""The table that runs take where none is named: the one that the champion applied.

It is settled by name, once, before anything is routed. So a champion who changes meanwhile changes no run
under way, and plan and manifest tell whose table was in force. The pointer is read and never moved.
"""

from typing import TypeVar

from infra.store.interface import ObjectStore
from tasks.adapters import run_store, settings
from tasks.champion import sealed_reign
from tasks.domain.errors import DomainError
from tasks.domain.ledger import ChampionPointer
from tasks.domain.schemas import MethodChoice, RenderRequest
from tasks.evidence import read_run
from tasks.failures import step
from tasks.keys import CHAMPIONS, table_key
from tasks.ledger import entries
from tasks.records import read_record, read_sealed

Choice = TypeVar("Choice", bound=MethodChoice)


class NoTableOfRun(DomainError):
    """A run has no table that the method could read."""


@step("choose table")
def choose_table(request: RenderRequest) -> RenderRequest:
    """Name the champion's table in a request that names none."""
    return settled(request)


def settled(choice: Choice) -> Choice:
    """Name the table of the champion under the judge that settings name (see ``with_promoted_table``)."""
    return with_promoted_table(choice, run_store(), judge=settings().portal_judge)


def reigning_choice() -> MethodChoice | None:
    """Give what the champion's run was made with, under the judge that settings name.

    Returns:
        Its table named by the run; None where nobody is champion, or the run is so old that it recorded none.

    Raises:
        EvidenceAltered: The pointer, the champion's run or its table is not as the ledger seals it.
        RecordUnreadable: The pointer is damaged.
    """
    store = run_store()
    if (champion := _champion(settings().portal_judge, store)) is None:
        return None
    manifest = read_run(champion.name, entries(store), store).manifest
    if manifest.table_digest is None:
        return None
    chosen = {name: getattr(manifest.request, name) for name in MethodChoice.model_fields}
    return MethodChoice(**{**chosen, "table": champion.name})


def with_promoted_table(choice: Choice, store: ObjectStore, *, judge: str) -> Choice:
    """Name the champion's run as the table of a choice that names none.

    The choice stays as it is, and takes the shipped table, where nobody is champion or the champion's run is
    of another method.

    Args:
        choice: What the user asked for.
        store: Whose champion.
        judge: Name of the judge. Of several with this name (other targets, another version) it is the one
            who promoted last.

    Raises:
        EvidenceAltered: The pointer, the champion's run or its table is not as the ledger seals it.
        RecordUnreadable: The pointer is damaged.
    """
    if choice.table is not None or (champion := _champion(judge, store)) is None:
        return choice
    run = read_run(champion.name, entries(store), store)
    if run.manifest.request.method != choice.method:
        return choice
    table_of_run(champion.name, choice.method, store)  # a damaged one stops the run before it starts
    return choice.model_copy(update={"table": champion.name})


def table_of_run(name: str, method: str, store: ObjectStore) -> bytes:
    """Read the coefficients that a finished run applied.

    Raises:
        NoTableOfRun: The run is of another method, or recorded none.
        EvidenceAltered: They are not the ones that the run's manifest tells, or are gone.
        NoSuchRun: The store has no such finished run.
        UnknownSubmissionError: Nobody ever used that name.
    """
    manifest = read_run(name, entries(store), store).manifest
    if manifest.request.method != method:
        raise NoTableOfRun(
            f"{name} applied a table of {manifest.request.method}, which {method} cannot read; name a run of "
            f"{method}, a file, or shipped"
        )
    if manifest.table_digest is None:
        raise NoTableOfRun(f"{name} recorded no table; name another run, a file, or shipped")
    return read_sealed(table_key(manifest.name), manifest.table_digest, store)


def _champion(judge: str, store: ObjectStore) -> ChampionPointer | None:
    told = [entry.pointer for entry in entries(store) if entry.pointer]
    found = [read_record(ChampionPointer, one.key, store) for one in store.list(CHAMPIONS)]
    judges = {one.judge.key: one.judge for one in (*told, *found) if one.judge.name == judge}
    reigns = [sealed_reign(one, store).pointer for one in judges.values()]
    return max(filter(None, reigns), key=lambda one: one.decided_at, default=None)
