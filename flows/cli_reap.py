"""The command of ``calibguard`` that looks for rented machines which nobody watches."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from tasks.reaping import ReapedJob, look_for_jobs, reap_jobs

commands = typer.Typer()


@commands.command()
def reap(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    abandon: Annotated[
        bool,
        typer.Option(
            "--abandon", help="End also what a flow run waits for and no worker watches; it becomes Crashed."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """End rented machines that nobody watches and no flow run waits for.

    Exit status 0 when nothing is left to do, 1 when something is or could not be found out.
    """
    jobs = list(look_for_jobs() if dry_run else reap_jobs(abandon=abandon))
    if as_json:
        print(json.dumps([job.model_dump() for job in jobs], indent=1))
    else:
        _show(jobs)
    left = sum(not job.is_settled for job in jobs)
    if left and not dry_run:
        print(
            f"{left} are left: of each its reason tells what to do; a worker adopts what is still wanted, or"
            " --abandon ends it",
            file=sys.stderr,
        )
    raise typer.Exit(1 if left else 0)


def _show(jobs: Sequence[ReapedJob]) -> None:
    if jobs:
        table = Table("provider", Column("name", no_wrap=True), "due", Column("why", overflow="fold"), "done")
        for job in jobs:
            done = job.done if job.is_settled else f"[red]{job.done}[/]"
            table.add_row(job.provider, job.name, job.due, escape(job.why), done)
        Console().print(table)
    print(f"{len(jobs)} rented machines found")
