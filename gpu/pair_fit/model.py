"""The equations of the pair fit, all in one place: warps, their derivatives, their distance in pixels.

A warp tells where each place x of the corrected photo is read in the original. With c the photo's centre and
U half its diagonal, ``q = (x - c) / U`` and ``r = |q|``, it is a sum of fixed vector fields:

    src(x) = c + U phi(q) p        phi(q): 2 x K, one field a column;  p: K parameters, linear

    curve        q r^n for the chosen powers n, and (1, 0), (0, 1): the lens curve with its shift of the axis
    edits        (u, -v), (v, u), (-v, u): stretch, shear, turn;  u q, v q: perspective
    decentring   (r^2 + 2 u^2, 2 u v), (2 u v, r^2 + 2 v^2): the axis off the centre of *both* photos,
                 to first order; Brown's tangential terms

Only the curve is ever rendered; the other fields ask whether a pair needs more than a curve.

Linear parameters make distances quadratic. For two warps, averaged over the frame,

    mean |src'(x) - src(x)|^2 = (p' - p)^T M (p' - p),    M = U^2 mean phi^T phi    (px^2)

so M turns a step, a displacement and, as ``trace(C M)``, a covariance into pixels.

Texture T of the corrected photo and O of the original agree where ``O(src(x)) = T(x)``. To first order
``O(src) - T + g^T U phi dp = 0`` with g the gradient of O at src: one row ``J = U g^T phi`` for each sample.

Source:
    Brown, "Decentering distortion of lenses", Photogrammetric Engineering 32(3), 1966: the last two fields.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve

Array = NDArray[np.float64]

# Those of PTLens, the commonest model of the Lensfun database. On 1500 photos with lenses of it the powers
# 0, 2, 4, 6 leave 0.13 px RMS in the median and 1.07 at worst, these none; on Brown's r^2, r^4, r^6 these
# leave 0.03 and 0.13. A fifth power would serve both.
LENSFUN_POWERS = (0, 1, 2, 3)
_EDITS, _DECENTRING = 5, 2
_FRAME_CELLS = 48


@dataclass(frozen=True, slots=True)
class WarpModel:
    """The fields that warps of one photo size are made of.

    Attributes:
        size: Of both photos.
        powers: Of r, for the curve; 0 among them.
        edited: Whether the fields of edits and decentring follow those of the curve.
    """

    size: ImageSize
    powers: tuple[int, ...] = LENSFUN_POWERS
    edited: bool = False

    @property
    def curve_fields(self) -> int:
        """How many of the fields, the first ones, belong to the curve and its shift."""
        return len(self.powers) + 2

    @property
    def edits(self) -> slice:
        """The fields of stretch, shear, turn and perspective."""
        return slice(self.curve_fields, self.curve_fields + _EDITS)

    @property
    def decentring(self) -> slice:
        """The fields of decentring."""
        return slice(self.edits.stop, self.edits.stop + _DECENTRING)

    def warp(self, factors: dict[int, float]) -> Array:
        """Give the parameters of a centred curve from its factors by power; ``{0: 1.0}`` changes nothing."""
        parameters = np.zeros(self.decentring.stop if self.edited else self.curve_fields)
        for power, factor in factors.items():
            parameters[self.powers.index(power)] = factor
        return parameters

    def fields(self, places: Array) -> Array:
        """Give ``U phi`` at (N, 2) places in pixels: (2, N, K), in pixels per unit of the parameters."""
        u, v = (places - self._centre).T / self.size.half_diagonal
        r = np.hypot(u, v)
        fields = np.zeros((2, len(u), self.decentring.stop if self.edited else self.curve_fields))
        for field, power in enumerate(self.powers):
            growth = r**power
            fields[0, :, field], fields[1, :, field] = u * growth, v * growth
        fields[0, :, len(self.powers)] = fields[1, :, len(self.powers) + 1] = 1.0
        if self.edited:
            uu, uv, vv = u * u, u * v, v * v
            fields[0, :, self.edits.start :] = np.stack([u, v, -v, uu, uv, 3 * uu + vv, 2 * uv], axis=-1)
            fields[1, :, self.edits.start :] = np.stack([-v, u, u, uv, vv, 2 * uv, uu + 3 * vv], axis=-1)
        return self.size.half_diagonal * fields

    def source(self, fields: Array, parameters: Array) -> Array:
        """Give ``src`` in pixels: (2, N)."""
        return self._centre[:, None] + fields @ parameters

    def frame_metric(self) -> Array:
        """Give M: (K, K), in square pixels; not to be written to."""
        return _frame_metric(self)

    def curve(self, parameters: Array) -> LensCurve:
        """Write the fields of the curve as a lens curve, exactly."""
        factors = [0.0] * (max(self.powers) + 1)
        for power, factor in zip(self.powers, parameters, strict=False):
            factors[power] = float(factor)
        u, v = parameters[len(self.powers) : self.curve_fields]
        return LensCurve(tuple(factors), (float(u), float(v)))

    @property
    def _centre(self) -> Array:
        return np.array([(self.size.width - 1) / 2, (self.size.height - 1) / 2])


def frame_places(size: ImageSize) -> Array:
    """Give the centres of an even grid of cells over the frame: (N, 2) in pixels."""
    cells = (np.arange(_FRAME_CELLS) + 0.5) / _FRAME_CELLS
    u, v = np.meshgrid(cells * size.width - 0.5, cells * size.height - 0.5)
    return np.stack([u.ravel(), v.ravel()], axis=1)


@lru_cache(maxsize=64)
def _frame_metric(model: WarpModel) -> Array:
    fields = model.fields(frame_places(model.size))
    return np.asarray(np.einsum("ink,inl->kl", fields, fields) / fields.shape[1])


def frame_rms(metric: Array, difference: Array) -> float:
    """Give the RMS distance of two warps over the frame in pixels, from their parameters' difference."""
    return float(np.sqrt(max(float(difference @ metric @ difference), 0.0)))
