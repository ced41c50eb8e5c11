"""An agent that misbehaves as it is told, once for each order; without an order it is the real one.

Orders are files in the folder ``CALIBGUARD_TEST_ORDERS``, taken one at a time by renaming them away.
"""

import hashlib
import os
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Final

from gpu.render import EncodedPhoto
from tasks.agent import life, rendering, store
from tasks.agent.__main__ import main
from tasks.domain.batches import BatchSpec, Place, read_spec


def _order() -> str:
    folder = Path(os.environ["CALIBGUARD_TEST_ORDERS"])
    for order in sorted(folder.glob("*.order")):
        try:
            order.rename(order.with_suffix(".taken"))
        except FileNotFoundError:
            continue  # another agent was faster
        return order.stem.partition("-")[2]
    return ""


def _put(module: ModuleType, name: str, function: Callable[..., object]) -> None:
    """Put a function in the place of the one that a module uses."""
    if not hasattr(module, name):
        raise AttributeError(f"{module.__name__} uses no {name}, so the order would do nothing")
    setattr(module, name, function)


def _crash() -> None:
    """End without a word; the host starts the container again."""
    os._exit(9)


def _hang() -> None:
    """Send signs of life and finish nothing; the lease will be taken away."""

    def endless(*_: object, **__: object) -> EncodedPhoto:
        time.sleep(600)
        raise TimeoutError("nobody took the lease away")

    _put(rendering, "render_routed", endless)


def _want_a_gpu() -> None:
    """Find that the machine is not the one that was asked for."""

    def with_gpu(text: bytes) -> BatchSpec:
        return read_spec(text).model_copy(update={"accelerator": "cuda"})

    _put(life, "read_spec", with_gpu)


def _forge() -> None:
    """Pass the original off as rendered, everything about it consistent."""

    def forged(_routed: object, original: bytes, *_: object) -> EncodedPhoto:
        return EncodedPhoto(original, zlib.crc32(original), hashlib.sha256(original).hexdigest())

    _put(rendering, "render_routed", forged)


def _with_photos(change: Callable[[Place, bytes], tuple[Place, bytes]]) -> None:
    create = store.create

    def changed(place: Place, body: bytes, *, what: str) -> None:
        is_photo = body.startswith(b"\xff\xd8")
        create(*(change(place, body) if is_photo else (place, body)), what=what)

    _put(store, "create", changed)


def _truncate() -> None:
    """Store the first half of each photo and speak of the whole."""
    _with_photos(lambda place, body: (place, body[: len(body) // 2]))


def _expire() -> None:
    """Come to the store with URLs that are no longer good."""

    def late(place: Place, body: bytes) -> tuple[Place, bytes]:
        return place.model_copy(update={"put": place.put.replace("X-Amz-Expires=", "X-Amz-Expires=0")}), body

    _with_photos(late)


ORDERS: Final[dict[str, Callable[[], None]]] = {
    "crash": _crash,
    "hang": _hang,
    "wrong_gpu": _want_a_gpu,
    "forge": _forge,
    "truncate": _truncate,
    "expire": _expire,
}

if __name__ == "__main__":
    if order := _order():
        print(f"order: {order}", flush=True)
        ORDERS[order]()
    sys.exit(main())
