"""Diagnoses a method on training pairs before any upload: renders, measures, keeps a record.

Each pair is rendered and measured in a render process, so one that crashes or hangs costs itself. What comes
out is proxy and goes where no gate looks.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path

from gpu.coordinates import ImageSize
from gpu.jpeg.rejection import PhotoRejected
from gpu.metric.profile import MetricProfile, metric_profile
from gpu.metric.score import Parts
from gpu.pair_score import PairJob, PairMetrics, PixelDifference, score_pair
from gpu.render import RenderJob
from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.domain.diagnosis import (
    Diagnosis,
    DiagnosisRequest,
    PairDiagnosis,
    ProxyFigures,
    diagnosis_name,
    proxy_groups,
    worst_first,
)
from tasks.domain.errors import DomainError, UnusableWarpError
from tasks.domain.methods.method import Method, RouteOptions
from tasks.domain.pairs import TrainingPair, original_name, sampled, target_name
from tasks.domain.schemas import PhotoRef, Provenance, QuarantinedPhoto, RoutedPhoto
from tasks.domain.shards import folder_digest
from tasks.domain.tables import table_digest
from tasks.failures import step
from tasks.keys import diagnosis_key
from tasks.observing import observation_of
from tasks.pairs import pairs_in
from tasks.photo_workers import PhotoLost, PhotoWorkers
from tasks.planning import chosen_method, engine_here
from tasks.records import keep_record
from tasks.warps import radial_map_of


class UnknownMetricProfile(DomainError):
    """There is no metric profile of that name."""


class NothingDiagnosed(DomainError):
    """Not one pair of the sample could be rendered and measured."""


@dataclass(frozen=True, slots=True)
class PairSample:
    """The pairs to diagnose on, and how many usable ones there are."""

    found: int
    pairs: tuple[TrainingPair, ...]
    quarantined: tuple[QuarantinedPhoto, ...]


@dataclass(frozen=True, slots=True)
class _Trial:
    """What a request's names stand for."""

    folder: Path
    method: Method
    options: RouteOptions
    quality: int
    profile: MetricProfile


@step("sample pairs")
def sample_pairs(request: DiagnosisRequest) -> PairSample:
    """Find the folder's pairs and draw a sample (see ``sample_of``)."""
    return sample_of(request)


@step("diagnose pairs")
def diagnose_pairs(
    sample: PairSample,
    request: DiagnosisRequest,
    workers: PhotoWorkers,
    *,
    provenance: Provenance,
    created: datetime,
) -> Diagnosis:
    """Render and measure the sample (see ``diagnosis_of``)."""
    return diagnosis_of(sample, request, workers, provenance=provenance, created=created)


@step("keep diagnosis")
def keep_diagnosis(diagnosis: Diagnosis) -> str:
    """Write the diagnosis into the store and give its key."""
    return kept_diagnosis(diagnosis, run_store())


def sample_of(request: DiagnosisRequest) -> PairSample:
    """Draw the pairs that a request asks for; a mistake in its names is told before a file is read.

    Raises:
        DomainError: Unknown method, variant or profile, an unusable table or folder, or no pair in it.
    """
    trial = _trial(request)
    inventory = pairs_in(trial.folder)
    pairs = sampled(inventory.pairs, count=request.sample, seed=request.seed, per=request.sample_per)
    return PairSample(found=len(inventory.pairs), pairs=pairs, quarantined=inventory.quarantined)


def diagnosis_of(
    sample: PairSample,
    request: DiagnosisRequest,
    workers: PhotoWorkers,
    *,
    provenance: Provenance,
    created: datetime,
) -> Diagnosis:
    """Render each pair's original as the method would, and measure it against its target.

    Raises:
        NothingDiagnosed: No pair of the sample could be measured; the first reason is told.
    """
    trial = _trial(request)
    with ThreadPoolExecutor(workers.processes + 2) as threads:  # two more read meanwhile
        outcomes = list(threads.map(lambda pair: _outcome(pair, trial, workers), sample.pairs))
    photos = worst_first([one for one in outcomes if isinstance(one, PairDiagnosis)])
    lost = [one for one in outcomes if isinstance(one, QuarantinedPhoto)]
    if not photos:
        raise NothingDiagnosed(f"no pair could be measured; the first, {lost[0].file_name}: {lost[0].reason}")
    return Diagnosis(
        created=created.isoformat(),
        request=request.model_copy(update={"variant": trial.method.variant(trial.options)}),
        provenance=provenance,
        engine=engine_here("opencv", quality=request.quality),
        table_digest=table_digest(trial.method.table(trial.options)),
        pairs_digest=_pairs_digest(photos),
        found=sample.found,
        groups=proxy_groups(photos, seed=request.seed),
        photos=photos,
        quarantined=(*sample.quarantined, *lost),
    )


def kept_diagnosis(diagnosis: Diagnosis, store: ObjectStore) -> str:
    """Write a diagnosis create-only; writing it again changes nothing."""
    return keep_record(diagnosis, diagnosis_key, diagnosis_name(diagnosis), store)[0]


def _trial(request: DiagnosisRequest) -> _Trial:
    method, options = chosen_method(request)
    try:
        profile = metric_profile(request.metric_profile)
    except ValueError as error:
        raise UnknownMetricProfile(str(error)) from error
    return _Trial(Path(request.pairs_folder), method, options, request.quality, profile)


def _outcome(pair: TrainingPair, trial: _Trial, workers: PhotoWorkers) -> PairDiagnosis | QuarantinedPhoto:
    def quarantined(code: str, reason: str) -> QuarantinedPhoto:
        return QuarantinedPhoto(file_name=original_name(pair.id), code=code, reason=reason)

    try:
        return _diagnosed(pair, trial, workers)
    except (PhotoRejected, PhotoLost) as error:
        return quarantined(error.code, str(error))
    except UnusableWarpError as error:
        return quarantined("unusable_warp", str(error))
    except OSError as error:
        return quarantined("unreadable", f"the pair cannot be read any more: {error.strerror or error}")


def _diagnosed(pair: TrainingPair, trial: _Trial, workers: PhotoWorkers) -> PairDiagnosis:
    original = (trial.folder / original_name(pair.id)).read_bytes()
    target = (trial.folder / target_name(pair.id)).read_bytes()
    photo = PhotoRef(
        id=pair.id,
        width=pair.width,
        height=pair.height,
        size=len(original),
        sha256=hashlib.sha256(original).hexdigest(),
    )
    observer = trial.method.observer
    seen = (observation_of(pair.id, original, observer, trial.options, workers),) if observer else ()
    routed = trial.method.choose(photo, trial.options, seen)
    job = PairJob(_render_job(routed, original, quality=trial.quality), target, trial.profile)
    return _record(routed, workers.run(score_pair, job), target_sha256=hashlib.sha256(target).hexdigest())


def _render_job(routed: RoutedPhoto, original: bytes, *, quality: int) -> RenderJob:
    return RenderJob(
        photo=original,
        mapping=radial_map_of(routed.warp, ImageSize(routed.photo.width, routed.photo.height)),
        interpolation=routed.interpolation,
        border=routed.border,
        quality=quality,
        backend="opencv",
    )


def _record(routed: RoutedPhoto, measured: PairMetrics, *, target_sha256: str) -> PairDiagnosis:
    metrics = measured.metrics
    return PairDiagnosis(
        id=routed.photo.id,
        width=routed.photo.width,
        height=routed.photo.height,
        original_sha256=routed.photo.sha256,
        target_sha256=target_sha256,
        route=routed.route,
        warp=routed.warp,
        interpolation=routed.interpolation,
        border=routed.border,
        proxy_score=metrics.score,
        hard_fail=metrics.hard_fail,
        output=_figures(metrics.output, metrics.output_similarity, measured.output),
        identity=_figures(metrics.original, metrics.original_similarity, measured.original),
    )


def _figures(parts: Parts, similarity: float, difference: PixelDifference) -> ProxyFigures:
    return ProxyFigures(
        similarity=similarity,
        edge=parts.edge,
        line=parts.line,
        gradient=parts.gradient,
        ssim=parts.ssim,
        pixel=parts.pixel,
        mae=difference.mae,
        psnr=difference.psnr if isfinite(difference.psnr) else None,
    )


def _pairs_digest(photos: Sequence[PairDiagnosis]) -> str:
    return folder_digest(
        digest
        for photo in photos
        for digest in (
            (original_name(photo.id), photo.original_sha256),
            (target_name(photo.id), photo.target_sha256),
        )
    )
