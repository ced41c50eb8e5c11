"""Commands from a finished run to a champion: they run the flows of the runbook here, visible in the UI.

Exit status: 0 done, 1 it cannot be done, 2 wrong usage, 3 stopped by a gate or by a person.
"""

import json
from typing import Annotated, cast

import typer
from prefect.client.schemas.objects import State
from pydantic import BaseModel

from flows.analyse import analyse
from flows.promote import promote
from flows.submit import submit
from tasks.domain.gates.records import GatePolicy
from tasks.domain.score_schemas import Team
from tasks.domain.strict_json import parse_record
from tasks.preflight import require_server

STOPPED = 3
_STOPPED_STATES = frozenset({"Blocked", "Advanced"})

Run = Annotated[str, typer.Argument(help="Name of a finished run, or an alias of it.")]
Baseline = Annotated[
    str | None, typer.Option(help="Submission to hold it against; default: the best global_grid.")
]
Policy = Annotated[
    str | None,
    typer.Option(help="""Stricter limits of the gates as JSON, such as '{"max_zero_rate": 0.1}'."""),
]
TeamName = Annotated[str | None, typer.Option("--team", help="Team name; default: the setting.")]
Email = Annotated[str | None, typer.Option(help="Address; default: the setting.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


commands = typer.Typer()


@commands.command("submit")
def submit_run(
    run: Annotated[
        str | None, typer.Argument(help="Name or alias; default: the newest never submitted.")
    ] = None,
    resubmit: Annotated[
        str | None, typer.Option(help="Why one of unknown fate, failed or scored is sent again; recorded.")
    ] = None,
    adopt: Annotated[
        str | None, typer.Option(help="Request id that the portal has for one of unknown fate.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder that scored CSV and summary are written to.")
    ] = None,
    policy: Policy = None,
    team: TeamName = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Have a finished run scored by the portal, at most once; run it again to go on after a failure.

    Exit status 0 scored, 1 it could not be, 3 blocked by novelty or texture: nothing was uploaded.
    """
    require_server()
    state = submit(
        run,
        team=Team(team_name=team, email=email),
        policy=_policy(policy),
        resubmit=resubmit,
        adopt_request=adopt,
        out=out,
        return_state=True,
    )
    _finish(state, as_json)


@commands.command("analyse")
def analyse_run(run: Run, baseline: Baseline = None, as_json: AsJson = False) -> None:
    """Take a scored run apart by size, bucket, route and listing, and write its report.

    Exit status 0 done, 1 it has no scores yet, or a record was altered.
    """
    require_server()
    _finish(analyse(run, baseline=baseline, return_state=True), as_json)


@commands.command("promote")
def promote_run(
    run: Run,
    baseline: Baseline = None,
    resubmit: Annotated[
        str | None,
        typer.Option(help="Why the champion's anchor is sent again, failed or of unknown fate; recorded."),
    ] = None,
    ask: Annotated[bool, typer.Option("--ask", help="Ask a person in the UI before it moves.")] = False,
    policy: Policy = None,
    team: TeamName = None,
    email: Email = None,
    as_json: AsJson = False,
) -> None:
    """Hold a scored run against all gates; make it champion where they allow it.

    Exit status 0 promoted, 1 it could not be decided, 3 blocked, or in play while the champion stays.
    """
    require_server()
    state = promote(
        run,
        baseline=baseline,
        policy=_policy(policy),
        team=Team(team_name=team, email=email),
        resubmit=resubmit,
        ask=ask,
        return_state=True,
    )
    _finish(state, as_json)


def _policy(given: str | None) -> GatePolicy | None:
    return None if given is None else parse_record(given, GatePolicy, source="--policy")


def _finish(ended: object, as_json: bool) -> None:
    state = cast("State[object]", ended)  # what a flow that returns a state gives with return_state
    result = state.result(raise_on_failure=False) if state.is_completed() else None
    if as_json:
        shown = result.model_dump(mode="json") if isinstance(result, BaseModel) else None
        print(json.dumps({"state": state.name, "message": state.message, "result": shown}, indent=1))
    else:
        print(f"{state.name}: {state.message}")
    if not state.is_completed():
        raise typer.Exit(1)
    raise typer.Exit(STOPPED if state.name in _STOPPED_STATES else 0)
