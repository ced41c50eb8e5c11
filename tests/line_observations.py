"""What lines of photos say, as observations: straight lines seen through known lenses, no pictures."""

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.plumb_line.chains import Chains
from gpu.plumb_line.evidence import line_evidence
from gpu.plumb_line.guards import long_lines
from gpu.plumb_line.looking import LensClues
from gpu.plumb_line.shape import EVEN_POWERS, from_lens_curve
from tasks.domain.atlas import LensAtlas
from tasks.domain.estimators.plumb_line import lines_found
from tasks.domain.line_prior import line_prior
from tasks.domain.observations import Observation
from tests.straight_lines import chains_through

SIZE = ImageSize(2048, 1367)


def seen_through(curve: LensCurve, *, count: int = 40, seed: int = 0, size: ImageSize = SIZE) -> Chains:
    """Chains of a photo that a lens took."""
    theta, _ = from_lens_curve(curve, size, EVEN_POWERS)
    return chains_through(theta, count=count, seed=seed, size=size, bow=0.5)


def observed_lines(photo_id: str, chains: Chains, atlas: LensAtlas) -> Observation:
    """Observe them on a photo of this id, as a worker does."""
    lines = long_lines(chains)
    clues = LensClues(None, line_evidence(chains, line_prior(atlas)), lines)
    return Observation(photo_id=photo_id, lines=lines_found(clues))
