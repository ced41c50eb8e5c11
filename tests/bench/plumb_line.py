"""Measures the plumb-line method on rendered listings whose warps are known: one row a figure, worst first.

Run as ``python -m tests.bench.plumb_line FOLDER [--known]``. The folder has ``test-originals/``,
``lens-correction-train-cleaned/`` and a ``truth.csv`` with a row for each photo: its listing, split, size,
crop, Lensfun model and coefficients, the strength and the zoom of the correction. The prior and how far
lines are to be trusted are learned from the training rows; test photos are judged, cropped ones apart.
Photos that needed no correction are left out.
Lenses of the test photos are left out of the prior; ``--known`` leaves them in.

Scenes have a bow of their own that lines cannot tell from a lens'. The photo's target, which only this looks
at, shows the scene without the lens: where its lines ask for less than half a pixel the scene is straight,
and photos of straight scenes are judged once more by themselves.
"""

import argparse
import csv
import json
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import decode
from gpu.jpeg.header import read_header
from gpu.lens_curve import LensCurve
from gpu.lensfun import Calibration, Poly3, Poly5, PtLens, curve_from_lensfun
from gpu.plumb_line.chains import Chains, find_chains
from gpu.plumb_line.estimate import CurveEstimate, curve_of, estimate_listing
from gpu.plumb_line.evidence import LineEvidence, line_evidence, trusted_form
from gpu.plumb_line.learning import learn_prior
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.shape import frame_rms_px, shape_metric
from gpu.plumb_line.trust import with_learned_trust

_MODELS = {"ptlens": PtLens, "poly3": Poly3, "poly5": Poly5}
_UNTOUCHED = LensCurve((1.0,))
_TRUST_LISTINGS = 40
_SNAP_FROM = 0.8

Goal = tuple[float, float]
_GOALS: Final[Mapping[str, Goal]] = {
    "single": (0.0, 1.2),
    "pooled": (0.0, 0.5),
    "ratio": (0.0, 0.55),
    "bounded": (85.0, 95.0),
}
_PRIOR_SIZE = ImageSize(2048, 1367)
_POOLED_WITH = 3  # siblings, so that four photos speak
_STRAIGHT_PX = 0.5
_FAINTLY = 0.1  # of a prior of 1 px: what keeps a target without lines at no bow


@dataclass(frozen=True, slots=True)
class TruePhoto:
    """One row of the truth: where the photo and its target lie, and the exact curve of its correction."""

    path: Path
    target: Path
    listing: str
    lens: str
    test: bool
    cropped: bool
    curve: LensCurve


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table; the goal is an upper bound, or a range, or None."""

    name: str
    found: float
    goal: Goal | None = None

    @property
    def shortfall(self) -> float:
        """By what factor the goal is missed; 0 without a goal."""
        if self.goal is None:
            return 0.0
        least, most = self.goal
        return max(self.found / most, least / max(self.found, 1e-9))


def main() -> None:
    """Read the truth, learn, estimate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--known", action="store_true", help="the prior knows the test photos' lenses")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    photos = [photo for photo in read_truth(arguments.folder) if photo.curve != _UNTOUCHED]
    tests = [photo for photo in photos if photo.test]
    training = [photo for photo in photos if not photo.test and not photo.cropped]
    strangers = set() if arguments.known else {photo.lens for photo in tests}
    curves = tests + training if arguments.known else [p for p in training if p.lens not in strangers]
    prior = learn_prior([(photo.curve, 1.0) for photo in curves], _PRIOR_SIZE)
    prior = with_learned_trust(
        prior, [_evidence(group, prior) for group in _listings(training)[:_TRUST_LISTINGS]]
    )
    print(f"{len(tests)} test photos, {len(curves)} known curves, {prior.trust}")
    for figure in sorted(_figures(tests, prior), key=lambda figure: -figure.shortfall):
        goal = "" if figure.goal is None else f"{figure.goal[0]:g} to {figure.goal[1]:g}"
        print(f"{figure.name:52}{figure.found:9.2f}   {goal}")


def read_truth(folder: Path) -> Iterable[TruePhoto]:
    """Read the rows; a photo that needed no correction has the curve that changes nothing."""
    with (folder / "truth.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            test = row["split"] == "test"
            part = folder / ("test-originals" if test else "lens-correction-train-cleaned")
            photo, target = (
                (part / f"{row['id']}.jpg", folder / "test-targets" / f"{row['id']}.jpg")
                if test
                else (part / f"{row['id']}_original.jpg", part / f"{row['id']}_generated.jpg")
            )
            whole = (float(row["full_w"]), float(row["full_h"])) == (
                float(row["width"]),
                float(row["height"]),
            )
            curve = _UNTOUCHED if int(row["identity"]) else _curve(row)
            yield TruePhoto(photo, target, row["listing"], row["lens"], test, not whole, curve)


def _curve(row: dict[str, str]) -> LensCurve:
    """Build the correction: the profile at its strength, then the zoom."""
    size = ImageSize(int(row["width"]), int(row["height"]))
    across, along = (float(side) for side in row["aspect"].split(":"))
    calibration = Calibration(aspect_ratio=max(across, along) / min(across, along))
    profile = curve_from_lensfun(
        _MODELS[row["model"]](*json.loads(row["coef"])), size, calibration=calibration
    )
    amount = float(row["amount"])
    first, *rest = profile.factors
    factors = (1.0 + amount * (first - 1.0), *(amount * factor for factor in rest))
    return LensCurve(factors).zoomed(float(row["scale"]))


def _listings(photos: Sequence[TruePhoto]) -> list[list[TruePhoto]]:
    groups: dict[str, list[TruePhoto]] = {}
    for photo in photos:
        groups.setdefault(photo.listing, []).append(photo)
    return list(groups.values())


def _chains(path: Path) -> Chains:
    content = path.read_bytes()
    return find_chains(decode(content, read_header(content)).luma)


def _evidence(listing: Sequence[TruePhoto], prior: CurvePrior) -> list[tuple[LineEvidence, LensCurve]]:
    return [(line_evidence(_chains(photo.path), prior), photo.curve) for photo in listing]


@dataclass(frozen=True, slots=True)
class _Judged:
    """What came of one test photo, in pixels RMS over the frame.

    ``pooled`` is what was told by its own lines and those of ``siblings`` more photos.
    """

    cropped: bool
    scene_bow: float
    single: float
    pooled: float
    siblings: int
    expected: float
    bounded: bool
    snapped: float | None


def _figures(tests: Sequence[TruePhoto], prior: CurvePrior) -> list[Figure]:
    """Estimate every listing and each of its photos alone."""
    spent: dict[str, list[float]] = {"chains": [], "evidence": []}
    judged: list[_Judged] = []
    for listing in _listings(tests):
        evidence = []
        for photo in listing:
            started = time.process_time()
            chains = _chains(photo.path)
            reached = time.process_time()
            evidence.append(line_evidence(chains, prior))
            spent["chains"].append(reached - started)
            spent["evidence"].append(time.process_time() - reached)
        estimates = estimate_listing(evidence, prior)
        judged += [
            _judged(photo, own, estimate, prior)
            for photo, own, estimate in zip(listing, evidence, estimates, strict=True)
        ]
    whole = [photo for photo in judged if not photo.cropped]
    return [
        *_errors("", whole, _GOALS),
        *_errors(", straight scene", [photo for photo in whole if photo.scene_bow < _STRAIGHT_PX], _GOALS),
        *_errors(", cropped", [photo for photo in judged if photo.cropped], {}),
        *_snaps(judged),
        *_times(spent),
    ]


def _judged(photo: TruePhoto, own: LineEvidence, estimate: CurveEstimate, prior: CurvePrior) -> _Judged:
    def error(curve: LensCurve) -> float:
        return frame_rms_px(curve, photo.curve, own.size)

    single, pooled = (
        curve_of(told, prior, own.size) for told in (estimate_listing([own], prior)[0], estimate)
    )
    profile, probability = estimate.likeliest_profile(prior)
    return _Judged(
        cropped=photo.cropped,
        scene_bow=_scene_bow_px(photo, prior),
        single=error(single.curve),
        pooled=error(pooled.curve),
        siblings=estimate.siblings,
        expected=pooled.expected_px,
        bounded=error(pooled.curve) <= pooled.bound_px,
        snapped=error(prior.curve(prior.means[profile], own.size)) if probability >= _SNAP_FROM else None,
    )


def _scene_bow_px(photo: TruePhoto, prior: CurvePrior) -> float:
    """Give the RMS over the frame by which the lines of the target ask for a bend."""
    form = trusted_form(line_evidence(_chains(photo.target), prior), prior)
    bend = np.linalg.solve(form.information + _FAINTLY * np.linalg.inv(prior.pixel), form.linear)
    return float(np.sqrt(bend @ shape_metric(_PRIOR_SIZE, prior.powers) @ bend))


def _errors(kind: str, photos: Sequence[_Judged], goals: Mapping[str, Goal]) -> list[Figure]:
    """Tell the errors of photos of a kind."""
    pooled = [photo for photo in photos if photo.siblings >= _POOLED_WITH]
    figures = [Figure(f"photos{kind}", float(len(photos)))]
    if photos:
        figures += [
            *_spread(f"single{kind}", [photo.single for photo in photos], goals.get("single")),
            *_spread(f"as routed{kind}", [photo.pooled for photo in photos], None),
            *_spread(f"expected{kind}", [photo.expected for photo in photos], None),
            *_spread(f"scene's own bow{kind}", [photo.scene_bow for photo in photos], None),
            Figure(
                f"errors below their 90 % bound{kind}, %",
                100.0 * statistics.fmean(photo.bounded for photo in photos),
                goals.get("bounded"),
            ),
        ]
    if pooled:
        together, alone = [photo.pooled for photo in pooled], [photo.single for photo in pooled]
        ratio = statistics.median(together) / statistics.median(alone)
        figures += [
            Figure(f"photos pooled with 3 or more{kind}", float(len(pooled))),
            *_spread(f"pooled with 3 or more{kind}", together, goals.get("pooled")),
            Figure(f"pooled / single of the same photos{kind}, medians", ratio, goals.get("ratio")),
        ]
    return figures


def _spread(kind: str, values: Sequence[float], goal: Goal | None) -> list[Figure]:
    return [
        Figure(f"{kind}, median px RMS", statistics.median(values), goal),
        Figure(f"{kind}, 90th percentile px RMS", float(np.percentile(values, 90))),
    ]


def _snaps(judged: Sequence[_Judged]) -> list[Figure]:
    snapped = [photo.snapped for photo in judged if photo.snapped is not None]
    return [
        Figure("photos that snapped", float(len(snapped))),
        *([Figure("snapped, mean px RMS", statistics.fmean(snapped), (0.0, 0.3))] if snapped else []),
    ]


def _times(spent: dict[str, list[float]]) -> list[Figure]:
    goals = {"chains": (0.0, 150.0), "evidence": None}
    return [
        Figure(f"{part}, CPU ms per photo, median", 1000 * statistics.median(seconds), goals[part])
        for part, seconds in spent.items()
    ]


if __name__ == "__main__":
    main()
