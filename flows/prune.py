"""Runbook page: prune rendered results by name or pattern; evidence and what stands always stay."""

from datetime import UTC, datetime

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.adapters import run_store
from tasks.domain.retention import PrunePlan
from tasks.failures import SENTENCES, log_sentences_only
from tasks.ledger import prune as remove
from tasks.ledger import prune_plan


@flow(name="prune", flow_run_name="prune", persist_result=False)
def prune(selection: list[str], apply: bool = False) -> State[None]:
    """Show what would be removed, and remove it when told to.

    Args:
        selection: Names of artifacts, or patterns such as ``submission_global_grid_*``. A scored zip goes
            only when its whole name is given; champion, best ever and what is in flight never go.
        apply: Remove; otherwise only show.
    """
    log_sentences_only()
    try:
        store = run_store()
        plan = prune_plan(selection, store, now=datetime.now(UTC))
        _show(plan)
        if apply:
            remove(plan, store, now=datetime.now(UTC))
    except SENTENCES as error:
        return Failed(message=str(error))
    done = f"{len(plan.zips)} zips {'removed' if apply else 'would be removed'} ({plan.size / 1e6:.1f} MB)"
    return Completed(message=f"{done}, {len(plan.kept)} kept")


def _show(plan: PrunePlan) -> None:
    rows = [{"artifact": name, "verdict": "remove", "reason": ""} for name in plan.zips]
    rows += [{"artifact": kept.name, "verdict": "keep", "reason": kept.reason} for kept in plan.kept]
    create_table_artifact(rows, key="prune", description="What pruning removes and keeps")
