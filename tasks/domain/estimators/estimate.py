"""What an estimator is: asked about one photo, it answers with curves, their uncertainty and the reason.

Estimators know nothing of each other and choose nothing; the router does. A new one is one new file here and
one line in ``registry``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from tasks.domain.atlas import LensAtlas
from tasks.domain.observations import Listing, Observation, observation_on
from tasks.domain.schemas import PhotoRef

Rung = Literal["snap", "pooled", "already_corrected", "photo", "dimension", "bucket", "global"]
RUNGS: Final[tuple[Rung, ...]] = (
    "snap",
    "pooled",
    "already_corrected",
    "photo",
    "dimension",
    "bucket",
    "global",
)
"""From the evidence that is trusted most to what is left when there is none."""

Row = Literal["primary", "safe"]
"""Which curve of a group is asked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """One photo, what was observed on its listing (nothing: an empty tuple), and the atlas to judge it by."""

    photo: PhotoRef
    listing: Listing
    atlas: LensAtlas

    @property
    def size(self) -> ImageSize:
        """Of the photo in pixels as stored."""
        return ImageSize(self.photo.width, self.photo.height)

    @property
    def observation(self) -> Observation | None:
        """What was seen on the photo itself."""
        return observation_on(self.photo.id, self.listing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """One answer.

    Attributes:
        rung: What sort of evidence it rests on.
        by: Name of the estimator.
        curve: For the photo's size; None says that it was measured to be corrected already.
        reason: One sentence.
        expected_px: RMS error over the frame in pixels of the photo; None: cannot be told.
        bound_px: The error stays below it with a probability of 0.9, likewise.
        confidence: Probability that the lens, or that there is nothing to correct, was recognised; 1 for
            what makes no such claim.
        support: Training pairs behind it, None for what was measured on the photo or its listing.
        objections: What speaks against it, in one sentence each.
    """

    rung: Rung
    by: str
    curve: LensCurve | None
    reason: str
    expected_px: float | None
    bound_px: float | None = None
    confidence: float = 1.0
    support: int | None = None
    objections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimator:
    """A way to estimate the curve of a photo.

    Attributes:
        estimates: Answers a question with any number of estimates, none where it has nothing to say.
    """

    name: str
    estimates: Callable[[Question, Row], Iterable[Estimate]]
