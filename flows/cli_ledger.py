"""Commands that look at the ledger and keep the store tidy: ``board``, ``explain``, ``prune``."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich import box
from rich.table import Column, Table

from flows.terminal import print_table
from tasks.adapters import run_store
from tasks.domain.ledger import Board, LedgerEntry, board, canonical_name, judges
from tasks.ledger import entries, prune_plan, untested
from tasks.ledger import prune as remove

_DIGITS = 12  # of a digest, as people compare them


commands = typer.Typer()


@commands.command("board")
def show_board(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show every submission by judge, the best first, and the finished runs that were never submitted."""
    store = run_store()
    known = entries(store)
    boards = [board(known, judge) for judge in judges(known)]
    waiting = [manifest.name for manifest in untested(store, known)]
    if as_json:
        document = {"boards": [one.model_dump(mode="json") for one in boards], "untested": waiting}
        print(json.dumps(document, indent=1))
        return
    for one in boards:
        print_table(board_table(one))
    for name in waiting:
        print(f"untested: {name}")


@commands.command()
def explain(
    name: Annotated[str, typer.Argument(help="Name of a submission; an alias or an old name will do.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print its ledger entries as JSON.")] = False,
) -> None:
    """Tell everything that happened to one submission, and what each step rests on."""
    known = entries(run_store())
    canonical = canonical_name(name, known)
    told = [entry for entry in known if entry.name == canonical]
    if as_json:
        print(json.dumps([entry.model_dump(mode="json", exclude_defaults=True) for entry in told], indent=1))
        return
    print(canonical)
    for entry in told:
        print(f"{entry.at[:19]} {', '.join(_told(entry))}")
        for line in _below(entry):
            print(f"    {line}")


@commands.command()
def prune(
    selection: Annotated[
        list[str], typer.Argument(help="Names, or patterns; a scored zip goes by its whole name only.")
    ],
    apply: Annotated[bool, typer.Option("--apply", help="Remove; otherwise only show.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what goes and what stays as JSON.")] = False,
) -> None:
    """Remove rendered results; champion, best ever, what is in flight and all evidence stay."""
    store = run_store()
    plan = prune_plan(selection, store, now=datetime.now(UTC))
    if apply:
        remove(plan, store, now=datetime.now(UTC))
    if as_json:
        print(json.dumps({"applied": apply, **plan.model_dump(mode="json")}, indent=1))
        return
    for kept in plan.kept:
        print(f"keep    {kept.name}: {kept.reason}")
    for removed in plan.zips:
        print(f"{'removed' if apply else 'remove '} {removed}")


def _told(entry: LedgerEntry) -> Iterator[str]:
    yield entry.event
    if entry.judge:
        yield f"by {entry.judge.name} {entry.judge.version}"
    for title, value in (
        ("mean", _number(entry.mean)),
        ("median", _number(entry.median)),
        ("zeros", _percent(entry.zero_rate)),
    ):
        if value:
            yield f"{title} {value}"


def _below(entry: LedgerEntry) -> Iterator[str]:
    """Tell why, and what it rests on; one line for each, however long, so that names stay whole."""
    yield from entry.reasons
    if entry.aliases:
        yield f"also called {', '.join(entry.aliases)}"
    if entry.parents:
        yield f"made from {', '.join(entry.parents)}"
    for key, sha256 in entry.evidence.items():
        yield f"{sha256[:_DIGITS]} {key}"


def board_table(one: Board) -> Table:
    """Lay a board out for a terminal of 80 columns, the best first; what a name stands for is below it."""
    judge = (
        f"{one.judge.name} {one.judge.version}, {one.judge.metric_profile}" if one.judge else "user's history"
    )
    table = Table(
        "submission",
        *(Column(name, justify="right") for name in ("mean", "median", "zeros")),
        title=f"{judge}: {one.scored_runs} scored runs, {one.behaviours} behaviours",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for row in one.rows:
        standing = [row.status, *(["best ever"] if row.name == one.best_ever else [])]
        standing += ["champion"] if row.name == one.champion and row.status != "champion" else []
        table.add_row(row.name, _number(row.mean), _number(row.median), _percent(row.zero_rate))
        table.add_row(f"    {', '.join(standing)}; lineage {row.lineage}")
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"
