"""Measures the plumb-line method on rendered listings whose warps are known: one row a figure, worst first.

Run as ``python -m tests.bench.plumb_line FOLDER [--known]``. The folder has ``test-originals/``,
``lens-correction-train-cleaned/`` and a ``truth.csv`` with a row for each photo: its listing, split, size,
crop, Lensfun model and coefficients, the strength and the zoom of the correction. The prior and how far
lines are to be trusted are learned from the training rows; test photos are judged, cropped ones apart.
Lenses of the test photos are left out of the prior; ``--known`` leaves them in.
"""

import argparse
import csv
import json
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import decode
from gpu.jpeg.header import read_header
from gpu.lens_curve import LensCurve
from gpu.lensfun import Calibration, Poly3, Poly5, PtLens, curve_from_lensfun
from gpu.plumb_line.chains import Chains, find_chains
from gpu.plumb_line.estimate import CurveEstimate, curve_of, estimate_listing
from gpu.plumb_line.evidence import LineEvidence, line_evidence
from gpu.plumb_line.learning import learn_prior
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.shape import frame_rms_px
from gpu.plumb_line.trust import with_learned_trust

_MODELS = {"ptlens": PtLens, "poly3": Poly3, "poly5": Poly5}
_TRUST_LISTINGS = 40
_SNAP_FROM = 0.8
_PRIOR_SIZE = ImageSize(2048, 1367)


@dataclass(frozen=True, slots=True)
class TruePhoto:
    """One row of the truth: where the photo lies, and the exact curve of its correction."""

    path: Path
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
    goal: tuple[float, float] | None = None

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
    photos = list(read_truth(arguments.folder))
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
            name = f"{row['id']}.jpg" if test else f"{row['id']}_original.jpg"
            part = "test-originals" if test else "lens-correction-train-cleaned"
            whole = (float(row["full_w"]), float(row["full_h"])) == (
                float(row["width"]),
                float(row["height"]),
            )
            curve = LensCurve((1.0,)) if int(row["identity"]) else _curve(row)
            yield TruePhoto(folder / part / name, row["listing"], row["lens"], test, not whole, curve)


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


def _chains(photo: TruePhoto) -> Chains:
    content = photo.path.read_bytes()
    return find_chains(decode(content, read_header(content)).luma)


def _evidence(listing: Sequence[TruePhoto], prior: CurvePrior) -> list[tuple[LineEvidence, LensCurve]]:
    return [(line_evidence(_chains(photo), prior), photo.curve) for photo in listing]


def _figures(tests: Sequence[TruePhoto], prior: CurvePrior) -> list[Figure]:
    """Estimate every listing and each of its photos alone."""
    spent: dict[str, list[float]] = {"chains": [], "evidence": []}
    errors: dict[str, list[float]] = {}
    kept: dict[str, list[bool]] = {}
    for listing in _listings(tests):
        evidence = []
        for photo in listing:
            started = time.process_time()
            chains = _chains(photo)
            reached = time.process_time()
            evidence.append(line_evidence(chains, prior))
            spent["chains"].append(reached - started)
            spent["evidence"].append(time.process_time() - reached)
        pooled = estimate_listing(evidence, prior)
        for photo, own, estimate in zip(listing, evidence, pooled, strict=True):
            size = own.size
            alone = estimate_listing([own], prior)[0]
            for way, told in (("single", alone), *((("pooled", estimate),) if len(listing) > 1 else ())):
                kind = f"{way}, cropped" if photo.cropped else way
                found = curve_of(told, prior, size)
                error = frame_rms_px(found.curve, photo.curve, size)
                errors.setdefault(kind, []).append(error)
                kept.setdefault(kind, []).append(error <= found.bound_px)
                errors.setdefault(f"{way}, expected", []).append(found.expected_px)
            _note_snap(errors, estimate, photo, prior, size)
    return [*_error_figures(errors), *_coverages(kept), *_times(spent)]


def _note_snap(
    errors: dict[str, list[float]],
    estimate: CurveEstimate,
    photo: TruePhoto,
    prior: CurvePrior,
    size: ImageSize,
) -> None:
    profile, probability = estimate.likeliest_profile(prior)
    if probability >= _SNAP_FROM:
        curve = prior.curve(prior.means[profile], size)
        errors.setdefault("snapped", []).append(frame_rms_px(curve, photo.curve, size))


def _error_figures(errors: dict[str, list[float]]) -> list[Figure]:
    goals = {"single": (0.0, 1.2), "pooled": (0.0, 0.5)}
    figures = [Figure("snapped photos", float(len(errors.get("snapped", []))))]
    for kind, values in errors.items():
        if kind == "snapped":
            figures.append(Figure("snapped, mean px RMS", statistics.fmean(values), (0.0, 0.3)))
            continue
        figures.append(Figure(f"{kind}, median px RMS", statistics.median(values), goals.get(kind)))
        figures.append(Figure(f"{kind}, 90th percentile px RMS", float(np.percentile(values, 90))))
    if "pooled" in errors:
        ratio = statistics.median(errors["pooled"]) / statistics.median(errors["single"])
        figures.append(Figure("pooled / single, medians", ratio, (0.0, 0.55)))
    return figures


def _coverages(kept: dict[str, list[bool]]) -> list[Figure]:
    return [
        Figure(
            f"{kind}, % of errors below their 90 % bound",
            100.0 * statistics.fmean(map(float, inside)),
            (85, 95),
        )
        for kind, inside in kept.items()
    ]


def _times(spent: dict[str, list[float]]) -> list[Figure]:
    goals = {"chains": (0.0, 150.0), "evidence": None}
    return [
        Figure(f"{part}, CPU ms per photo, median", 1000 * statistics.median(seconds), goals[part])
        for part, seconds in spent.items()
    ]


if __name__ == "__main__":
    main()
