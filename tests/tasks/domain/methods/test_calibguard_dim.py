import json
from collections.abc import Callable

import pytest

from tasks.domain.methods.calibguard_dim import METHOD
from tasks.domain.schemas import IdentityWarp, LegacyWarp, PhotoRef
from tasks.domain.tables import shipped_text

PhotoOf = Callable[[int, int], PhotoRef]


@pytest.mark.parametrize(
    ("variant", "size", "k1", "k2", "route"),
    [
        ("safe", (2048, 1367), -0.14, 0.29, "dim_safe"),
        ("balanced", (2048, 1367), -0.205, 0.42, "dim_primary"),
        ("aggressive", (2048, 1367), -0.205, 0.42, "dim_primary"),
        ("balanced", (2048, 1362), -0.05, 0.11, "dim_safe_guardrail"),
        ("safe", (2048, 1370), -0.165, 0.340, "parent_safe"),
        ("balanced", (2048, 1370), -0.170, 0.350, "parent_primary"),
        ("balanced", (2048, 1536), -0.002, 0.005, "parent_safe"),
    ],
)
def test_a_photo_takes_the_row_that_routing_chose(
    photo_of: PhotoOf, variant: str, size: tuple[int, int], k1: float, k2: float, route: str
) -> None:
    routed = METHOD.route(photo_of(*size), METHOD.options(variant=variant))
    assert (routed.warp, routed.route) == (LegacyWarp(k1=k1, k2=k2, alpha=0.0), route)


def test_the_safe_row_of_cropped_portraits_leaves_the_photo_untouched(photo_of: PhotoOf) -> None:
    routed = METHOD.route(photo_of(1100, 2048), METHOD.options())
    assert (routed.warp, routed.route) == (IdentityWarp(), "parent_safe")


def test_a_photo_of_the_global_fallback_records_it_as_its_source(photo_of: PhotoOf) -> None:
    document = json.loads(shipped_text("calibguard_dim.json"))
    document["parents"]["portrait_cropped"] = None
    routed = METHOD.route(photo_of(1100, 2048), METHOD.options(document=json.dumps(document)))
    assert (routed.route, routed.coefficient_source) == ("global_fallback", "fallback")
    assert routed.warp == LegacyWarp(k1=-0.17, k2=0.35)


def test_the_interpolation_of_a_row_reaches_the_photo(photo_of: PhotoOf) -> None:
    document = json.loads(shipped_text("calibguard_dim.json"))
    document["dimensions"]["2048x1367"] |= {"interpolation": "lanczos4", "border": "replicate"}
    options = METHOD.options(document=json.dumps(document))
    routed = METHOD.route(photo_of(2048, 1367), options)
    assert (routed.interpolation, routed.border) == ("lanczos4", "replicate")


def test_the_reasons_that_force_the_safe_row_are_recorded_under_every_profile(photo_of: PhotoOf) -> None:
    rare = photo_of(2048, 1359)  # 3 test photos
    reasons = {METHOD.route(rare, METHOD.options(variant=profile)).guardrails for profile in METHOD.variants}
    assert len(reasons) == 1
    assert "3 test photos" in "; ".join(reasons.pop())
