"""The command ``portal serve``: our own scoring portal, as an outside judge for targets you hold."""

from pathlib import Path
from typing import Annotated

import typer

from tasks.adapters import settings
from tasks.portal import Mode, PortalChoice, Profile, serve_portal

commands = typer.Typer()
portal = typer.Typer(no_args_is_help=True, help="Our own scoring portal.")
commands.add_typer(portal, name="portal")


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
