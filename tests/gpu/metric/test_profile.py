from dataclasses import asdict, replace

import pytest

from gpu.metric.profile import PROFILES, MetricProfile, PartWeights, metric_profile


def test_the_portal_profile_has_the_judges_numbers() -> None:
    assert asdict(metric_profile("portal")) == {
        "name": "portal",
        "weights": {"edge": 0.40, "line": 0.22, "gradient": 0.18, "ssim": 0.15, "pixel": 0.05},
        "canny_thresholds": (50.0, 150.0),
        "edge_scales": (1.0, 0.5, 0.25),
        "edge_tolerance": 1,
        "line_rho": 1.0,
        "line_theta": 1.0,
        "line_threshold": 50,
        "line_min_length": 30.0,
        "line_max_gap": 10.0,
        "line_bins": 36,
        "line_smoothing": 1.25,
        "gradient_bins": 36,
        "gradient_dropped": 0.10,
        "ssim_window": 11,
        "ssim_sigma": 1.5,
        "ssim_k1": 0.01,
        "ssim_k2": 0.03,
        "region_side": 64,
        "region_limit": 0.45,
        "edge_minimum": 0.03,
    }


@pytest.mark.parametrize(("name", "tolerance"), [("portal_exact", 0), ("portal", 1), ("portal_loose", 2)])
def test_the_variants_differ_in_name_and_edge_tolerance_only(name: str, tolerance: int) -> None:
    assert metric_profile(name) == replace(PROFILES["portal"], name=name, edge_tolerance=tolerance)


def test_an_unknown_profile_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'portal_lose', only portal, portal_exact, portal_loose"):
        metric_profile("portal_lose")


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("canny_thresholds must rise", {"canny_thresholds": (150.0, 50.0)}),
        ("edge_scales must start at 1.0", {"edge_scales": (0.5, 1.0)}),
        ("edge_scales must start at 1.0", {"edge_scales": ()}),
        ("edge_scales must start at 1.0", {"edge_scales": (1.0, 1.5)}),
        ("edge_tolerance must be 0", {"edge_tolerance": -1}),
        ("constants must be positive", {"ssim_k1": 0.0}),
        ("line_min_length and", {"line_max_gap": -1.0}),
        ("2 bins", {"line_bins": 1}),
        ("gradient_dropped must", {"gradient_dropped": 1.0}),
        ("ssim_window must be odd", {"ssim_window": 10}),
        ("region_side must", {"region_side": 0}),
    ],
)
def test_a_number_that_means_nothing_is_refused_by_its_field(rule: str, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=rule):
        MetricProfile(**{"name": "odd", **change})  # type: ignore[arg-type]


def test_every_broken_rule_of_a_profile_is_named_at_once() -> None:
    with pytest.raises(ValueError, match=r"edge_tolerance .*; region_side "):
        MetricProfile(name="odd", edge_tolerance=-1, region_side=0)


@pytest.mark.parametrize("edge", [-0.1, float("nan"), float("inf")])
def test_a_weight_that_is_negative_or_not_finite_is_refused(edge: float) -> None:
    with pytest.raises(ValueError, match="weights must be finite"):
        PartWeights(edge=edge)


def test_weights_that_are_all_zero_are_refused() -> None:
    with pytest.raises(ValueError, match="one above 0"):
        PartWeights(edge=0.0, line=0.0, gradient=0.0, ssim=0.0, pixel=0.0)
