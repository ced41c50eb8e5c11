"""Keeps the ledger in the object store, and reads what may be pruned beside it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from infra.store.interface import ObjectStore
from tasks.domain.ledger import LedgerEntry, board, judges, shipped_history
from tasks.domain.retention import Protection, PrunePlan, StoredArtifact, plan_prune
from tasks.domain.schemas import RunManifest, RunPlan
from tasks.keys import LEDGER, ledger_key, manifest_key, plan_key, shard_prefix, submission_key
from tasks.records import EvidenceAltered, parsed_record, read_record

_RUN_MAY_LAST = timedelta(hours=24)  # a plan without a manifest that is older belongs to a run that died


def append(entry: LedgerEntry, store: ObjectStore) -> None:
    """Add an entry; adding it again changes nothing."""
    document = entry.model_dump_json().encode()
    store.create(ledger_key(entry, document), document)


def entries(store: ObjectStore) -> list[LedgerEntry]:
    """Read the ledger in the order of its entries' times, the user's history first.

    Raises:
        EvidenceAltered: An entry is not the one that its key holds the digest of.
        RecordUnreadable: An entry was written by another version.
    """
    kept = [_read_entry(found.key, store) for found in store.list(LEDGER)]
    return [*shipped_history(), *sorted(kept, key=lambda entry: entry.at)]


def _read_entry(key: str, store: ObjectStore) -> LedgerEntry:
    document = store.read(key)
    entry = parsed_record(LedgerEntry, document, key, store)
    if ledger_key(entry, document) != key:
        raise EvidenceAltered(
            f"{store.url}/{key} is not the entry that its key tells; it was altered or moved, see "
            f"`calibguard fsck`"
        )
    return entry


def finished_runs(store: ObjectStore) -> Iterator[RunManifest]:
    """Read the manifest of every finished run, oldest name first."""
    start, end = _around(manifest_key)
    for found in store.list(start):
        if found.key.endswith(end):
            yield read_record(RunManifest, found.key, store)


def untested(store: ObjectStore, ledger: Iterable[LedgerEntry]) -> list[RunManifest]:
    """Finished runs that were never submitted and still have their zip."""
    known = {entry.name for entry in ledger if entry.judge is not None or entry.event == "pruned"}
    return [manifest for manifest in finished_runs(store) if manifest.name not in known]


def under_way(store: ObjectStore, ledger: Sequence[LedgerEntry]) -> list[RunManifest]:
    """Finished runs that were submitted and have neither scores nor a refusal yet."""
    rows = (row for judge in judges(ledger) for row in board(ledger, judge).rows)
    running = {row.name for row in rows if row.status == "running"}
    return [manifest for manifest in finished_runs(store) if manifest.name in running]


def prune_plan(selection: Sequence[str], store: ObjectStore, *, now: datetime) -> PrunePlan:
    """Say what pruning the selected artifacts would remove; removes nothing.

    A run that is being made, one with a plan of less than a day and no manifest, keeps its shards.

    Raises:
        NothingSelectedError: A name or pattern selects nothing.
    """
    protections = _protections(entries(store))
    artifacts = {artifact.name: artifact for artifact in _artifacts(store)}
    for plan in _unfinished_plans(store):
        if now - datetime.fromisoformat(plan.created) < _RUN_MAY_LAST:
            artifacts[plan.name] = _artifact(plan.name, 0, (shard.digest for shard in plan.shards))
            protections[plan.name].add("in flight")
    return plan_prune(
        selection, artifacts.values(), {name: frozenset(held) for name, held in protections.items()}
    )


def prune(plan: PrunePlan, store: ObjectStore, *, now: datetime) -> None:
    """Remove what the plan says: rendered photos first, then the zips; evidence stays.

    The ledger says so before anything goes, so that what is missing later is known to have been pruned.
    """
    families = {entry.name: entry.family for entry in entries(store)}
    for name in plan.zips:
        append(LedgerEntry(event="pruned", name=name, at=now.isoformat(), family=families[name]), store)
    for digest in plan.shards:
        for found in list(store.list(shard_prefix(digest))):
            store.delete(found.key, expected=found.version)
    for name in plan.zips:
        if (zipped := store.head(submission_key(name))) is not None:
            store.delete(zipped.key, expected=zipped.version)


def _artifacts(store: ObjectStore) -> Iterator[StoredArtifact]:
    for manifest in finished_runs(store):
        if store.head(manifest.submission.key) is not None:
            yield _artifact(manifest.name, manifest.submission.size, manifest.shards)


def _artifact(name: str, size: int, shards: Iterable[str]) -> StoredArtifact:
    return StoredArtifact(name=name, size=size, shards=tuple(shards))


def _unfinished_plans(store: ObjectStore) -> Iterator[RunPlan]:
    start, end = _around(plan_key)
    for found in store.list(start):
        name = found.key.removeprefix(start).removesuffix(end)
        if found.key.endswith(end) and store.head(manifest_key(name)) is None:
            yield read_record(RunPlan, found.key, store)


def _protections(ledger: Sequence[LedgerEntry]) -> defaultdict[str, set[Protection]]:
    held: defaultdict[str, set[Protection]] = defaultdict(set)
    for judge in judges(ledger):
        current = board(ledger, judge)
        if current.champion:
            held[current.champion].add("champion")
        if current.best_ever:
            held[current.best_ever].add("best ever")
        for row in current.rows:
            if row.status == "running":
                held[row.name].add("in flight")
            if row.mean is not None:
                held[row.name].add("scored")
    return held


def _around(key: Callable[[str], str]) -> tuple[str, str]:
    """What stands before and after the run's name in a key."""
    start, end = key("*").split("*")
    return start, end
