"""What was seen on a photo before it was routed: one record for all methods that look."""

from tasks.domain.coefficients import CoefficientPair
from tasks.domain.schemas import Record


class PhotoChoice(Record):
    """The pair that a look at one photo's pixels led to."""

    pair: CoefficientPair
    objective: float
    """What was made small, under the pair."""
    untouched: float
    """The same of the photo left alone."""
    looks: int
    """Pairs that were tried."""


class CameraFound(Record):
    """What a photo's metadata says of the optics that took it."""

    maker: str
    model: str
    lens: str
    """Empty where it names none."""
    focal_mm: float | None


class Observation(Record):
    """What came of looking at one photo: what its method asked for, or why there is nothing."""

    photo_id: str
    choice: PhotoChoice | None = None
    camera: CameraFound | None = None
    problem: str = ""
    """One sentence, where nothing could be observed."""
