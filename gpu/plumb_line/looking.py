"""Looks at one photo for all that tells its lens: metadata, and the lines that its lens bent.

This is what runs inside a worker process: bytes in, a few numbers out, no pixels.
"""

from dataclasses import dataclass

from gpu.jpeg.camera import Camera, read_camera
from gpu.jpeg.codec import decode
from gpu.jpeg.header import read_header
from gpu.plumb_line.chains import find_chains
from gpu.plumb_line.evidence import LineEvidence, line_evidence
from gpu.plumb_line.guards import long_lines
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.shape import Array


@dataclass(frozen=True, slots=True, eq=False)
class LensLook:
    """A photo and what is known of lenses before it is looked at."""

    photo: bytes
    prior: CurvePrior


@dataclass(frozen=True, slots=True, eq=False)
class LensClues:
    """What one photo tells of its lens.

    Attributes:
        camera: From its metadata.
        lines: What its lines say of the curve.
        long_lines: The longest of them, see ``guards``.
    """

    camera: Camera | None
    lines: LineEvidence
    long_lines: tuple[Array, ...]


def look_for_lens(job: LensLook) -> LensClues:
    """Look at a photo.

    Raises:
        PhotoRejected: It is damaged, or of a kind that is not accepted.
    """
    camera = read_camera(job.photo)
    chains = find_chains(decode(job.photo, read_header(job.photo)).luma)
    return LensClues(camera, line_evidence(chains, job.prior), long_lines(chains))
