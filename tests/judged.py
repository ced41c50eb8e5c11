"""A test set whose perfect correction is known, a portal that scores against it, tables near and far."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from gpu.render import RenderJob, render_photo
from tests.photos import jpeg
from tests.running_portal import RunningPortal, running_portal

TRUTH: Final = (-0.20, 0.42)
"""(k1, k2) of every photo's lens."""
FAR: Final = (-0.10, 0.21)
NEAR: Final = (-0.18, 0.38)
NEARER: Final = (-0.19, 0.40)
TEAM: Final = {
    "CALIBGUARD_BOUNTY_TEAM_NAME": "team",
    "CALIBGUARD_BOUNTY_EMAIL": "team@example.org",
    "CALIBGUARD_BOUNTY_KAGGLE_USERNAME": "kaggler",
    "CALIBGUARD_BOUNTY_GITHUB_REPO": "https://example.org/repo",
}


def target_set(folder: Path, ids: Iterable[str], *, width: int = 320, height: int = 214) -> Path:
    """Write originals and their perfect corrections in the layout of the data root."""
    for name in ("test-originals", "test-targets"):
        (folder / name).mkdir(parents=True)
    mapping = legacy_radial_map(*TRUTH, 0.0, ImageSize(width, height))
    for number, photo_id in enumerate(ids):
        original = jpeg(width, height, seed=number)
        job = RenderJob(
            photo=original,
            mapping=mapping,
            interpolation="cubic",
            border="reflect",
            quality=95,
            backend="opencv",
        )
        (folder / "test-originals" / f"{photo_id}.jpg").write_bytes(original)
        (folder / "test-targets" / f"{photo_id}.jpg").write_bytes(render_photo(job).jpeg)
    return folder


@contextmanager
def judging(
    targets: Path,
    state: Path,
    *,
    scorer: str = "portal",
    port: int = 0,
    token_file: Path | None = None,
    log: Path | None = None,
) -> Iterator[RunningPortal]:
    """Run our own portal over a target set."""
    arguments = {
        "targets": targets,
        "state": state,
        "scorer": f"tasks.portal_scorer:{scorer}",
        "metric-profile": scorer,
        "port": port,
        "token-file": token_file,
        "processes": 2,
    }
    given = [f"--{name}={value}" for name, value in arguments.items() if value is not None]
    with running_portal(*given, log=log) as running:
        yield running


def pair_table(folder: Path, pair: tuple[float, float]) -> Path:
    """Write a table of method ``global_grid``: one pair for all photos."""
    return _written(folder, "pair", pair, {"pair": _pair(pair)})


def bucket_table(folder: Path, pair: tuple[float, float]) -> Path:
    """Write a table of method ``dim_bucket_microgrid`` with one pair in all buckets."""
    buckets = ("standard", "near_standard_tall", "near_standard_short", "moderate_crop", "heavy_crop")
    more = ("portrait_standard", "portrait_cropped")
    every = {bucket: _pair(pair) for bucket in (*buckets, *more)}
    return _written(folder, "buckets", pair, {"buckets": every, "fallback": _pair(pair)})


def _pair(pair: tuple[float, float]) -> dict[str, float]:
    return {"k1": pair[0], "k2": pair[1]}


def _written(folder: Path, kind: str, pair: tuple[float, float], members: dict[str, object]) -> Path:
    path = folder / f"{kind}{pair[0]}.json"
    path.write_text(json.dumps({"schema_version": 1, "name": kind, "source": "a test", **members}))
    return path
