"""Runbook page: from a folder of photos to a verdict: render > submit > analyse > promote.

Each stage is a run of its own below this one. It ends with the first that does not complete, or is Blocked.
"""

from typing import Annotated, Any, Literal, cast

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.analyse import analyse
from flows.promote import promote
from flows.render import render
from flows.submit import submit
from tasks.domain.gates.records import GatePolicy
from tasks.domain.schemas import Border, Interpolation
from tasks.domain.score_schemas import Team
from tasks.remote_rendering import end_batches


@flow(
    name="pipeline",
    flow_run_name="pipeline {method} {variant}",
    persist_result=False,
    on_cancellation=[end_batches],
)
def pipeline(
    photos: str | None = None,
    method: str = "calibguard_dim",
    variant: str | None = None,
    table: str | None = None,
    interpolation: Interpolation | None = None,
    border: Border | None = None,
    quality: Annotated[int, Field(ge=1, le=100)] = 95,
    backend: Literal["opencv", "cupy"] = "opencv",
    shard_size: Annotated[int, Field(ge=1, le=10_000)] = 250,
    artifact_tag: str | None = None,
    accept_quarantined: bool = False,
    pools: tuple[str, ...] = (),
    batch_photos: Annotated[int, Field(ge=1, le=100_000)] = 1000,
    batch_minutes: Annotated[int, Field(ge=1, le=12 * 60)] = 60,
    baseline: str | None = None,
    team: Team | None = None,
    policy: GatePolicy | None = None,
    ask: bool = False,
) -> State[Any]:
    """Render, submit, analyse and promote in one go.

    Args:
        photos: Folder of the test set's originals; default: the data root.
        method: Method that chooses each photo's warp.
        variant: Its profile or policy; default: the first it has.
        table: File, candidate, run or shipped; default: the champion's, as in ``render``.
        interpolation: linear, cubic or lanczos4; default: what the table says.
        border: constant, reflect or replicate; default: what the table says.
        quality: JPEG quality of the output, 1 to 100.
        backend: Remap back end; ``cupy`` needs an NVIDIA GPU.
        shard_size: Photos rendered, kept and retried as one.
        artifact_tag: Names the variant in the artifact's name.
        accept_quarantined: Submit although photos were left out.
        pools: Deployments of ``render-batch`` that render the shards; default: this machine renders.
        batch_photos: Photos that one rented machine gets.
        batch_minutes: When a rented machine stops at the latest.
        baseline: Submission to be held against; default: the best global_grid that the judge has scored.
        team: Who submits, where other than settings say.
        policy: Limits stricter than the rules.
        ask: Ask a person in the UI before the champion changes.
    """
    rendered = _ended(
        render(
            photos,
            method=method,
            variant=variant,
            table=table,
            interpolation=interpolation,
            border=border,
            quality=quality,
            backend=backend,
            shard_size=shard_size,
            artifact_tag=artifact_tag,
            accept_quarantined=accept_quarantined,
            pools=pools,
            batch_photos=batch_photos,
            batch_minutes=batch_minutes,
            return_state=True,
        )
    )
    if not rendered.is_completed():
        return _own(rendered)
    name = rendered.result().name
    submitted = _ended(submit(name, team=team, policy=policy, return_state=True))
    if not submitted.is_completed() or submitted.name == "Blocked":
        return _own(submitted)
    analysed = _ended(analyse(name, baseline=baseline, return_state=True))
    if not analysed.is_completed():
        return _own(analysed)
    return _own(
        _ended(promote(name, baseline=baseline, policy=policy, team=team, ask=ask, return_state=True))
    )


def _own(last: State[Any]) -> State[Any]:
    """End as the last stage did: Prefect would call a run that returns another's state just Completed."""
    if not last.is_completed():
        return Failed(message=last.message)
    return Completed(name=last.name, message=last.message, data=last.result())


def _ended(state: object) -> State[Any]:
    """Tell the type of what a flow that returns a state gives when it is called with ``return_state``."""
    return cast("State[Any]", state)
