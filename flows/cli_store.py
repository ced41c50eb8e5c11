"""The commands of ``calibguard`` that look after the store."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Column, Table

from tasks.adapters import run_store
from tasks.domain.fsck import FsckReport
from tasks.fsck import fsck as look_through

commands = typer.Typer()


@commands.command()
def fsck(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Read the whole store and find all damage. Exit status 0 when nothing is wrong, 1 when something is."""
    report = _looked_through()
    if as_json:
        print(report.model_dump_json(indent=1))
    else:
        _show(report)
    if not report.objects:
        print("the store is empty; is CALIBGUARD_STORE_URL the right one?", file=sys.stderr)
    raise typer.Exit(0 if report.is_clean and report.objects else 1)


def _looked_through() -> FsckReport:
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("reading")
        return look_through(
            run_store(), progress=lambda read, listed: shown.update(bar, completed=read, total=listed)
        )


def _show(report: FsckReport) -> None:
    if report.findings:
        table = Table("wrong", Column("object", overflow="fold"), Column("what to do", overflow="fold"))
        for finding in report.findings:
            table.add_row(f"[red]{finding.kind}[/]", escape(finding.key), escape(finding.sentence))
        Console().print(table)
    print(f"{report.objects} objects, {report.bytes / 1e6:.1f} MB read; {len(report.findings)} findings")
    if report.unfinished:
        print(
            f"{len(report.unfinished)} objects of work that never finished; the same run started again takes "
            f"or replaces them (--json names them)"
        )
