"""Reads a whole store through, every object hashed anew, and has it judged by the seals in it.

It changes nothing and needs no quiet store: what moved while it was read is read again. What is damaged is a
finding; only a store that is out of reach, or refuses, ends it.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ConfigDict

from infra.errors import ObjectMissing, StoreDenied, StoreError, StoreUnavailable
from infra.store.interface import ObjectStore, StoredObject
from tasks.domain.errors import DocumentError
from tasks.domain.fitted_pairs import KeptFinding
from tasks.domain.fsck import Digest, Finding, FsckReport, Kind
from tasks.domain.ledger import ChampionPointer, LedgerEntry
from tasks.domain.schemas import Record, RenderedShard, RunManifest, RunPlan
from tasks.domain.strict_json import parse_record
from tasks.keys import ledger_key
from tasks.seals import StoreContents, judged

T = TypeVar("T", bound=Record)

Progress = Callable[[int, int], None]
"""Told how many objects of how many are read."""

_READERS = 8
_AT_ONCE = 1000  # objects that are handed to the readers in one go, so that few results wait
_LONGEST_RECORD = 64 << 20  # bytes; the plan of 100,000 photos has about 60 million
_LOOKS = 5  # at a store that goes on changing; leases are renewed every few seconds


_DIGEST_IN_KEY = re.compile(r"diagnoses/.+_([0-9a-f]{16})\.json")


class _Lease(Record):
    """See ``infra.store.lease``."""

    owner: str
    expires: float
    nonce: str


class _Step(Record):
    """Any JSON object; see ``infra.portal.client.step_record``."""

    model_config = ConfigDict(extra="allow")


_RECORDS: dict[re.Pattern[str], type[Record]] = {
    re.compile(r"ledger/.+"): LedgerEntry,
    re.compile(r"runs/[^/]+/manifest\.json"): RunManifest,
    re.compile(r"runs/[^/]+/plan\.json"): RunPlan,
    re.compile(r"renders/[^/]+/shard\.json"): RenderedShard,
    re.compile(r"champions/.+"): ChampionPointer,
    re.compile(r"fits/.+"): KeptFinding,
    re.compile(r"flights/[^/]+/[^/]+/lease\.json"): _Lease,
    re.compile(r"flights/[^/]+/[^/]+/attempts/.+"): _Step,
}
_KEPT = (LedgerEntry, RunManifest, RenderedShard, ChampionPointer)  # of the others, reading them is enough


@dataclass(frozen=True, slots=True)
class _Look:
    """What reading one object gave; no digest where it was gone or could not be read to its end."""

    stored: StoredObject
    digest: Digest | None = None
    record: Record | None = None
    wrong: Finding | None = None


def fsck(store: ObjectStore, *, progress: Progress = lambda read, listed: None) -> FsckReport:  # noqa: ARG005
    """Find everything in the store that is altered, lost, moved, unreadable or unsealed.

    Raises:
        StoreUnavailable: The store is out of reach.
        StoreDenied: It refuses to be read.
    """
    looks = _looks(store, progress)
    return judged(
        StoreContents(
            inventory={look.stored.key: look.digest for look in looks if look.digest},
            entries=_of_kind(LedgerEntry, looks),
            manifests=_of_kind(RunManifest, looks),
            shards=_of_kind(RenderedShard, looks),
            pointers=_of_kind(ChampionPointer, looks),
            wrong={look.stored.key: look.wrong for look in looks if look.wrong},
        )
    )


def _looks(store: ObjectStore, progress: Progress) -> list[_Look]:
    """Read every object, and what changed meanwhile once more, until a listing tells nothing new."""
    looks: dict[str, _Look] = {}
    with ThreadPoolExecutor(_READERS) as readers:
        for _ in range(_LOOKS):
            listed = {stored.key: stored for stored in store.list("")}
            looks = {key: look for key, look in looks.items() if look.stored == listed.get(key)}
            changed = [stored for key, stored in listed.items() if key not in looks]
            for start in range(0, len(changed), _AT_ONCE):
                for look in readers.map(lambda one: _look(one, store), changed[start : start + _AT_ONCE]):
                    looks[look.stored.key] = look
                    progress(len(looks), len(listed))
            if not changed:
                break
    return list(looks.values())


def _look(stored: StoredObject, store: ObjectStore) -> _Look:
    kind = next((kind for pattern, kind in _RECORDS.items() if pattern.fullmatch(stored.key)), None)
    try:
        if kind is None:
            return _hashed(stored, store)
        if stored.size > _LONGEST_RECORD:
            sentence = f"it has {stored.size} bytes, a {_word(kind)} has at most {_LONGEST_RECORD}"
            return _Look(stored, _digest(store.stream(stored.key)), wrong=_wrong(stored, sentence))
        return _parsed(kind, stored, store.read(stored.key))
    except ObjectMissing:
        return _Look(stored)
    except (StoreUnavailable, StoreDenied):
        raise
    except StoreError as error:
        return _Look(stored, wrong=_wrong(stored, str(error)))


def _hashed(stored: StoredObject, store: ObjectStore) -> _Look:
    digest = _digest(store.stream(stored.key))
    if (named := _DIGEST_IN_KEY.fullmatch(stored.key)) and not digest.sha256.startswith(named[1]):
        sentence = "its digest is not the one in its key; restore it from a copy, or remove it"
        return _Look(stored, digest, wrong=_wrong(stored, sentence, kind="altered"))
    return _Look(stored, digest)


def _digest(chunks: Iterable[bytes]) -> Digest:
    size, crc32, sha256 = 0, 0, hashlib.sha256()
    for chunk in chunks:
        size, crc32 = size + len(chunk), zlib.crc32(chunk, crc32)
        sha256.update(chunk)
    return Digest(size, crc32, sha256.hexdigest())


def _parsed(kind: type[Record], stored: StoredObject, body: bytes) -> _Look:
    digest = _digest([body])
    try:
        record = parse_record(body, kind, source=stored.key, max_bytes=_LONGEST_RECORD)
    except DocumentError as error:
        sentence = f"it is no {_word(kind)} of this version: {error.problems[0]}; restore it from a copy"
        return _Look(stored, digest, wrong=_wrong(stored, sentence))
    wrong = _wrong_entry(record, stored, body) if isinstance(record, LedgerEntry) else None
    if isinstance(record, KeptFinding) and not stored.key.endswith(f"/{record.content}.json"):
        wrong = _wrong(stored, "it is of other files than its key tells; remove it", kind="misplaced")
    return _Look(stored, digest, record if isinstance(record, _KEPT) else None, wrong)


def _wrong_entry(entry: LedgerEntry, stored: StoredObject, body: bytes) -> Finding | None:
    """Hold an entry against its own key, which seals it."""
    own = ledger_key(entry, body)
    if own == stored.key:
        return None
    if hashlib.sha256(body).hexdigest()[:16] in stored.key:
        return _wrong(stored, f"its place is {own!r}; move it there", kind="misplaced")
    return _wrong(stored, "its digest is not the one in its key; restore it from a copy", kind="altered")


def _wrong(stored: StoredObject, sentence: str, *, kind: Kind = "unreadable") -> Finding:
    return Finding(key=stored.key, kind=kind, sentence=sentence)


def _word(kind: type[Record]) -> str:
    return kind.__name__.removeprefix("_")


def _of_kind(kind: type[T], looks: Iterable[_Look]) -> dict[str, T]:
    return {look.stored.key: look.record for look in looks if isinstance(look.record, kind)}
