"""The command line ``calibguard``: what one asks of the project without Prefect's own commands."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from tasks.adapters import run_store, settings
from tasks.domain.ledger import Board, board, canonical_name, judges
from tasks.failures import SENTENCES
from tasks.ledger import entries, prune_plan, untested
from tasks.ledger import prune as remove
from tasks.portal import Mode, PortalChoice, Profile, serve_portal
from tasks.preflight import Remote, preflight_checks

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
portal = typer.Typer(no_args_is_help=True, help="Our own scoring portal.")
app.add_typer(portal, name="portal")


@app.callback()
def calibguard() -> None:
    """Render wide-angle real-estate photos geometrically correct."""


@app.command()
def preflight(
    photos: Annotated[str | None, typer.Option(help="Folder of originals; default: the data root.")] = None,
    needs: Annotated[
        list[Remote] | None, typer.Option(help="Provider whose credentials are needed, or the portal.")
    ] = None,
) -> None:
    """Check everything a run needs. Exit status 0 when all checks pass, 1 when one does not."""
    checks = preflight_checks(photos, needs or ())
    table = Table("check", "result", Column("found", overflow="fold"), Column("what to do", overflow="fold"))
    for check in checks:
        result = "[green]pass[/]" if check.passed else "[red]FAIL[/]"
        table.add_row(check.name, result, escape(check.found), "" if check.passed else escape(check.remedy))
    Console().print(table)
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


@app.command("board")
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
        Console().print(_board_table(one))
    for name in waiting:
        print(f"untested: {name}")


@app.command()
def explain(name: str) -> None:
    """Tell everything that happened to one submission; an alias or an old name will do."""
    known = entries(run_store())
    canonical = canonical_name(name, known)
    for entry in known:
        if entry.name == canonical:
            print(entry.model_dump_json(indent=1, exclude_defaults=True))


@app.command()
def prune(
    selection: Annotated[list[str], typer.Argument(help="Names of artifacts or patterns.")],
    apply: Annotated[bool, typer.Option("--apply", help="Remove; otherwise only show.")] = False,
) -> None:
    """Remove rendered results; champion, best ever, what is in flight and all evidence stay."""
    store = run_store()
    plan = prune_plan(selection, store, now=datetime.now(UTC))
    for kept in plan.kept:
        print(f"keep    {kept.name}: {kept.reason}")
    if apply:
        remove(plan, store, now=datetime.now(UTC))
    for removed in plan.zips:
        print(f"{'removed' if apply else 'remove '} {removed}")


@portal.command()
def serve(
    targets: Annotated[
        Path | None,
        typer.Option(
            help="Folder with originals/ and targets/, or test-originals/ and test-targets/, {id}.jpg in"
            " both. Default: CALIBGUARD_PORTAL_TARGETS, else the data root."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder of jobs, results and uploads. Default: `portal` in the state folder."),
    ] = None,
    profile: Annotated[Profile, typer.Option(help="Parameters of the metric.")] = "portal",
    mode: Annotated[
        Mode, typer.Option(help="Improvement over the original, or plain similarity to the target.")
    ] = "improvement",
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; any but loopback needs a token.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="0 for any free port. Default: that of CALIBGUARD_PORTAL_URL.")
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(help="How clients reach the portal. Default: http://HOST:PORT.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with the token that clients must show.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Processes that score. Default: CALIBGUARD_RENDER_PROCESSES.")
    ] = None,
    judge_name: Annotated[str | None, typer.Option(help="Told with each result.")] = None,
    judge_version: Annotated[str | None, typer.Option(help="Told with each result.")] = None,
) -> None:
    """Score submissions over HTTP against targets you hold, as the judge does, until Ctrl-C.

    Jobs and results are kept in the state folder: what a stop interrupts is done again at the next start.
    """
    choice = PortalChoice(
        targets=targets,
        state=state,
        profile=profile,
        mode=mode,
        host=host,
        port=port,
        public_url=public_url,
        token_file=token_file,
        processes=processes,
        judge_name=judge_name,
        judge_version=judge_version,
    )
    serve_portal(choice, settings())


def _board_table(one: Board) -> Table:
    judge = (
        f"{one.judge.name} {one.judge.version}, {one.judge.metric_profile}" if one.judge else "user's history"
    )
    table = Table(
        Column("submission", overflow="fold"),
        "mean",
        "median",
        "zeros",
        "status",
        "lineage",
        title=f"{judge}: {one.scored_runs} scored runs, {one.behaviours} behaviours",
    )
    for row in one.rows:
        standing = [row.status, *(["best ever"] if row.name == one.best_ever else [])]
        standing += ["champion"] if row.name == one.champion and row.status != "champion" else []
        table.add_row(
            row.name,
            _number(row.mean),
            _number(row.median),
            _percent(row.zero_rate),
            ", ".join(standing),
            row.lineage,
        )
    return table


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def main() -> None:
    """Run the command line; what cannot be done is one sentence and exit status 1."""
    try:
        app()
    except SENTENCES as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
