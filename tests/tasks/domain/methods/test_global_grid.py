from collections.abc import Callable

import pytest

from tasks.domain.coefficients import CoefficientPair
from tasks.domain.errors import UnusableWarpError
from tasks.domain.methods.global_grid import METHOD, table_of_pair
from tasks.domain.methods.method import RouteOptions
from tasks.domain.schemas import IdentityWarp, LegacyWarp, PhotoRef

PhotoOf = Callable[[int, int], PhotoRef]


@pytest.mark.parametrize("size", [(2048, 1367), (2048, 1536), (1367, 2048), (1152, 2048), (640, 480)])
def test_every_photo_takes_the_seed_pair(photo_of: PhotoOf, size: tuple[int, int]) -> None:
    routed = METHOD.route(photo_of(*size), RouteOptions())
    assert routed.warp == LegacyWarp(k1=-0.17, k2=0.35, alpha=0.0)
    assert routed.route == "global"


def test_a_pair_given_to_the_run_replaces_the_seed(photo_of: PhotoOf) -> None:
    options = RouteOptions(table=table_of_pair(CoefficientPair(k1=-0.2195, k2=0.4486)))
    assert METHOD.route(photo_of(2048, 1367), options).warp == LegacyWarp(k1=-0.2195, k2=0.4486)


def test_a_pair_of_zeros_given_to_the_run_leaves_photos_untouched(photo_of: PhotoOf) -> None:
    options = RouteOptions(table=table_of_pair(CoefficientPair(k1=0, k2=0)))
    assert METHOD.route(photo_of(2048, 1367), options).warp == IdentityWarp()


def test_a_pair_that_folds_fails_the_photo_with_a_sentence(photo_of: PhotoOf) -> None:
    options = RouteOptions(table=table_of_pair(CoefficientPair(k1=-3, k2=0)))
    with pytest.raises(UnusableWarpError, match="k1=-3, k2=0 folds the map of a photo of 2048x1367"):
        METHOD.route(photo_of(2048, 1367), options)
