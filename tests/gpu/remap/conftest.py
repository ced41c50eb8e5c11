from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from gpu.lens_curve import LensCurve
from gpu.radial_map import RadialMap
from gpu.remap.backend import Border, Interpolation, Plane

INTERPOLATIONS: tuple[Interpolation, ...] = ("linear", "cubic", "lanczos4")
BORDERS: tuple[Border, ...] = ("constant", "reflect", "replicate")
SIZE = ImageSize(331, 220)  # no multiple of a block, a strip or a vector register
FILL = (17, 201)


def mappings() -> dict[str, RadialMap]:
    even = LensCurve((0.98, 0.0, -0.06, 0.0, 0.09))
    return {
        "even": even.radial_map(SIZE),
        "all powers, shifted": LensCurve(
            (1.02, 0.01, -0.09, 0.03, 0.02, -0.04, 0.02), centre_shift=(0.01, -0.02)
        ).radial_map(SIZE),
        "reads far outside": LensCurve((3.3, 0.0, 0.4)).radial_map(SIZE),
        "legacy": legacy_radial_map(-0.2, 0.42, 0.0, SIZE),
        "chroma": even.radial_map(ImageSize(2 * SIZE.width, 2 * SIZE.height)).on_subsampled_plane(2, 2),
    }


@pytest.fixture(params=product(INTERPOLATIONS, BORDERS), ids="-".join)
def mode(request: pytest.FixtureRequest) -> tuple[Interpolation, Border]:
    interpolation, border = request.param
    return interpolation, border


@pytest.fixture(params=list(mappings()))
def mapping(request: pytest.FixtureRequest) -> RadialMap:
    return mappings()[request.param]


@pytest.fixture(scope="session")
def planes() -> Sequence[Plane]:
    """White noise, the hardest input there is: neighbours differ by 85 grey levels on average."""
    drawn = np.random.default_rng(7).integers(0, 256, (2, SIZE.height, SIZE.width), dtype=np.uint8)
    return list(drawn)
