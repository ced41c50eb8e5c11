"""Let one holder at a time work on something, across processes and machines.

The lease is one object, moved by compare-and-swap and renewed by a thread while its holder lives; after a
crash it runs out. It keeps honest runs out of each other's way and no more: clocks differ and processes
pause, so what must not happen twice is guarded by create-only objects besides.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from infra.errors import AdapterError, ObjectMissing, StoreError, VersionConflict
from infra.store.interface import ObjectStore
from infra.strict_json import parse_object

_RENEWALS = 3  # in the life of a lease: two may go wrong


@dataclass
class Lease:
    """A lease that is held, until it is not."""

    key: str
    owner: str
    version: str
    taken: type[AdapterError]
    lost: threading.Event = field(default_factory=threading.Event)

    def require_held(self) -> None:
        """Stop a holder whose lease was taken over, with an error of the kind ``taken``."""
        if self.lost.is_set():
            raise self.taken(
                f"the lease {self.key!r} of {self.owner} ran out and another run took it; its result will do"
            )


@contextmanager
def leased(
    store: ObjectStore,
    key: str,
    *,
    owner: str,
    lease_s: float,
    now: Callable[[], float],
    taken: type[AdapterError],
) -> Iterator[Lease]:
    """Hold the lease ``key`` for the block.

    Args:
        store: Shared by all who might want the lease.
        key: Its object.
        owner: Who holds it, for people: host and process.
        lease_s: Seconds after which it runs out unless renewed.
        now: Seconds since the epoch; the machines' clocks must agree to well within ``lease_s``.
        taken: Raised where another holds it; the message says who and for how long at most.
    """
    version = _taken(store, key, owner=owner, lease_s=lease_s, now=now, taken=taken)
    lease = Lease(key, owner, version, taken)
    ended = threading.Event()

    def renew_until_ended() -> None:
        while not ended.wait(lease_s / _RENEWALS):
            _renew(store, lease, expires=now() + lease_s)

    renewal = threading.Thread(target=renew_until_ended, name="lease renewal", daemon=True)
    renewal.start()
    try:
        yield lease
    finally:
        ended.set()
        renewal.join()
        with suppress(StoreError):  # it will run out by itself
            if not lease.lost.is_set():
                _put(store, lease, expires=0.0)


def holder(store: ObjectStore, key: str, *, now: float) -> str | None:
    """Who holds a lease at this moment, in seconds since the epoch; None where nobody does."""
    try:
        owner, expires = _members(store.read(key), key=key)
    except ObjectMissing:
        return None
    return owner if expires > now else None


def _taken(
    store: ObjectStore,
    key: str,
    *,
    owner: str,
    lease_s: float,
    now: Callable[[], float],
    taken: type[AdapterError],
) -> str:
    body = _body(owner, expires=now() + lease_s)
    try:
        found = store.head(key)
        if found is not None:
            _require_expired(store.read(key), key=key, now=now(), taken=taken)
        return store.swap(key, body, expected=found.version if found else None).version
    except (VersionConflict, ObjectMissing) as error:
        raise taken(f"another run took the lease {key!r} just now; run again later") from error


def _require_expired(body: bytes, *, key: str, now: float, taken: type[AdapterError]) -> None:
    owner, expires = _members(body, key=key)
    if expires > now:
        raise taken(
            f"{owner} is at work on it; its lease {key!r} runs out in {expires - now:.0f} s "
            "unless renewed; run again later to get its result"
        )


def _members(body: bytes, *, key: str) -> tuple[str, float]:
    """Owner and expiry, in seconds since the epoch."""
    try:
        members = parse_object(body)
        owner, expires = members["owner"], members["expires"]
        if not isinstance(owner, str) or not isinstance(expires, float):
            raise ValueError("its members have other types")
    except (ValueError, KeyError) as error:
        raise StoreError(f"{key!r} is no lease: {error}; delete it if no run is at work") from error
    return owner, expires


def _renew(store: ObjectStore, lease: Lease, *, expires: float) -> None:
    try:
        _put(store, lease, expires=expires)
    except (VersionConflict, ObjectMissing):
        lease.lost.set()
    except StoreError:
        return  # the next renewal may succeed; if none does, another run's swap will tell


def _put(store: ObjectStore, lease: Lease, *, expires: float) -> None:
    body = _body(lease.owner, expires=expires)
    lease.version = store.swap(lease.key, body, expected=lease.version).version


def _body(owner: str, *, expires: float) -> bytes:
    # The nonce makes each body new: on S3 the version is that of the content.
    members = {"owner": owner, "expires": expires, "nonce": uuid.uuid4().hex}
    return json.dumps(members, sort_keys=True).encode()
