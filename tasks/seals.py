"""Knows which object of a store seals which, and judges a whole store by that. It reads nothing.

    a ledger entry    its own key holds its digest
      seals           what its evidence names: manifests, scores, decisions, steps of flights, ...
      of a promotion  the champion's pointer, if no later promotion does
    a manifest        sealed by the entry ``rendered``
      seals           plan, table, contact sheet, zip and the records of the shards
    a shard's record  seals its photos
    a fit             seals itself; a diagnosis has its digest in its key, so do inputs and agents

A run with an entry ``pruned`` may lack its zip, and the photos that no other run needs. Objects under
``probe/``, ``batches/`` and ``remote/`` and the leases of flights come and go. Unsealed objects are no damage
where work that is cut off leaves them: a plan without a manifest, photos without a sealed record, a flight's
attempt without an entry.

Three losses show nowhere: that of an entry which alone seals nothing, of a fit, which the next refit finds
again, and of a diagnosis, which is proxy.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from tasks.domain.fsck import Digest, Finding, FsckReport, Seal, broken_seals, worst_first
from tasks.domain.ledger import ChampionPointer, LedgerEntry, pointer_document
from tasks.domain.schemas import RenderedShard, RunManifest
from tasks.keys import champion_key, manifest_key, photo_key, plan_key, shard_key, submission_key, table_key

WORKING = re.compile(r"(?:probe|batches|remote)/.+|flights/[^/]+/[^/]+/lease\.json")
"""Keys of objects that come, change and go while work is done."""

_SELF_SEALED = re.compile(r"fits/|diagnoses/")  # reading them has shown whether they are whole

_NAMED_BY_CONTENT = re.compile(r"(?:inputs|agents)/([0-9a-f]{64})\.(?:jpg|zip)")

_OF_RUN = re.compile(r"runs/([^/]+)/(?:plan\.json|table\.json|contact_sheet\.jpg)|submissions/([^/]+)\.zip")
_OF_SHARD = re.compile(r"renders/([^/]+)/[^/]+")
_OF_ATTEMPT = re.compile(r"(flights/[^/]+/[^/]+/attempts/[^/]+/).+")

_MOST_GAPS = 10  # are told; an altered entry may speak of any number of promotions

Standing = Literal["accounted for", "unfinished", "unsealed", "beyond judging"]
"""Of an object with which nothing else is wrong; beyond judging is what a broken record should tell of."""


@dataclass(frozen=True)
class StoreContents:
    """What reading a store gave, all of it by key."""

    inventory: Mapping[str, Digest]
    entries: Mapping[str, LedgerEntry]
    manifests: Mapping[str, RunManifest]
    shards: Mapping[str, RenderedShard]
    pointers: Mapping[str, ChampionPointer]
    wrong: Mapping[str, Finding]
    """What reading alone has shown to be wrong."""


def judged(contents: StoreContents) -> FsckReport:
    """Find everything that is wrong in a store, and what unfinished work has left there."""
    promotions = _promotions(contents)
    seals = list(_seals(contents, promotions))
    known = [*contents.wrong.values(), *_unrecorded(contents, promotions)]
    known += broken_seals(
        contents.inventory,
        seals,
        suspects=[finding.key for finding in known],
        may_be_gone=_prunable(contents),
    )
    standing = _standings(contents, sealed={seal.key for seal in seals}, wrong={one.key for one in known})
    loose = {key: standing(key) for key in contents.inventory}
    unsealed = (_unsealed(key) for key, found in loose.items() if found == "unsealed")
    return FsckReport(
        objects=len(contents.inventory),
        bytes=sum(found.size for found in contents.inventory.values()),
        findings=worst_first([*known, *_gaps(promotions), *unsealed]),
        unfinished=tuple(sorted(key for key, found in loose.items() if found == "unfinished")),
    )


@dataclass(frozen=True, slots=True)
class _Promotion:
    """A promotion as the ledger tells it."""

    entry: str
    """Key of the entry."""
    pointer: ChampionPointer


_Promotions = Mapping[str, list[_Promotion]]


def _promotions(contents: StoreContents) -> _Promotions:
    """Give the promotions under each champion's key, in the order of their generations."""
    told: defaultdict[str, list[_Promotion]] = defaultdict(list)
    for key, entry in contents.entries.items():
        if entry.pointer is not None:
            told[champion_key(entry.pointer.judge)].append(_Promotion(key, entry.pointer))
    return {key: sorted(some, key=lambda one: one.pointer.generation) for key, some in told.items()}


def _seals(contents: StoreContents, promotions: _Promotions) -> Iterator[Seal]:
    """Give all seals, from the ledger downwards."""
    for key, entry in contents.entries.items():
        yield from (Seal(sealed, key, sha256) for sealed, sha256 in entry.evidence.items())
    for champion, told in promotions.items():
        document = pointer_document(told[-1].pointer)
        yield Seal(champion, told[-1].entry, hashlib.sha256(document).hexdigest(), len(document))
    for key, manifest in contents.manifests.items():
        yield from _of_manifest(key, manifest)
    for match in filter(None, map(_NAMED_BY_CONTENT.fullmatch, contents.inventory)):
        yield Seal(match[0], match[0], match[1])
    for key, shard in contents.shards.items():
        for photo in shard.photos:
            yield Seal(photo_key(shard.digest, photo.id), key, photo.sha256, photo.size, photo.crc32)


def _of_manifest(key: str, manifest: RunManifest) -> Iterator[Seal]:
    name, zipped = manifest.name, manifest.submission
    yield Seal(plan_key(name), key, manifest.plan_sha256)
    if manifest.table_digest is not None:
        yield Seal(table_key(name), key, manifest.table_digest)
    yield Seal(manifest.contact_sheet, key, manifest.contact_sheet_sha256)
    yield Seal(zipped.key, key, zipped.sha256, zipped.size)
    for record, sha256 in _shard_records(manifest).items():
        yield Seal(record, key, sha256)


def _shard_records(manifest: RunManifest) -> dict[str, str]:
    """Give key and digest of the records of those shards of a run that were settled."""
    shards = zip(
        manifest.shards, manifest.shard_records, strict=False
    )  # an altered manifest may say anything
    return {shard_key(digest): sha256 for digest, sha256 in shards if sha256 is not None}


def _prunable(contents: StoreContents) -> Callable[[str], bool]:
    """Tell keys that pruning has taken or may have taken."""
    pruned = {entry.name for entry in contents.entries.values() if entry.event == "pruned"}
    kept = (manifest for manifest in contents.manifests.values() if manifest.name not in pruned)
    needed = {digest for manifest in kept for digest in manifest.shards}
    zips = {submission_key(name) for name in pruned}

    def may_be_gone(key: str) -> bool:
        shard = _OF_SHARD.fullmatch(key)
        return shard[1] not in needed if shard else key in zips

    return may_be_gone


def _unrecorded(contents: StoreContents, promotions: _Promotions) -> Iterator[Finding]:
    """Find pointers one promotion ahead of the ledger: their author was cut off before telling it."""
    for key, pointer in contents.pointers.items():
        last = promotions[key][-1].pointer if key in promotions else None
        is_next = pointer.generation == (last.generation if last else 0) + 1
        if is_next and key == champion_key(pointer.judge) and not (last and last.nonce == pointer.nonce):
            sentence = (
                f"it was moved to {pointer.name!r} (promotion {pointer.generation}), which the ledger does "
                f"not tell; run promote again, which records it, or restore the entry"
            )
            yield Finding(key=key, kind="unrecorded", sentence=sentence)


def _gaps(promotions: _Promotions) -> Iterator[Finding]:
    """Find promotions that the ledger should tell once and does not."""
    for key, told in promotions.items():
        counts = Counter(promotion.pointer.generation for promotion in told)
        odd = (str(one) for one in range(1, max(counts) + 1) if counts[one] != 1)
        if some := list(islice(odd, _MOST_GAPS)):
            sentence = (
                f"of {max(counts)} promotions under this judge the ledger does not tell exactly once: "
                f"{', '.join(some)}; restore its entries"
            )
            yield Finding(key=key, kind="unrecorded", sentence=sentence)


def _standings(contents: StoreContents, *, sealed: set[str], wrong: set[str]) -> Callable[[str], Standing]:
    """Give the rule that says how an object stands."""
    entries, manifests = contents.entries.values(), contents.manifests
    rendered = {key for entry in entries if entry.event == "rendered" for key in entry.evidence}
    settled = {key for manifest in manifests.values() for key in _shard_records(manifest)}
    attempts = {match[1] for match in map(_OF_ATTEMPT.fullmatch, sealed) if match}

    def standing(key: str) -> Standing:
        if key in wrong or key in contents.entries or WORKING.fullmatch(key) or _SELF_SEALED.match(key):
            return "accounted for"
        if (shard := _OF_SHARD.fullmatch(key)) is not None:
            record = shard_key(shard[1])
            if record in wrong:
                return "beyond judging"
            if record not in settled or record not in contents.inventory:
                return "unfinished"
        if key in sealed and (key not in manifests or key in rendered):
            return "accounted for"
        if (run := _OF_RUN.fullmatch(key)) is not None:
            return _of_run(run[1] or run[2])
        attempt = _OF_ATTEMPT.fullmatch(key)
        return "unfinished" if attempt and attempt[1] not in attempts else "unsealed"

    def _of_run(name: str) -> Standing:
        if manifest_key(name) in wrong:
            return "beyond judging"
        begun = plan_key(name) in contents.inventory and manifest_key(name) not in contents.inventory
        return "unfinished" if begun else "unsealed"

    return standing


def _unsealed(key: str) -> Finding:
    if key.endswith("/manifest.json"):
        sentence = "no entry 'rendered' of the ledger seals it; restore the entry, or run the same run again"
    else:
        sentence = (
            "nothing in the ledger seals it; run again the command that was cut off, restore the entry that "
            "sealed it, or move it out of the store"
        )
    return Finding(key=key, kind="unsealed", sentence=sentence)
