"""Runbook page: diagnose a method on training pairs, before anything is uploaded.

    sample pairs > diagnose pairs > keep diagnosis

All of it is proxy: it tells where a method is weak, and promotes nothing.
"""

from datetime import UTC, datetime
from typing import Annotated

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from tasks.adapters import pairs_folder, photo_workers
from tasks.diagnosis import diagnose_pairs, keep_diagnosis, sample_pairs
from tasks.diagnosis_tables import outcome, publish_diagnosis
from tasks.domain.diagnosis import Diagnosis, DiagnosisRequest
from tasks.domain.pairs import PairGroup
from tasks.domain.schemas import Border, Interpolation
from tasks.failures import SENTENCES, log_sentences_only
from tasks.promoted_table import settled
from tasks.provenance import provenance_here


def run_name() -> str:
    """Name the run after method and variant."""
    parameters = runtime.flow_run.parameters
    return " ".join(word for word in (parameters["method"], parameters.get("variant")) if word)


@flow(name="diagnose", flow_run_name=run_name, persist_result=False)
def diagnose(
    pairs: str | None = None,
    method: str = "calibguard_dim",
    variant: str | None = None,
    table: str | None = None,
    interpolation: Interpolation | None = None,
    border: Border | None = None,
    quality: Annotated[int, Field(ge=1, le=100)] = 95,
    sample: Annotated[int, Field(ge=1)] | None = 40,
    sample_per: PairGroup = "bucket",
    seed: int = 42,
    metric_profile: str = "portal",
) -> State[None]:
    """Render a sample of training pairs and measure it by the local metric, per bucket, size and route.

    Args:
        pairs: Folder of ``{id}_original.jpg`` with ``{id}_generated.jpg``, or of the whole data set;
            default: the data root.
        method: Method that chooses each photo's warp.
        variant: Profile or policy of the method; default: the first it has.
        table: As in ``render``.
        interpolation: linear, cubic or lanczos4; default: what the table says.
        border: What lies outside the original: constant, reflect, replicate; default: what the table says.
        quality: JPEG quality that originals are rendered with, 1 to 100.
        sample: Pairs drawn at most; null for all.
        sample_per: Draw so many in all, or of each bucket, dimension or listing.
        seed: Another seed draws other pairs.
        metric_profile: portal, portal_exact or portal_loose.
    """
    log_sentences_only()
    try:
        diagnosis, key = _diagnose(
            DiagnosisRequest(
                pairs_folder=str(pairs_folder(pairs)),
                method=method,
                variant=variant,
                table=table,
                interpolation=interpolation,
                border=border,
                quality=quality,
                sample=sample,
                sample_per=sample_per,
                seed=seed,
                metric_profile=metric_profile,
            )
        )
    except SENTENCES as error:
        return Failed(message=str(error))
    return Completed(message=f"{outcome(diagnosis)}; {key}")


def _diagnose(request: DiagnosisRequest) -> tuple[Diagnosis, str]:
    provenance, created = provenance_here(), datetime.now(UTC)
    request = settled(request)
    drawn = sample_pairs(request)
    with photo_workers("opencv") as workers:
        diagnosis = diagnose_pairs(drawn, request, workers, provenance=provenance, created=created)
    key = keep_diagnosis(diagnosis)
    publish_diagnosis(diagnosis)
    return diagnosis, key
