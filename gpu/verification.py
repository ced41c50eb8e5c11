"""Looks at photos that another machine claims to have rendered; runs in a worker process, like ``render``.

It tells what it finds and not whether that is good enough.
"""

from dataclasses import dataclass

from gpu.fingerprint import largest_block_difference
from gpu.jpeg.codec import check_output
from gpu.render import RenderJob, render_photo


@dataclass(frozen=True, slots=True)
class OutputJob:
    """A photo and the size in pixels, as stored, that it is to have."""

    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ComparisonJob:
    """A photo and what it is said to be made of."""

    jpeg: bytes
    render: RenderJob


def check_photo(job: OutputJob) -> None:
    """Decode every scan strictly and compare the size.

    Raises:
        PhotoRejected: The photo is damaged, of another size, or something follows it.
    """
    check_output(job.jpeg, job.width, job.height)


def compare_photo(job: ComparisonJob) -> float:
    """Render the photo here and return the ``largest_block_difference``, in grey levels.

    Raises:
        PhotoRejected: One of the photos is damaged or of a kind that is not accepted.
        BackendUnavailableError: The named back end has no device or library here.
    """
    return largest_block_difference(render_photo(job.render).jpeg, job.jpeg)
