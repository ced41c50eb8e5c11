"""Scorers for portals under test; worker processes import them by name."""

import os
import time
from pathlib import Path

from infra.errors import TargetSetUnusable


def share_of_target(output: bytes, original: bytes, target: bytes) -> dict[str, object]:
    """100 where the output is the target, 0 where it is the original, something between elsewhere."""
    if output.startswith(b"no photo"):
        raise ValueError("not a photo")
    score = 100.0 if output == target else 0.0 if output == original else 37.126
    return {"score": score, "hard_fail": False, "metrics": {"ssim": score / 100}}


def slow(output: bytes, original: bytes, target: bytes) -> dict[str, object]:
    time.sleep(0.5)
    return share_of_target(output, original, target)


def crashing_once(output: bytes, original: bytes, target: bytes) -> dict[str, object]:
    """Takes its process down the first time; the output names the file that remembers."""
    return _crash(output, original, target, times=1)


def crashing(output: bytes, original: bytes, target: bytes) -> dict[str, object]:
    os._exit(7)


def broken(output: bytes, original: bytes, target: bytes) -> dict[str, object]:
    raise ZeroDivisionError("secret of the scorer")


def unusable(output: bytes, original: bytes, target: bytes) -> dict[str, object]:
    raise TargetSetUnusable("its target is unusable: torn")


def _crash(output: bytes, original: bytes, target: bytes, *, times: int) -> dict[str, object]:
    mark = Path(output.decode())
    if not mark.exists():
        mark.touch()
        os._exit(7)
    return share_of_target(output, original, target)
