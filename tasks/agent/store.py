"""The object store as an agent sees it: some URLs, each good for one thing.

A reply that is lost is asked for again; what was created by the try before it shows as 412 and is compared
with what was to be created, never taken on trust.
"""

import base64
import hashlib
import time
from typing import Final

from tasks.agent.errors import NothingThere, ObjectTooLong, PlaceTaken, StoreRefused, StoreUnreachable
from tasks.agent.exchange import Answer, Request, exchange
from tasks.domain.batches import Outlet, Place

_PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)  # a SeaweedFS that was killed is back after 15 to 20 s
_LIMIT_S: Final = 60.0  # for one try; 1 MB in that time is 17 kB/s
_SIGN_LIMIT_S: Final = 10.0
_LATER: Final = frozenset({408, 409, 425, 429})
_SMALL: Final = 1 << 16  # bytes; answers to a PUT are a few lines of XML at most


def read(url: str, *, what: str, max_bytes: int) -> bytes:
    """Read an object.

    Raises:
        NothingThere: There is none.
        ObjectTooLong: It has more bytes than expected.
        StoreRefused: The URL is not, or no longer, good.
        StoreUnreachable: No whole answer came at any try.
    """
    answer = _ask(Request("GET", url, what), max_bytes=max_bytes)
    if answer.status == 404:
        raise NothingThere(f"the store has no {what}")
    return _granted(answer, "GET", what).body


def read_if_there(url: str, *, what: str, max_bytes: int) -> bytes | None:
    """Read an object that may not be there; Amazon says 403 of one where listing is not allowed either."""
    try:
        return read(url, what=what, max_bytes=max_bytes)
    except (NothingThere, ObjectTooLong, StoreRefused):
        return None


def create(place: Place, body: bytes, *, what: str) -> None:
    """Create an object; the same bytes already there are success.

    Raises:
        PlaceTaken: Other bytes are there.
        StoreRefused: The URL is not, or no longer, good.
        StoreUnreachable: No whole answer came at any try.
    """
    headers = {**place.headers, **_checksum(body)}
    answer = _ask(Request("PUT", place.put, what, body, headers), max_bytes=_SMALL)
    if answer.status != 412:
        _granted(answer, "PUT", what)
    elif read_if_there(place.get, what=what, max_bytes=len(body)) != body:
        raise PlaceTaken(f"the store holds other bytes as {what}")


def replace(outlet: Outlet, body: bytes, *, what: str) -> None:
    """Store an object over the one before it; tried once, for the next one follows soon.

    Raises:
        StoreRefused: The URL is not, or no longer, good.
        StoreUnreachable: No whole answer came.
    """
    request = Request("PUT", outlet.put, what, body, _checksum(body))
    _granted(exchange(request, limit_s=_SIGN_LIMIT_S, max_bytes=_SMALL), "PUT", what)


def is_there(url: str, *, what: str) -> bool:
    """Whether an object is there; one that may not be read is not.

    Raises:
        StoreUnreachable: No whole answer came, or one that tells nothing.
    """
    answer = exchange(Request("GET", url, what), limit_s=_SIGN_LIMIT_S, max_bytes=_SMALL)
    if answer.status in (403, 404):
        return False
    _granted(answer, "GET", what)
    return True


def _ask(request: Request, *, max_bytes: int) -> Answer:
    for pause_s in _PAUSES_S:
        try:
            answer = exchange(request, limit_s=_LIMIT_S, max_bytes=max_bytes)
        except StoreUnreachable:
            answer = None
        if answer is not None and not _may_pass(answer.status):
            return answer
        time.sleep(pause_s)
    answer = exchange(request, limit_s=_LIMIT_S, max_bytes=max_bytes)
    if _may_pass(answer.status):
        raise StoreUnreachable(f"the store answers {answer.status} to {request.method} of {request.what}")
    return answer


def _may_pass(status: int) -> bool:
    return status in _LATER or status >= 500


def _granted(answer: Answer, method: str, what: str) -> Answer:
    if answer.status in (200, 201, 204):
        return answer
    if _may_pass(answer.status):
        raise StoreUnreachable(f"the store answers {answer.status} to {method} of {what}")
    raise StoreRefused(f"the store answers {answer.status} to {method} of {what}; the URL may have expired")


def _checksum(body: bytes) -> dict[str, str]:
    """Content-MD5 guards the way to the store; unlike a SHA-256 header it need not be signed."""
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return {"content-md5": base64.b64encode(digest).decode("ascii")}
