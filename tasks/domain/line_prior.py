"""What an atlas says of lenses before a photo's lines are looked at; kept, since every photo asks for it.

Profiles count by how often listings met them; for a listing, by how likely its photos' size makes them. What
a lens may be that no listing met is led by the lenses of the shipped atlas, which stand for five listings.
"""

from contextlib import suppress
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Final

from gpu.curve_space import FRAME
from gpu.errors import LensModelError
from gpu.lens_curve import LensCurve
from gpu.plumb_line.learning import learn_prior, with_counts
from gpu.plumb_line.likely_curves import LikelyCurves, likely_curves
from gpu.plumb_line.prior import CurvePrior, LineTrust
from tasks.domain.atlas import LED_BY, LensAtlas, LineRule, profile_weights, size_of_dimension
from tasks.domain.errors import UnusableWarpError
from tasks.domain.shipped_atlas import shipped_atlas

_KEPT_ATLASES: Final = 8
_KEPT_SIZES: Final = 256
_UNSEEN: Final = 0.3  # least probability that a lens is none of the profiles


@lru_cache(maxsize=_KEPT_ATLASES)
def line_prior(atlas: LensAtlas) -> CurvePrior:
    """Give the prior for a photo of any size."""
    listings, shipped = atlas.everything.listings, _curves(shipped_atlas())
    return learn_prior(
        list(_curves(atlas).values()),
        FRAME,
        others=[(curve, LED_BY / len(shipped)) for curve, _ in shipped.values()] if listings else (),
        unseen=max(_UNSEEN, LED_BY / (listings + LED_BY)) if listings else _UNSEEN,
        surplus=atlas.zoom_rule.surplus,
        surplus_sigma=atlas.zoom_rule.sigma,
        trust=LineTrust(**atlas.line_rule.model_dump(exclude={"photos"})),
    )


@lru_cache(maxsize=_KEPT_SIZES)
def line_prior_of(atlas: LensAtlas, dimension: str) -> CurvePrior:
    """Give the prior for photos of a size such as ``2048x1367``."""
    shares = profile_weights(atlas, size_of_dimension(dimension))
    curves = [(curve, shares[name]) for name, (curve, _) in _curves(atlas).items()]
    return with_counts(line_prior(atlas), curves, FRAME)


@lru_cache(maxsize=_KEPT_ATLASES)
def likely_curves_of(atlas: LensAtlas) -> LikelyCurves:
    """Give the curves that the prior's components stand for, of a photo of the frame."""
    return likely_curves(line_prior(atlas), FRAME)


def line_rule_of(trust: LineTrust, *, photos: int) -> LineRule:
    """Write down what so many photos taught of lines."""
    return LineRule(
        **asdict(replace(trust, width=round(trust.width, 4), pooled_width=round(trust.pooled_width, 4))),
        photos=photos,
    )


def _curves(atlas: LensAtlas) -> dict[str, tuple[LensCurve, float]]:
    """Give each profile's curve, and how many listings met it; where none met any, all are equally likely.

    Raises:
        UnusableWarpError: No profile has a curve at the frame, or none that was met has one.
    """
    met = {profile.name: sum(size.listings for size in profile.sizes.values()) for profile in atlas.profiles}
    found = {}
    for profile in atlas.profiles:
        with suppress(LensModelError):
            found[profile.name] = (profile.curve.at(FRAME), float(met[profile.name]))
    if not any(met.values()):
        found = {name: (curve, 1.0) for name, (curve, _) in found.items()}
    found = {name: (curve, count) for name, (curve, count) in found.items() if count}
    if not found:
        raise UnusableWarpError(f"no lens profile of atlas {atlas.name} that was met has a curve at {FRAME}")
    return found
