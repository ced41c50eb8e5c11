"""The true warp of each test photo, read from ``truth.csv``; opened when methods are scored and never before.

A row tells the lens, the frame that the photo was cropped from and the enlargement of its correction:

    radius     r = distance from the middle of the frame, over ``scale`` and the lens' unit in pixels
    unit       half the frame's diagonal over hypot(1, aspect): half the short side of such a frame
    source     r (1 + amount (f(r) - 1)), f being the lens' own curve as ``gpu.lensfun`` writes it

The model ``series`` gives f by its coefficients; it is how drawn photos tell theirs.
"""

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.lensfun import Poly3, Poly5, PtLens
from gpu.radial_map import RadialMap
from gpu.remap.reference import reference_map
from tasks.domain.errors import DomainError

_FACTORS: Final[Mapping[str, Callable[..., tuple[float, ...]]]] = {
    "ptlens": lambda a, b, c: PtLens(a, b, c).factors,
    "poly3": lambda k1: Poly3(k1).factors,
    "poly5": lambda k1, k2: Poly5(k1, k2).factors,
    "series": lambda *factors: factors,
}
_COEFFICIENTS: Final = {"ptlens": 3, "poly3": 1, "poly5": 2, "series": 0}
_STEP = 4  # every fourth pixel along both sides stands for its neighbours


class TruthUnreadable(DomainError):
    """``truth.csv`` is there and does not say what it should."""


def _listed(value: object) -> object:
    return json.loads(value) if isinstance(value, str) else value


class TrueWarp(BaseModel):
    """What a row of ``truth.csv`` says about one photo; other columns are left alone."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    id: str
    model: Literal["ptlens", "poly3", "poly5", "series"]
    coef: Annotated[tuple[float, ...], BeforeValidator(_listed)]
    aspect: str = Field(pattern=r"^\d+(\.\d+)?:\d+(\.\d+)?$")
    """Of the calibration's frame, such as ``3:2``."""
    amount: float = 1.0
    """Share of the lens' own distortion that was corrected."""
    identity: bool = False
    """The original needed no correction."""
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    full_w: float = Field(gt=0.0)
    """Width of the frame before it was cropped, in pixels of the photo."""
    full_h: float = Field(gt=0.0)
    crop_x: float = 0.0
    """Where the photo's first pixel lies in that frame."""
    crop_y: float = 0.0
    scale: float = Field(default=1.0, gt=0.0)
    """Enlargement of the corrected frame."""

    @model_validator(mode="after")
    def _coefficients_fit_the_model(self) -> "TrueWarp":
        wanted = _COEFFICIENTS[self.model]
        if not self.coef or (wanted and len(self.coef) != wanted):
            raise ValueError(f"{self.model} has {wanted or 'one or more'} coefficients, got {len(self.coef)}")
        return self

    def mapping(self) -> RadialMap:
        """Give the map that samples the photo as its target was sampled."""
        if self.identity:
            return untouched_map(ImageSize(self.width, self.height))
        one, other = map(float, self.aspect.split(":"))
        unit = hypot(self.full_w, self.full_h) / 2 / hypot(1.0, max(one, other) / min(one, other))
        centre = ((self.full_w - 1) / 2 - self.crop_x, (self.full_h - 1) / 2 - self.crop_y)
        first, *others = _FACTORS[self.model](*self.coef)
        return RadialMap(
            out_centre=centre,
            out_scale=(self.scale * unit, self.scale * unit),
            src_centre=centre,
            src_scale=(unit, unit),
            factors=(1.0 + self.amount * (first - 1.0), *(self.amount * factor for factor in others)),
        )


@dataclass(frozen=True, slots=True)
class Truth:
    """The true warps, by photo id."""

    warps: Mapping[str, TrueWarp]

    def mapping(self, photo_id: str, size: ImageSize) -> RadialMap | None:
        """Give the true map of a photo as it is stored, also of one that was halved; None if not known.

        Raises:
            TruthUnreadable: The photo has neither the size that its row tells nor half of it.
        """
        warp = self.warps.get(photo_id)
        if warp is None:
            return None
        if (size.width, size.height) == (warp.width, warp.height):
            return warp.mapping()
        if max(abs(2 * size.width - warp.width), abs(2 * size.height - warp.height)) <= 1:
            return warp.mapping().on_subsampled_plane(2, 2)
        raise TruthUnreadable(
            f"photo {photo_id!r} has {size} pixels, the truth tells {warp.width}x{warp.height}; expected "
            "that or half of it, so make the folder anew"
        )


def read_truth(path: Path) -> Truth | None:
    """Read the truth about a folder's photos; None where nobody wrote one.

    Raises:
        TruthUnreadable: A row cannot be understood; the sentence names the first.
    """
    if not path.exists():
        return None
    with path.open(newline="") as file:
        return Truth({warp.id: warp for warp in map(_warp, csv.DictReader(file))})


def write_truth(path: Path, warps: Iterable[TrueWarp]) -> None:
    """Write what was drawn, in the columns that ``read_truth`` reads."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(TrueWarp.model_fields))
        writer.writeheader()
        for warp in warps:
            writer.writerow({**warp.model_dump(), "coef": list(warp.coef), "identity": int(warp.identity)})


def untouched_map(size: ImageSize) -> RadialMap:
    """Give the map of a photo that is left as it is."""
    return LensCurve((1.0,)).radial_map(size)


def rms_px(found: RadialMap, true: RadialMap, size: ImageSize) -> float:
    """Measure how far two maps lie apart: the root of the mean squared distance over the frame, in pixels."""
    places = [_places(mapping, size) for mapping in (found, true)]
    apart = np.square(places[0] - places[1]).sum(axis=0)
    return float(_STEP * np.sqrt(apart.mean()))


def _places(mapping: RadialMap, size: ImageSize) -> NDArray[np.float64]:
    thinned = ImageSize(max(size.width // _STEP, 1), max(size.height // _STEP, 1))
    return np.stack(reference_map(mapping.on_subsampled_plane(_STEP, _STEP), thinned))


def _warp(row: Mapping[str, Any]) -> TrueWarp:
    try:
        return TrueWarp.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "coef"
        raise TruthUnreadable(
            f"truth.csv, photo {row.get('id')!r}, column {place}: {first['msg']}; make the folder anew"
        ) from error
