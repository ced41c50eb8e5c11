"""Runs all gates over the evidence and draws the verdicts; nothing stops at the first failure.

A refusal is a result. Only a mistake of the caller raises.
"""

from collections.abc import Mapping

from tasks.domain.buckets import Bucket
from tasks.domain.gates.before_upload import novelty, texture
from tasks.domain.gates.comparison import model_gate, standing
from tasks.domain.gates.deadline import deadline_gate
from tasks.domain.gates.records import (
    BucketTexture,
    GateDecision,
    GateEvidence,
    GatePolicy,
    NoveltyEvidence,
    UploadDecision,
    may,
)
from tasks.domain.gates.scored import completeness, hard_blockers, proxy_mismatch


def decide_upload(
    name: str,
    *,
    novelty_evidence: NoveltyEvidence | None,
    textures: tuple[BucketTexture, ...] | None,
    bucket_photos: Mapping[Bucket, int],
    policy: GatePolicy,
) -> UploadDecision:
    """Decide whether a submission may be uploaded (G4 and G8)."""
    outcomes = (
        *novelty(name, novelty_evidence, policy),
        *texture(textures, bucket_photos, policy),
    )
    return UploadDecision(name=name, policy=policy, upload=may(outcomes, "upload"), outcomes=outcomes)


def decide_promotion(evidence: GateEvidence, policy: GatePolicy) -> GateDecision:
    """Decide whether a candidate stays in play and whether it becomes champion (G1 to G8)."""
    hard = tuple(hard_blockers(evidence, policy))
    outcomes = (
        *hard,
        *completeness(evidence, policy),
        proxy_mismatch(evidence),
        *novelty(evidence.name, evidence.novelty, policy),
        *standing(evidence, policy),
        *model_gate(evidence, policy, hard=hard),
        deadline_gate(evidence.track, evidence.fallback),
        *texture(evidence.texture, evidence.bucket_photos, policy),
    )
    return GateDecision(
        policy=policy,
        evidence=evidence,
        outcomes=outcomes,
        advance=may(outcomes, "advance"),
        promote=may(outcomes, "promote"),
    )
