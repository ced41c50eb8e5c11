"""Runbook page: refit atlas and tables from training pairs into a candidate, with held-out evidence.

    find pairs > fit pairs > learn without held-out listings, measure on them, learn from all > keep candidate

Nothing is promoted here: a render uses the candidate where it is told to (``-p table=candidate_...``), and
the gates judge what comes of it. A refit that was cut off is started again: fitted pairs stay fitted.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from tasks.adapters import pairs_folder, photo_workers
from tasks.domain.refit import HeldOutFigures, RefitCandidate, RefitRequest
from tasks.failures import SENTENCES, log_sentences_only
from tasks.provenance import provenance_here
from tasks.refit import find_pairs, fit_pairs, keep_candidate, learn_and_measure
from tasks.reporting import best_effort

_TOLD_EVERY = 500  # pairs
_LISTED = 200  # files in Prefect's UI


@flow(name="refit", flow_run_name="refit", persist_result=False)
def refit(
    pairs: str | None = None,
    held_out: Annotated[float, Field(ge=0.0, le=0.5)] = 0.2,
    sample: Annotated[int, Field(ge=1)] = 20,
    seed: int = 42,
) -> State[RefitCandidate]:
    """Fit every pair, learn atlas and tables, and keep them as a candidate with figures.

    Args:
        pairs: Folder of ``{id}_original.jpg`` with ``{id}_generated.jpg``, or of the whole data set;
            default: the data root.
        held_out: Share of the listings that are measured on before they are learned from; 0 measures nothing.
        sample: Held-out pairs of each bucket that are rendered and measured at most.
        seed: Another seed holds other listings out.
    """
    log_sentences_only()
    try:
        candidate = _refit(
            RefitRequest(pairs_folder=str(pairs_folder(pairs)), held_out=held_out, sample=sample, seed=seed)
        )
    except SENTENCES as error:
        return Failed(message=str(error))
    return Completed(
        message=_outcome(candidate),
        data=candidate,
    )


def _refit(request: RefitRequest) -> RefitCandidate:
    provenance, created = provenance_here(), datetime.now(UTC)
    logger = get_run_logger()

    def tell(done: int, total: int) -> None:
        if done % _TOLD_EVERY == 0 or done == total:
            logger.info("%d of %d pairs fitted", done, total)

    inventory = find_pairs(request)
    with photo_workers("opencv") as workers:
        fits = fit_pairs(inventory, workers, tell)
        learned = learn_and_measure(fits, request, workers, provenance=provenance, created=created)
    candidate = keep_candidate(learned, fits, inventory, request, provenance=provenance, created=created)
    _publish(candidate)
    return candidate


@best_effort
def _publish(candidate: RefitCandidate) -> None:
    create_table_artifact(
        [_row(one) for one in candidate.figures],
        key="refit-held-out",
        description=f"proxy: {candidate.name}, {candidate.listings_held_out} held-out listings, worst first",
    )
    listed = candidate.quarantined[:_LISTED]
    create_table_artifact(
        [{"file": one.file_name, "code": one.code, "reason": one.reason} for one in listed],
        key="refit-quarantined",
        description=f"{len(listed)} of {len(candidate.quarantined)} files that taught nothing; "
        f"`candidates/{candidate.name}/candidate.json` holds all",
    )


def _outcome(candidate: RefitCandidate) -> str:
    counts = Counter(one.code for one in candidate.quarantined)
    reasons = f" ({', '.join(f'{count} {code}' for code, count in sorted(counts.items()))})" if counts else ""
    quarantined = f"{len(candidate.quarantined)} files quarantined{reasons}"
    return (
        f"{candidate.name}: {candidate.used} of {candidate.found} pairs taught a curve, "
        f"{candidate.already_corrected} needed none, {quarantined}, "
        f"{candidate.fitted} pairs fitted now; use it with -p table={candidate.name}"
    )


def _row(one: HeldOutFigures) -> dict[str, object]:
    interval = f"{one.interval[0]:.1f} to {one.interval[1]:.1f}" if one.interval else ""
    return {
        "method": f"{one.method} {one.variant}",
        "table": one.table,
        "pairs": one.pairs,
        "proxy score": round(one.proxy_mean, 2),
        "95 %": interval,
        "median": round(one.proxy_median, 2),
        "zeros": f"{100 * one.zero_rate:.1f} %",
    }
