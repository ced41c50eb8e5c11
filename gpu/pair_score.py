"""Renders one training pair's original and measures how near it comes to the target, in a worker process.

Bytes in, numbers out. Every number is a **proxy**: cheap to have before any upload, never validated against
the judge, and no ground for a promotion. Which pairs, which warp and what the numbers mean together are other
rooms' business.
"""

from dataclasses import dataclass

from gpu.jpeg.codec import decode_bgr
from gpu.jpeg.header import read_header
from gpu.jpeg.rejection import PhotoRejected
from gpu.metric.pixels import Pixels, mae, psnr
from gpu.metric.profile import MetricProfile
from gpu.metric.score import PhotoMetrics, photo_features, score_output, similarity_to
from gpu.render import RenderJob, render_photo


@dataclass(frozen=True, slots=True)
class PairJob:
    """An original with what to do to it, and the target it is held against."""

    render: RenderJob
    target: bytes
    profile: MetricProfile


@dataclass(frozen=True, slots=True)
class PixelDifference:
    """How far a photo lies from its target, pixel by pixel.

    Attributes:
        mae: Mean absolute difference in grey levels.
        psnr: Peak signal-to-noise ratio in dB, infinite for equal photos.
    """

    mae: float
    psnr: float


@dataclass(frozen=True, slots=True)
class PairMetrics:
    """What was measured of one pair.

    Attributes:
        metrics: Score and parts of the output; parts of the original left alone.
        output: Of the output, as encoded and decoded again.
        original: Of the original left alone.
    """

    metrics: PhotoMetrics
    output: PixelDifference
    original: PixelDifference


def score_pair(job: PairJob) -> PairMetrics:
    """Render the original and measure it, and the original itself, against the target.

    Raises:
        PhotoRejected: Either photo is damaged or of a kind that is not accepted; the sentence says which.
        BackendUnavailableError: The named back end has no device or library here.
        ValueError: The photos are not of one size.
    """
    output = _decoded(render_photo(job.render).jpeg)
    original = _decoded(job.render.photo)
    target = photo_features(_decoded_target(job.target), job.profile)
    start = similarity_to(target, original)
    return PairMetrics(
        metrics=score_output(output, target, original=start),
        output=_difference(output, target.pixels),
        original=_difference(original, target.pixels),
    )


def _difference(photo: Pixels, target: Pixels) -> PixelDifference:
    return PixelDifference(mae=mae(photo, target), psnr=psnr(photo, target))


def _decoded_target(jpeg: bytes) -> Pixels:
    try:
        return _decoded(jpeg)
    except PhotoRejected as error:
        raise PhotoRejected(error.code, f"the target: {error}") from error


def _decoded(jpeg: bytes) -> Pixels:
    return decode_bgr(jpeg, read_header(jpeg))
