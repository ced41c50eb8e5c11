"""The command line ``calibguard``: what one asks of the project without Prefect's own commands."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from flows import (
    cli_akash,
    cli_dataset,
    cli_diagnosis,
    cli_judged,
    cli_kaggle,
    cli_ledger,
    cli_portal,
    cli_reap,
    cli_store,
    cli_tables,
)
from tasks.domain.schemas import Check
from tasks.failures import SENTENCES
from tasks.preflight import Remote, preflight_checks

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def calibguard() -> None:
    """Render wide-angle real-estate photos geometrically correct, have them scored, promote what is better.

    Exit status: 0 done, 1 it cannot be done, 2 wrong usage, 3 stopped by a gate or by a person.

    kaggle and akash have more, told in their own help.
    """


@app.command()
def preflight(
    photos: Annotated[str | None, typer.Option(help="Folder of originals; default: the data root.")] = None,
    needs: Annotated[
        list[Remote] | None, typer.Option(help="Provider whose credentials are needed, or the portal.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check everything a run needs. Exit status 0 when all checks pass, 1 when one does not."""
    checks = preflight_checks(photos, needs or ())
    if as_json:
        print(json.dumps([check.model_dump() for check in checks], indent=1))
    else:
        _show(checks)
    raise typer.Exit(0 if all(check.passed for check in checks) else 1)


def _show(checks: Sequence[Check]) -> None:
    table = Table("check", "result", Column("found", overflow="fold"), Column("what to do", overflow="fold"))
    for check in checks:
        result = "[green]pass[/]" if check.passed else "[red]FAIL[/]"
        table.add_row(check.name, result, escape(check.found), "" if check.passed else escape(check.remedy))
    Console().print(table)


for module in (
    cli_judged,
    cli_diagnosis,
    cli_ledger,
    cli_store,
    cli_portal,
    cli_dataset,
    cli_tables,
    cli_kaggle,
    cli_akash,
    cli_reap,
):
    app.add_typer(module.commands)


def main() -> None:
    """Run the command line; what cannot be done is one sentence and exit status 1."""
    try:
        app()
    except SENTENCES as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
