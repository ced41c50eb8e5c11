"""The shortcut through several profiles gives what each profile gives alone."""

from gpu.coordinates import ImageSize
from gpu.jpeg.codec import decode_bgr
from gpu.jpeg.header import read_header
from gpu.legacy import legacy_radial_map
from gpu.metric.pixels import Pixels
from gpu.metric.profile import PROFILES
from gpu.metric.score import score_photo
from tests.bench.quality.panel import PanelJob, PanelWarp, judge_panel
from tests.pairs import corrected
from tests.photos import jpeg

SIZE = ImageSize(320, 214)


def pixels(photo: bytes) -> Pixels:
    return decode_bgr(photo, read_header(photo))


def test_every_profile_gives_the_score_that_it_gives_alone() -> None:
    original, target = jpeg(), corrected(jpeg())
    profiles = tuple(PROFILES.values())
    warp = PanelWarp(legacy_radial_map(-0.17, 0.33, 0.0, SIZE), "reflect")
    (opinion,) = judge_panel(PanelJob(original, target, (warp,), profiles))
    output = pixels(corrected(original, k1=-0.17, k2=0.33))
    alone = tuple(
        score_photo(output, pixels(original), pixels(target), profile).score for profile in profiles
    )
    assert opinion.scores == alone
    assert len(set(alone)) == 3


def test_warps_are_answered_in_their_order() -> None:
    right, weak = (
        PanelWarp(legacy_radial_map(k1, k2, 0.0, SIZE), "reflect") for k1, k2 in ((-0.18, 0.36), (-0.02, 0.0))
    )
    job = PanelJob(
        jpeg(), corrected(jpeg()), (PanelWarp(None, "reflect"), right, weak), (PROFILES["portal"],)
    )
    alone, best, worse = (opinion.scores[0] for opinion in judge_panel(job))
    assert alone == 0.0 < worse < best
