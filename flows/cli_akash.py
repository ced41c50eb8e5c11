"""Commands that run a training script on a lease at Akash and look after leases; no Prefect server is needed.

Exit status: 0 done, 1 it failed or cannot be done, 2 wrong usage, 3 stopped by Ctrl-C, 4 no machine at this
price or no money left, 5 the machine was lost or the time was up: another try may do better, 6 a lease may
still run and cost.
"""

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from tasks import akash
from tasks.adapters import settings
from tasks.akash import MayStillRun, TrainingEnd, TrainingRun

STOPPED, NO_ROOM, LOST, MAY_RUN = 3, 4, 5, 6

commands = typer.Typer()
group = typer.Typer(
    no_args_is_help=True,
    help="""A training script of yours on a GPU lease at Akash.

    Exit status besides 0, 1 and 2: 3 stopped, 4 no machine at this price or no money left, 5 the
    machine was lost or the time was up, 6 a lease may still run and cost.""",
)
commands.add_typer(group, name="akash")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@group.command()
def up(
    script_sha256: Annotated[
        str, typer.Option(help="SHA-256 of the script at AKASH_TRAIN_SCRIPT_URL, in hex; no other is run.")
    ],
    output: Annotated[Path, typer.Option(help="Folder that the script's output and log are written to.")],
    max_hours: Annotated[
        float, typer.Option(min=0.01, max=48, help="Hours until the script is stopped and the lease ended.")
    ] = 2.0,
    max_usd_per_hour: Annotated[
        str | None, typer.Option(help="Price cap. Default: CALIBGUARD_AKASH_MAX_USD_PER_HOUR.")
    ] = None,
    poll_interval_sec: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")] = 15.0,
) -> None:
    """Lease a GPU under a price cap, run the script there, fetch its output, and always end the lease.

    The script finds in CALIBGUARD_OUTPUT the folder whose files come back. Ctrl-C ends the lease.
    """
    run = TrainingRun(
        script_sha256=_digest(script_sha256),
        max_hours=max_hours,
        max_usd_per_hour=_dollars(max_usd_per_hour),
        output=output,
        poll_s=poll_interval_sec,
    )
    with _refusals(), _interrupted_when_ended():
        end = akash.up(run, settings(), say=_say)
    _show_end(end)


@group.command()
def status(as_json: AsJson = False) -> None:
    """Show every lease of ours that is alive, and what this month costs."""
    with _refusals():
        rows = list(akash.alive(settings()))
        month = akash.month_in_words(settings())
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1, default=str))
        return
    table = Table("dseq", "name", "state", "cost in USD", Column("detail", overflow="fold"))
    for row in rows:
        cost = "unknown" if row.cost_usd is None else f"{row.cost_usd:.3f}"
        table.add_row(row.dseq, row.name, row.state, cost, escape(row.detail))
    Console().print(table)
    print(f"{len(rows)} leases alive; {month}")


@group.command()
def down(
    dseq: Annotated[list[str] | None, typer.Argument(help="Deployments to end.")] = None,
    every: Annotated[bool, typer.Option("--all", help="End every deployment under a name of ours.")] = False,
) -> None:
    """End leases, confirmed; one that is over already is success, one that is not ours is left alone."""
    if bool(dseq) == every:
        raise typer.BadParameter("name deployments, or give --all")
    with _refusals():
        for sentence in akash.down(None if every else tuple(dseq or ()), settings()):
            print(sentence, flush=True)


@group.command()
def prices(as_json: AsJson = False) -> None:
    """Show what GPUs cost at Akash now, the cheapest first."""
    with _refusals():
        models = akash.prices(settings())
    if as_json:
        print(json.dumps([model.model_dump(mode="json") for model in models], indent=1))
        return
    table = Table("model", "memory", "interface", "free", "of", "from", "median", "to", title="USD an hour")
    for one in models:
        range_ = (one.price.low, one.price.median, one.price.high) if one.price else ()
        figures = [f"{price:.2f}" for price in range_] or ["", "", ""]
        free, total = str(one.availability.available), str(one.availability.total)
        table.add_row(escape(one.model), escape(one.ram), escape(one.interface), free, total, *figures)
    Console().print(table)


def _show_end(end: TrainingEnd) -> None:
    for path in end.files:
        print(f"file: {path}")
    if end.cost_usd is not None:
        print(f"{end.name} cost {end.cost_usd:.4f} USD")
    if end.may_run:
        _end(f"{end.name} may still run and cost; `calibguard akash down --all` ends it", MAY_RUN)
    if end.outcome.cause != "done":
        _end(end.outcome.sentence, LOST if end.outcome.state.type == "CRASHED" else 1)


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell want of room, a stop and a lease that may be left apart from failure."""
    try:
        yield
    except akash.NO_ROOM as error:
        _end(str(error), NO_ROOM)
    except MayStillRun as error:
        _end(str(error), MAY_RUN)
    except KeyboardInterrupt:
        _end("stopped", STOPPED)


@contextmanager
def _interrupted_when_ended() -> Iterator[None]:
    """Let SIGTERM, and the end of the terminal, end the lease as Ctrl-C does."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = {sign: signal.getsignal(sign) for sign in (signal.SIGTERM, signal.SIGHUP)}
    heard = [sign for sign, handler in before.items() if handler != signal.SIG_IGN]  # nohup ignores one
    for sign in heard:
        signal.signal(sign, interrupt)
    try:
        yield
    finally:
        for sign in heard:
            signal.signal(sign, before[sign])


def _say(words: str) -> None:
    with suppress(OSError):  # the terminal is gone: no reason to leave a lease as it is
        print(words, flush=True)


def _end(sentence: str, status: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(status)


def _digest(text: str) -> str:
    if len(text) != 64 or not set(text.lower()) <= set("0123456789abcdef"):
        raise typer.BadParameter("a SHA-256 has 64 hex digits", param_hint="--script-sha256")
    return text.lower()


def _dollars(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        dollars = Decimal(text)
    except ArithmeticError:
        dollars = Decimal("nan")
    if not dollars.is_finite() or not 0 < dollars <= 100:
        raise typer.BadParameter("a price cap is 0.0006 to 100 USD an hour", param_hint="--max-usd-per-hour")
    return dollars
