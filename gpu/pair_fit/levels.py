"""The pyramid of a pair: on each level the original's texture and the steep points of the target's."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpu.pair_fit.gauss_newton import Descent, descend
from gpu.pair_fit.luma import Luma
from gpu.pair_fit.model import Array, WarpModel
from gpu.pair_fit.texture import Points, Texture, texture_of

_COARSEST_SIDE = 40  # samples: with fewer there is too little to tell the candidates of the start apart


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One level of both photos; ``points`` are the target's."""

    original: Texture
    points: Points


def pyramid(original: Luma, target: Luma) -> list[Level]:
    """Give the levels from coarse to fine; each has half the samples a side of the next."""
    levels = [Level(texture_of(original), texture_of(target).steep_points())]
    while min(original.samples.shape) >= 2 * _COARSEST_SIDE:
        original, target = original.halved(), target.halved()
        levels.append(Level(texture_of(original), texture_of(target).steep_points()))
    return levels[::-1]


def descend_all(model: WarpModel, levels: Sequence[Level], start: Array) -> list[Descent]:
    """Fit level by level, each from the end of the one before."""
    descents = []
    for level in levels:
        descents.append(descend(model, level.points, level.original, start))
        start = descents[-1].parameters
    return descents
