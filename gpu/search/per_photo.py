"""What the runbook's per-photo methods look at in one photo, without any target, and what they choose by it.

    straightest   the candidate under which Hough finds the longest segments (method hough_proxy)
    sharpest      the candidate that keeps the most Laplacian energy (method laplacian_proxy)
    straightened  Nelder-Mead on the length of Hough segments, from each candidate (method nelder_per_image)

Kept as baselines: they scored 3.45, 21.21 and 18.89. A photo is looked at reduced to some 512 px, and the
number of looks is bounded, so one photo costs a known time. The functions run in worker processes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import decode_luma
from gpu.jpeg.header import read_header
from gpu.remap.backend import Border, Interpolation
from gpu.remap.opencv import OpenCvRemap
from gpu.search.candidate import Candidate, geometry
from gpu.search.pair import Grey, reduced

_REDUCTIONS = (8, 4, 2, 1)
_LOOKED_AT = 512  # pixels that the longer side keeps at least, unless it has fewer
_REACH = (0.12, 0.24)  # of k1 and k2 from the start: twice the bounds of the table's own evolution
_FIRST_STEP = (0.02, 0.04)
_MOST_LOOKS = 60
_K1_DIGITS = 5e-4  # where Nelder-Mead stops: it moves the corner of a 2048 px photo by 0.2 px
_NO_MAP = 2.0  # above any objective


@dataclass(frozen=True, slots=True)
class ChoiceJob:
    """One photo's JPEG and the candidates to choose from, or to start from."""

    photo: bytes = field(repr=False)
    candidates: tuple[Candidate, ...]
    interpolation: Interpolation
    border: Border


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one photo.

    Attributes:
        objective: What was made small, of the photo under the chosen candidate.
        untouched: The same of the photo left alone.
        looks: How many candidates were tried.
    """

    candidate: Candidate
    objective: float
    untouched: float
    looks: int


Objective = Callable[[Grey], float]


def straightest(job: ChoiceJob) -> Choice | None:
    """Choose the candidate of least ``bentness``; None where no candidate is valid at the photo's size."""
    return _least(job, bentness)


def sharpest(job: ChoiceJob) -> Choice | None:
    """Choose the candidate of most Laplacian energy; None where no candidate is valid at the photo's size."""
    return _least(job, lambda grey: -laplacian_energy(grey))


def straightened(job: ChoiceJob) -> Choice | None:
    """Minimise ``bentness`` from each candidate, alpha kept; None where nothing valid was met."""
    look = _Look.at(job, bentness)
    for start in job.candidates:
        if look.under(start) < _NO_MAP:
            _descend(look, start)
    return look.choice()


def bentness(grey: Grey) -> float:
    """Tell how short the straight pieces of a photo's lines are: 1 - length-weighted mean length / diagonal.

    A line that is bent breaks into short Hough segments; 1 where there is none at all.
    """
    segments = cv2.HoughLinesP(
        cv2.Canny(grey, 50, 150), 1.0, np.pi / 180, threshold=40, minLineLength=20, maxLineGap=3
    )
    if segments is None:
        return 1.0
    ends = segments.reshape(-1, 4).astype(np.float64)
    lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    return 1.0 - float(np.square(lengths).sum() / lengths.sum()) / hypot(*grey.shape)


def laplacian_energy(grey: Grey) -> float:
    """Mean square of the 3x3 Laplacian, in grey levels squared."""
    response = cv2.Laplacian(grey, cv2.CV_16S).astype(np.int64)
    return float(np.square(response).sum()) / response.size


@dataclass(slots=True)
class _Look:
    """A photo under candidates, each seen once."""

    job: ChoiceJob
    grey: Grey
    size: ImageSize
    reduction: int
    objective: Objective
    seen: dict[Candidate, float] = field(default_factory=dict)

    @classmethod
    def at(cls, job: ChoiceJob, objective: Objective) -> "_Look":
        luma = decode_luma(job.photo, read_header(job.photo))
        size = ImageSize(luma.shape[1], luma.shape[0])
        longer = max(size.width, size.height)
        reduction = next((step for step in _REDUCTIONS if longer >= step * _LOOKED_AT), 1)
        return cls(job, reduced(luma, reduction), size, reduction, objective)

    def under(self, candidate: Candidate) -> float:
        """Give the objective under a candidate; one that is not valid here has a value above all others."""
        found = geometry(candidate, self.size, reduction=self.reduction)
        if found is None or not found.valid:
            return _NO_MAP
        if candidate not in self.seen:
            (photo,) = OpenCvRemap().remap(
                [self.grey],
                found.mapping,
                interpolation=self.job.interpolation,
                border=self.job.border,
                fill=[0],
            )
            self.seen[candidate] = self.objective(np.asarray(photo, np.uint8))
        return self.seen[candidate]

    def choice(self) -> Choice | None:
        """Give the best candidate seen, the first of equals in their order."""
        if not self.seen:
            return None
        best = min(self.seen, key=lambda candidate: (self.seen[candidate], candidate))
        return Choice(best, self.seen[best], untouched=self.objective(self.grey), looks=len(self.seen))


def _least(job: ChoiceJob, objective: Objective) -> Choice | None:
    look = _Look.at(job, objective)
    for candidate in job.candidates:
        look.under(candidate)
    return look.choice()


def _descend(look: _Look, start: Candidate) -> None:
    from scipy.optimize import minimize  # half a second that only this method pays

    centre = np.array([start.k1, start.k2])

    def objective(place: NDArray[np.float64]) -> float:
        return look.under(Candidate.rounded(place[0], place[1], start.alpha))

    minimize(
        objective,
        centre,
        method="Nelder-Mead",
        bounds=list(zip(centre - _REACH, centre + _REACH, strict=True)),
        options={
            "maxfev": _MOST_LOOKS,
            "xatol": _K1_DIGITS,
            "fatol": 1e-4,  # a hundredth of what one broken line changes
            "initial_simplex": centre + np.array([(0.0, 0.0), (-_FIRST_STEP[0], 0.0), (0.0, _FIRST_STEP[1])]),
        },
    )
