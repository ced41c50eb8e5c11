"""Score one photo in a worker process.

The metric is named by an import string, because this room knows no arrays: ``module:function``, called
as ``function(output, original, target)`` with the bytes of three JPEGs. It returns ``{"score": 0 to 100,
"hard_fail": bool, "metrics": {name: number}}`` and raises ``ValueError`` for an output that is no usable
photo (which scores 0, as a hard fail). ``TargetSetUnusable`` for an original or target that cannot be scored
against, and whatever else it raises, fails the job: that is the portal's fault.
"""

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from infra.errors import SubmissionZipRefused, TargetSetUnusable
from infra.portal.server.submission_reader import StoredFile
from infra.portal.server.target_set import TargetPhoto, read_unchanged

Scorer = Callable[[bytes, bytes, bytes], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class PhotoJob:
    """What a worker process is told."""

    photo_id: str
    scorer: str
    archive: Path
    file: StoredFile
    photo: TargetPhoto


@dataclass(frozen=True, slots=True)
class PhotoScore:
    """What it says."""

    photo_id: str
    score: float
    hard_fail: bool
    metrics: Mapping[str, float]


def score_photo(job: PhotoJob) -> PhotoScore:
    """Score one photo of a submission."""
    output = _output(job)
    original = read_unchanged(job.photo.original, sha256=job.photo.original_sha256)
    target = read_unchanged(job.photo.target, sha256=job.photo.target_sha256)
    scorer = load_scorer(job.scorer)
    try:
        found = scorer(output, original, target)
    except ValueError:
        return PhotoScore(job.photo_id, 0.0, hard_fail=True, metrics={})
    except TargetSetUnusable as error:
        raise TargetSetUnusable(f"nothing was scored: photo {job.photo_id!r}: {error}") from error
    return _checked(found, job=job)


@lru_cache(maxsize=4)
def load_scorer(name: str) -> Scorer:
    """Import the metric.

    Raises:
        ValueError: ``name`` is not ``module:function``, or there is no such function.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"the scorer must be 'module:function' of an importable module, got {name!r}"
        ) from error
    if not callable(found):
        raise ValueError(f"the scorer {name!r} is a {type(found).__name__}, not a function")
    scorer: Scorer = found
    return scorer


def _output(job: PhotoJob) -> bytes:
    with job.archive.open("rb") as archive:
        archive.seek(job.file.offset)
        output = archive.read(job.file.size)
    if zlib.crc32(output) != job.file.crc32:
        raise SubmissionZipRefused(f"{job.file.name!r} changed on the portal's disk after it was checked")
    return output


def _checked(found: Mapping[str, object], *, job: PhotoJob) -> PhotoScore:
    score, hard_fail, metrics = found.get("score"), found.get("hard_fail"), found.get("metrics")
    if not isinstance(score, float) or not 0.0 <= score <= 100.0 or not isinstance(hard_fail, bool):
        raise TypeError(
            f"{job.scorer!r} must give a score of 0 to 100 and hard_fail, gave {score!r}, {hard_fail!r}"
        )
    if not isinstance(metrics, Mapping):
        raise TypeError(f"{job.scorer!r} must give metrics by name, gave a {type(metrics).__name__}")
    numbers = {str(name): float(value) for name, value in metrics.items()}
    if not all(math.isfinite(number) for number in numbers.values()):
        raise TypeError(f"{job.scorer!r} gave a metric of {job.photo_id!r} that is not finite")
    return PhotoScore(job.photo_id, score, hard_fail, numbers)
