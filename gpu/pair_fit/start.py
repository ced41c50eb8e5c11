"""Where the fit starts: the best of a small grid of warps, judged by correlation on the coarsest level.

Gauss-Newton finds its way from one or two samples off; at 1/32 of the size that is about 40 px. Lens
corrections move corners by up to 130. The grid spans real wide-angle lenses and their inverses (a pair whose
roles are exchanged), and no corner is farther than that from one of its candidates.
"""

from collections.abc import Iterator

import numpy as np

from gpu.pair_fit.model import Array, WarpModel
from gpu.pair_fit.texture import Points, Texture, correlation

_BENDS = np.linspace(-0.20, 0.20, 11)  # factor of r^2
_ZOOMS = (-0.03, 0.0, 0.03)  # beside the zoom that keeps the circle below in place
_STILL_RADIUS = 0.55  # half the short side of a 3:2 photo, which corrections leave about where it is


def coarse_start(model: WarpModel, points: Points, original: Texture) -> Array:
    """Give the parameters of the candidate under which the two textures correlate best."""
    fields = model.fields(points.places)

    def likeness(warp: Array) -> float:
        read, inside = original.read(model.source(fields, warp))
        return correlation(read[inside], points.values[inside])

    return max(_candidates(model), key=likeness)


def _candidates(model: WarpModel) -> Iterator[Array]:
    for bend in _BENDS:
        for zoom in _ZOOMS:
            yield model.warp({0: 1.0 + zoom - bend * _STILL_RADIUS**2, 2: bend})
