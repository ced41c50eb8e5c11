import json
from collections.abc import Callable

import pytest

from tasks.domain.methods.dim_bucket_microgrid import METHOD
from tasks.domain.methods.method import RouteOptions
from tasks.domain.schemas import LegacyWarp, PhotoRef
from tasks.domain.tables import shipped_text

PhotoOf = Callable[[int, int], PhotoRef]


@pytest.mark.parametrize(
    ("size", "k1", "k2", "route"),
    [
        ((2048, 1367), -0.178, 0.368, "bucket_standard"),
        ((2048, 1370), -0.180, 0.378, "bucket_near_standard_tall"),
        ((2048, 1366), -0.180, 0.378, "bucket_near_standard_short"),
        ((2048, 1363), -0.095, 0.195, "bucket_moderate_crop"),
        ((2048, 1356), -0.006, 0.028, "bucket_heavy_crop"),
        ((1367, 2048), -0.015, 0.045, "bucket_portrait_standard"),
        ((1366, 2048), 0.008, 0.008, "bucket_portrait_cropped"),
    ],
)
def test_a_photo_takes_the_pair_of_its_bucket(
    photo_of: PhotoOf, size: tuple[int, int], k1: float, k2: float, route: str
) -> None:
    routed = METHOD.route(photo_of(*size), RouteOptions())
    assert (routed.warp, routed.route) == (LegacyWarp(k1=k1, k2=k2, alpha=0.0), route)


def test_a_bucket_without_pair_takes_the_fallback_and_says_so(photo_of: PhotoOf) -> None:
    document = json.loads(shipped_text("dim_bucket_tuned.json"))
    document["buckets"]["standard"] = None
    routed = METHOD.route(photo_of(2048, 1367), METHOD.options(document=json.dumps(document)))
    assert routed.warp == LegacyWarp(k1=-0.17, k2=0.35)
    assert (routed.route, routed.coefficient_source) == ("global_fallback", "fallback")
    assert routed.reason == (
        "bucket standard has no pair in table dim_bucket_tuned and takes its fallback (-0.17, 0.35, alpha 0)"
    )


def test_the_tables_alpha_reaches_the_warp(photo_of: PhotoOf) -> None:
    document = json.loads(shipped_text("dim_bucket_tuned.json"))
    document["defaults"] = {"alpha": 0.1, "border": "constant"}
    routed = METHOD.route(photo_of(2048, 1367), METHOD.options(document=json.dumps(document)))
    assert (routed.warp, routed.border) == (LegacyWarp(k1=-0.178, k2=0.368, alpha=0.1), "constant")
