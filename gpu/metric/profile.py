"""Every number of the judge's metric, as frozen records with names.

The judge published the parts and their weights, not its thresholds. A conclusion must therefore hold under
all three edge tolerances, and evidence must name the profile it was scored with: two profiles are two
judges. Two things are no field: Canny and Sobel use their smallest aperture, 3x3, and samples are 8 bit.
Nothing is measured here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import fsum
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class PartWeights:
    """Share of each part in the similarity; published by the judge. Only their ratios count."""

    edge: float = 0.40
    line: float = 0.22
    gradient: float = 0.18
    ssim: float = 0.15
    pixel: float = 0.05

    def __post_init__(self) -> None:
        values = (self.edge, self.line, self.gradient, self.ssim, self.pixel)
        if not (min(values) >= 0.0 and 0.0 < fsum(values) < float("inf")):
            raise ValueError(f"weights must be finite, none negative and one above 0, got {self!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricProfile:
    """One complete definition of the metric; the defaults are the profile ``portal``.

    Attributes:
        name: As evidence names it.
        weights: Of the five parts.
        canny_thresholds: Lower and upper, in grey levels of the L1 gradient; edges and lines share them.
        edge_scales: Sizes at which edges are compared, the full size (1.0) first; lines are sought there.
        edge_tolerance: Pixels, along both axes and at each scale, by which an edge may miss its partner.
        line_rho: Distance step of the Hough accumulator in pixels.
        line_theta: Its angle step in degrees.
        line_threshold: Votes a line needs.
        line_min_length: Shortest segment in pixels.
        line_max_gap: Widest gap in pixels that a segment bridges.
        line_bins: Bins over 180 degrees.
        line_smoothing: Sigma, in bins, of the circular Gaussian over them.
        gradient_bins: Bins over 180 degrees.
        gradient_dropped: Share of the pixels, those with the least gradients, that is left out.
        ssim_window: Side of the Gaussian window in pixels, odd.
        ssim_sigma: Its sigma in pixels.
        ssim_k1: Constant that steadies the comparison of means (Wang et al., 2004).
        ssim_k2: Constant that steadies the comparison of variances.
        region_side: Side in pixels of the box whose mean difference can fail a photo.
        region_limit: A mean difference above it (0..1) is a hard fail.
        edge_minimum: An edge similarity below it is a hard fail.
    """

    name: str
    weights: PartWeights = PartWeights()
    canny_thresholds: tuple[float, float] = (50.0, 150.0)
    edge_scales: tuple[float, ...] = (1.0, 0.5, 0.25)
    edge_tolerance: int = 1
    line_rho: float = 1.0
    line_theta: float = 1.0
    line_threshold: int = 50
    line_min_length: float = 30.0
    line_max_gap: float = 10.0
    line_bins: int = 36
    line_smoothing: float = 1.25
    gradient_bins: int = 36
    gradient_dropped: float = 0.10
    ssim_window: int = 11
    ssim_sigma: float = 1.5
    ssim_k1: float = 0.01
    ssim_k2: float = 0.03
    region_side: int = 64
    region_limit: float = 0.45
    edge_minimum: float = 0.03

    def __post_init__(self) -> None:
        problems = [rule for rule, holds in self._rules().items() if not holds]
        if problems:
            raise ValueError(f"metric profile {self.name!r}: {'; '.join(problems)}; got {self!r}")

    def _rules(self) -> dict[str, bool]:
        low, high = self.canny_thresholds
        positive = (
            self.line_rho,
            self.line_theta,
            self.line_threshold,
            self.line_smoothing,
            self.ssim_sigma,
            self.ssim_k1,
            self.ssim_k2,
        )
        return {
            "canny_thresholds must rise from 0 or more": 0.0 <= low <= high,
            "edge_scales must start at 1.0 and lie within 0..1": self.edge_scales[:1] == (1.0,)
            and all(0.0 < scale <= 1.0 for scale in self.edge_scales),
            "edge_tolerance must be 0 or more": self.edge_tolerance >= 0,
            "line steps and threshold, sigmas and constants must be positive": min(positive) > 0,
            "line_min_length and line_max_gap must be 0 or more": min(self.line_min_length, self.line_max_gap)
            >= 0.0,
            "histograms need 2 bins or more": min(self.line_bins, self.gradient_bins) >= 2,
            "gradient_dropped must lie within 0..1, 1 excluded": 0.0 <= self.gradient_dropped < 1.0,
            "ssim_window must be odd": self.ssim_window >= 1 and self.ssim_window % 2 == 1,
            "region_side must be 1 or more": self.region_side >= 1,
        }


_PORTAL = MetricProfile(name="portal")

PROFILES: Mapping[str, MetricProfile] = MappingProxyType(
    {
        "portal": _PORTAL,
        "portal_exact": replace(_PORTAL, name="portal_exact", edge_tolerance=0),
        "portal_loose": replace(_PORTAL, name="portal_loose", edge_tolerance=2),
    }
)


def metric_profile(name: str) -> MetricProfile:
    """Give the profile of that name.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    if name not in PROFILES:
        raise ValueError(f"there is no metric profile {name!r}, only {', '.join(PROFILES)}")
    return PROFILES[name]
