"""Straight lines seen through a known lens curve, as measured chains and as drawn photos; deterministic."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.plumb_line.chains import Chains
from gpu.plumb_line.edge_places import BINS
from gpu.plumb_line.learning import learn_prior
from gpu.plumb_line.prior import CurvePrior
from gpu.plumb_line.shape import EVEN_POWERS, to_lens_curve, undistort

Array = NDArray[np.float64]

SIZE: Final = ImageSize(1200, 800)
WIDE: Final = np.array([-0.12, 0.05, -0.01])
"""A strong barrel of a wide-angle lens."""
_BOWS_PX = np.array([0.225, 0.165, 0.14, 0.125]) * SIZE.half_diagonal / 1231
_BARRELS = (0.0, 0.02, 0.05, 0.08, 0.1, 0.12, 0.15, 0.2)
_MUSTACHES = (0.2, 0.45, 0.7)


def lens_curves() -> list[tuple[LensCurve, float]]:
    """Curves of 24 made-up lenses, each zoomed to fill the frame."""
    curves = []
    for barrel in _BARRELS:
        for mustache in _MUSTACHES:
            theta = np.array([-barrel, mustache * barrel, -0.2 * mustache * barrel])
            curves.append((filled(theta), 1.0))
    return curves


def filled(theta: Array, size: ImageSize = SIZE) -> LensCurve:
    """The curve whose zoom just fills the frame."""
    border = np.linspace(size.short_side / 2 / size.half_diagonal, 1.0, 200)
    reached, _, _ = undistort(theta, border, EVEN_POWERS)
    return to_lens_curve(theta, float((reached / border).min()), EVEN_POWERS)


def prior(*, unseen: float = 0.5) -> CurvePrior:
    """What is known when the 24 lenses are."""
    return learn_prior(lens_curves(), SIZE, unseen=unseen)


def bend(prior: CurvePrior) -> Array:
    """1 px as the prior's mean bends: how a scene is bowed."""
    mean = prior.mixture.mean
    return np.asarray(mean / np.sqrt(mean @ prior.metric @ mean))


def chains_through(
    theta: Array, *, count: int = 40, seed: int = 0, bow: float = 1.0, size: ImageSize = SIZE
) -> Chains:
    """Chains of random straight lines, each with a bow of its own and white noise of 0.1 px on its places.

    A bow of 1 is what the likelihood foretells of the world: 0.13 px of P2 at 1200x800, Gaussian.
    """
    rng = np.random.default_rng([seed, count])
    reach = np.array([size.width, size.height]) / 2 / size.half_diagonal
    places: list[Array] = []
    while len(places) < count:
        ends = rng.uniform(-reach, reach, (2, 2))
        if np.hypot(*(ends[1] - ends[0])) < 0.25:
            continue
        t = np.linspace(-1.0, 1.0, BINS)
        line = ends.mean(axis=0) + np.outer(t, (ends[1] - ends[0]) / 2)
        shown = distorted(line, theta)
        normal = (ends[1] - ends[0])[::-1] * (-1.0, 1.0) / np.hypot(*(ends[1] - ends[0]))
        bends = np.concatenate([[0.0, 0.0], bow * _BOWS_PX * rng.standard_normal(4)])
        off = 0.1 * rng.standard_normal(BINS) + np.polynomial.legendre.legval(t, bends)
        places.append(shown + np.outer(off / size.half_diagonal, normal))
    sigma = np.full(count, 0.1 / size.half_diagonal)
    return Chains(np.array(places).reshape(-1, BINS, 2), np.ones((count, BINS), bool), sigma, size)


def distorted(places: Array, theta: Array) -> Array:
    """Where the lens shows places of the straight world, all in half diagonals."""
    radii = np.hypot(*places.T)
    growth = 1.0 + sum(a * radii**n for a, n in zip(theta, EVEN_POWERS, strict=True))
    return np.asarray(places * growth[:, None])


def draw(lines: Array, theta: Array, *, size: ImageSize = SIZE, border: int = 0) -> NDArray[np.uint8]:
    """Draw dark bars along straight lines, (N, 2, 2) ends in half diagonals, through the lens.

    ``border`` is the width in pixels of a speckled white frame round the photo.
    """
    picture = np.full((size.height, size.width), 170, np.uint8)
    centre = (np.array([size.width, size.height]) - 1) / 2
    for start, end in lines:
        line = start + np.linspace(0.0, 1.0, 200)[:, None] * (end - start)
        pixels = distorted(line, theta) * size.half_diagonal + centre
        cv2.polylines(picture, [np.round(pixels * 64).astype(np.int32)], False, 60, 9, cv2.LINE_AA, shift=6)
    noise = np.random.default_rng(0).normal(0.0, 1.5, picture.shape)
    picture = np.clip(cv2.GaussianBlur(picture, (0, 0), 0.7) + noise, 0, 255).astype(np.uint8)
    if border:
        frame = np.zeros_like(picture)
        cv2.rectangle(frame, (0, 0), (size.width - 1, size.height - 1), 1, 2 * border - 1)
        paper = np.random.default_rng(1).integers(225, 256, picture.shape, np.uint8)
        picture = np.where(frame > 0, paper, picture)
    return picture


def letterboxed(picture: NDArray[np.uint8], *, bar: int) -> NDArray[np.uint8]:
    """Lay black bars over the top and the bottom, this many pixels high."""
    boxed = picture.copy()
    boxed[:bar] = boxed[-bar:] = 12
    return boxed


def grid_of_lines() -> Array:
    """Lines of a room seen straight on: seven across and nine down, all over the frame."""
    across = [[[-0.78, v], [0.78, v]] for v in np.linspace(-0.5, 0.5, 7)]
    down = [[[u, -0.5], [u, 0.5]] for u in np.linspace(-0.75, 0.75, 9)]
    return np.array(across + down)
