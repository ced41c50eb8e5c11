"""Find out by trying whether a store keeps the promises that promotion rests on.

Servers that speak S3 differ most where it matters: some ignore ``If-None-Match`` and overwrite, some let two
racers win. The probe makes objects of its own under ``probe/``, tries each promise once and removes them. It
judges nothing but promises; a store that cannot be reached raises ``StoreUnavailable`` as always.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import httpx

from infra.errors import (
    DigestMismatch,
    ObjectExists,
    PresignUnsupported,
    StoreError,
    StoreNotConforming,
    StoreUnavailable,
    VersionConflict,
)
from infra.store.interface import ObjectStore
from infra.store.s3_multipart import PART_BYTES

_PREFIX = "probe/"
_LEFTOVER_AGE_S = 3600  # a probe takes seconds, an hour on the worst of days
_RACERS = 8
_HTTP_TIMEOUT_S = 30.0

Outcome = Literal["passed", "failed", "not applicable"]


@dataclass(frozen=True)
class ProbeCheck:
    """One promise and what trying it showed."""

    name: str
    outcome: Outcome
    sentence: str


@dataclass(frozen=True)
class ProbeReport:
    """All promises of one store."""

    store: str
    checks: tuple[ProbeCheck, ...]

    def failures(self) -> tuple[ProbeCheck, ...]:
        """Return the promises that are not kept."""
        return tuple(check for check in self.checks if check.outcome == "failed")

    def require_conforming(self) -> None:
        """Return if every promise that applies is kept.

        Raises:
            StoreNotConforming: Names every promise that is not.
        """
        if failures := self.failures():
            told = "; ".join(f"{check.name}: {check.sentence}" for check in failures)
            raise StoreNotConforming(
                f"{self.store} breaks {len(failures)} of {len(self.checks)} promises, so nothing is promoted "
                f"on it ({told}); use a local folder, Amazon S3 or SeaweedFS 4.48 or later"
            )


def probe_store(store: ObjectStore) -> ProbeReport:
    """Try every promise of a store once, and sweep what probes that were killed have left.

    Raises:
        StoreUnavailable: The store cannot be reached.
    """
    now = int(time.time())
    stem = f"{_PREFIX}{now}-{uuid.uuid4().hex}"
    try:
        checks = tuple(
            _tried(name, check, store, f"{stem}/{name.replace(' ', '-')}") for name, check in _CHECKS
        )
    finally:
        for stored in list(store.list(_PREFIX)):
            if stored.key.startswith(f"{stem}/") or now - _begun(stored.key) > _LEFTOVER_AGE_S:
                store.delete(stored.key)
    return ProbeReport(store=store.url, checks=checks)


def _begun(key: str) -> int:
    """When the probe that made this object began, in seconds since 1970; now, for a key of another kind."""
    stamp = key.removeprefix(_PREFIX).partition("-")[0]
    return int(stamp) if stamp.isdecimal() else int(time.time())


def _tried(name: str, check: Callable[[ObjectStore, str], str], store: ObjectStore, key: str) -> ProbeCheck:
    try:
        return ProbeCheck(name, "passed", check(store, key))
    except StoreUnavailable:
        raise
    except PresignUnsupported as error:
        return ProbeCheck(name, "not applicable", str(error))
    except StoreError as error:
        return ProbeCheck(name, "failed", str(error))


def _create_twice(store: ObjectStore, key: str) -> str:
    store.create(key, b"first")
    with _refused(ObjectExists, "a second creation with other content overwrote the object"):
        store.create(key, b"other")
    _require_content(store, key, b"first")
    return "a second creation with other content was refused"


def _stream_over_object(store: ObjectStore, key: str) -> str:
    store.create(key, b"first")
    with _refused(ObjectExists, "an upload in parts overwrote the object"):
        store.create_stream(key, [bytes(PART_BYTES), b"."])
    _require_content(store, key, b"first")
    return "an upload in parts over an object was refused"


def _stale_swap(store: ObjectStore, key: str) -> str:
    old = store.create(key, b"first").version
    store.swap(key, b"second", expected=old)
    with _refused(VersionConflict, "a swap that expected an old version overwrote the new one"):
        store.swap(key, b"third", expected=old)
    with _refused(VersionConflict, "a swap that expected no object overwrote one"):
        store.swap(key, b"third", expected=None)
    _require_content(store, key, b"second")
    return "swaps that expected an old version, or none, were refused"


def _create_race(store: ObjectStore, key: str) -> str:
    return _race(store, key, lambda body: store.create(key, body), loses=ObjectExists)


def _swap_race(store: ObjectStore, key: str) -> str:
    version = store.create(key, b"before").version
    return _race(store, key, lambda body: store.swap(key, body, expected=version), loses=VersionConflict)


def _race(store: ObjectStore, key: str, write: Callable[[bytes], object], *, loses: type[StoreError]) -> str:
    """Let racers write at once; exactly one may win, and its content must be what is stored."""

    def run(body: bytes) -> bytes | None:
        try:
            write(body)
        except loses:
            return None
        return body

    bodies = [f"racer {number} {uuid.uuid4().hex}".encode() for number in range(_RACERS)]
    with ThreadPoolExecutor(_RACERS) as pool:
        winners = [body for body in pool.map(run, bodies) if body is not None]
    if len(winners) != 1:
        raise StoreNotConforming(f"{len(winners)} of {_RACERS} racers were told that they won")
    _require_content(store, key, winners[0])
    return f"1 of {_RACERS} racers won"


def _checksum(store: ObjectStore, key: str) -> str:
    with _refused(DigestMismatch, "bytes with another SHA-256 than the one stated were stored"):
        store.create(key, b"these bytes", sha256=hashlib.sha256(b"other bytes").hexdigest())
    if store.head(key) is not None:
        raise StoreNotConforming("refused bytes are there all the same")
    return "bytes with another SHA-256 than the one stated were refused"


def _presigned_put(store: ObjectStore, key: str) -> str:
    body, other = b"the bytes that are meant", b"bytes that are not meant"
    leave = store.presign_put(key, sha256=hashlib.sha256(body).hexdigest(), size=len(body), expires_s=300)
    free = {name: value for name, value in leave.headers.items() if name != "if-none-match"}
    tries = (
        ("other bytes than signed", other, leave.headers, False),
        ("a request without If-None-Match", body, free, False),
        ("the bytes that were signed", body, leave.headers, True),
        ("a second request", body, leave.headers, False),
    )
    for what, content, headers, welcome in tries:
        status = _put(leave.url, content, dict(headers))
        if (status < 300) is not welcome:
            raise StoreNotConforming(f"a presigned PUT answered {status} to {what}")
    _require_content(store, key, body)
    return "a presigned PUT stores the signed bytes, once"


def _put(url: str, content: bytes, headers: dict[str, str]) -> int:
    try:
        return httpx.put(url, content=content, headers=headers, timeout=_HTTP_TIMEOUT_S).status_code
    except httpx.HTTPError as error:
        # The URL is a credential, so only the kind of error is told, and no cause is chained.
        raise StoreUnavailable(f"a presigned PUT ended in {type(error).__name__}") from None


@contextmanager
def _refused(refusal: type[StoreError], otherwise: str) -> Iterator[None]:
    try:
        yield
    except refusal:
        return
    raise StoreNotConforming(otherwise)


def _require_content(store: ObjectStore, key: str, body: bytes) -> None:
    if (found := store.read(key)) != body:
        raise StoreNotConforming(f"{len(found)} bytes are stored that are not what the writer was told")


_CHECKS: tuple[tuple[str, Callable[[ObjectStore, str], str]], ...] = (
    ("create twice", _create_twice),
    ("stream over object", _stream_over_object),
    ("stale swap", _stale_swap),
    ("create race", _create_race),
    ("swap race", _swap_race),
    ("checksum", _checksum),
    ("presigned put", _presigned_put),
)
