"""Commands that run a notebook of the user's at Kaggle; no Prefect server is needed.

Exit status: 0 done, 1 it failed or cannot be done, 2 wrong usage, 4 Kaggle has no free slot or no quota left,
5 it had not ended when the time was up.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from tasks import kaggle
from tasks.adapters import settings
from tasks.kaggle import Account, SessionOutput, Transport, account_for

NO_ROOM, NOT_ENDED = 4, 5

commands = typer.Typer()
group = typer.Typer(
    no_args_is_help=True,
    help="""A notebook or script of yours at Kaggle.

    Exit status besides 0, 1 and 2: 4 no free slot or no quota left, 5 not ended when the time was up.""",
)
commands.add_typer(group, name="kaggle")

Slug = Annotated[str, typer.Option(help="The notebook's name in its URL, after the owner's.")]
Owner = Annotated[str | None, typer.Option(help="Its owner; default: the account's own user.")]
Gpu = Annotated[bool, typer.Option("--enable-gpu", help="Run on two T4; it uses the week's GPU quota.")]
Notebook = Annotated[
    Path | None,
    typer.Option(help="Notebook or script that is pushed first; default: run what Kaggle holds once more."),
]
Way = Annotated[Transport, typer.Option(help="Kaggle's API, or its MCP endpoint at KAGGLE_MCP_URL.")]
Tail = Annotated[int, typer.Option(min=0, help="Lines of the log's end that are shown.")]
Folder = Annotated[Path | None, typer.Option(help="Folder that the output's files are written to.")]


@group.command()
def status(slug: Slug, owner: Owner = None, transport: Way = "api") -> None:
    """Show how the newest session is, in Kaggle's own word. Exit status 0 whenever Kaggle says it."""
    with _refusals():
        found = kaggle.status(_account(slug, owner, transport))
    print(f"{found.word}: {found.failure}" if found.failure else found.word)


@group.command()
def run(
    slug: Slug,
    owner: Owner = None,
    local_notebook_path: Notebook = None,
    enable_gpu: Gpu = False,
    transport: Way = "api",
) -> None:
    """Push and run; print the version that runs. Exit status 0 it runs, 4 no free slot or no quota left."""
    with _refusals():
        account = _account(slug, owner, transport)
        print(kaggle.start(account, notebook=local_notebook_path, gpu=enable_gpu))


@group.command("run-and-wait")
def run_and_wait(
    slug: Slug,
    owner: Owner = None,
    local_notebook_path: Notebook = None,
    enable_gpu: Gpu = False,
    wait_timeout_min: Annotated[float, typer.Option(min=0, help="Minutes to wait for the end.")] = 120,
    poll_interval_sec: Annotated[float, typer.Option(min=0.05, help="Seconds between two looks.")] = 30,
    log_tail_lines: Tail = 50,
    output: Folder = None,
    transport: Way = "api",
) -> None:
    """Push, run and wait for the end, whatever Kaggle says before it.

    Exit status 0 it ended without an error, 1 it failed or was cancelled, 4 no free slot or no quota left, 5
    it had not ended when the time was up: it goes on at Kaggle.
    """
    with _refusals():
        account = _account(slug, owner, transport)
        kernel = kaggle.start(account, notebook=local_notebook_path, gpu=enable_gpu)
        print(kernel, flush=True)
        ended = kaggle.wait(
            account,
            kernel,
            wait_s=60 * wait_timeout_min,
            poll_s=poll_interval_sec,
            told=lambda word: print(word, flush=True),
        )
        if ended is None:
            print(f"{kernel} had not ended after {wait_timeout_min:g} minutes and goes on", file=sys.stderr)
            raise typer.Exit(NOT_ENDED)
        _show(kaggle.output(account, kernel, folder=output), lines=log_tail_lines)
    if not ended.succeeded:
        print(f"{kernel} ended with {ended.word}: {ended.failure or 'no reason given'}", file=sys.stderr)
        raise typer.Exit(1)


@group.command("session-output")
def session_output(
    slug: Slug,
    owner: Owner = None,
    log_tail_lines: Tail = 50,
    output: Folder = None,
    transport: Way = "api",
) -> None:
    """List the files of the newest session and show its log's end; both exist only once it has ended."""
    with _refusals():
        account = _account(slug, owner, transport)
        _show(kaggle.output(account, account.kernel, folder=output), lines=log_tail_lines)


@group.command()
def quota() -> None:
    """Show the week's GPU time and when it is renewed. Exit status 4 when none is left."""
    with _refusals():
        found = kaggle.quota(settings())
    if found is None:
        print("Kaggle tells no GPU quota")
        return
    renewed = f", renewed at {found.renewed_at:%Y-%m-%d %H:%M} UTC" if found.renewed_at else ""
    print(f"{found.left_s / 3600:.1f} of {found.allowed_s / 3600:.1f} GPU hours left{renewed}")
    raise typer.Exit(0 if found.left_s > 0 else NO_ROOM)


@group.command()
def delete(slug: Slug, owner: Owner = None, transport: Way = "api") -> None:
    """Delete the notebook at Kaggle: its sessions end, and their output is gone."""
    with _refusals():
        account = _account(slug, owner, transport)
        print(f"{account.kernel} {'is deleted' if kaggle.delete(account) else 'does not exist'}")


def _account(slug: str, owner: str | None, transport: Transport) -> Account:
    return account_for(slug, settings(), owner=owner, transport=transport)


@contextmanager
def _refusals() -> Iterator[None]:
    """Tell want of room apart from failure."""
    try:
        yield
    except kaggle.NO_ROOM as error:
        print(error, file=sys.stderr)
        raise typer.Exit(NO_ROOM) from error


def _show(found: SessionOutput, *, lines: int) -> None:
    for name in found.files:
        print(f"file: {name}")
    if found.missing:
        print(f"no output: {found.missing}")
    if shown := found.log_tail(lines):
        print(shown)
