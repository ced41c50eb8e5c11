"""Checks the whole history of a store after a fault: everything in it is whole, and nothing ever changed.

It trusts no status of a run and no record: every object is read and its digest computed anew.
"""

import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from uuid import UUID

from pydantic import ValidationError

from infra.store.interface import ObjectStore
from tasks.domain.schemas import RenderedShard, RunManifest, RunPlan
from tasks.keys import contact_sheet_key, manifest_key, photo_key, plan_key, shard_key, submission_key

Snapshot = Mapping[str, str]
"""SHA-256 of the object under each key."""

_KEYS = re.compile(
    r"submissions/[^/]+\.zip"
    r"|runs/[^/]+/(plan\.json|table\.json|manifest\.json|contact_sheet\.jpg)"
    r"|renders/[0-9a-f]{64}/([^/]+\.jpg|shard\.json)"
    r"|ledger/[0-9A-Z]+_rendered_[^/]+\.json"
    r"|probe/[0-9]+-[0-9a-f]{32}/[^/]+"  # a run that was killed while it tried the store
)


def snapshot(store: ObjectStore) -> dict[str, str]:
    """Digest everything the store lists."""
    return {found.key: hashlib.sha256(store.read(found.key)).hexdigest() for found in store.list("")}


def changes(before: Snapshot, after: Snapshot) -> list[str]:
    """Objects that were altered or lost between two looks; what a probe leaves may go."""
    kept = {key: digest for key, digest in before.items() if not key.startswith("probe/")}
    lost = [f"{key} is gone" for key in kept if key not in after]
    return lost + [f"{key} was altered" for key in kept if key in after and after[key] != kept[key]]


def finished_shards(objects: Snapshot) -> set[str]:
    """Digests of the shards whose record is there."""
    return {key.split("/")[1] for key in objects if key.endswith("/shard.json")}


def photos_without_record(objects: Snapshot) -> int:
    """Rendered photos whose shard is unfinished: they will be rendered again."""
    finished = finished_shards(objects)
    photos = [key for key in objects if key.startswith("renders/") and key.endswith(".jpg")]
    return sum(key.split("/")[1] not in finished for key in photos)


def wrongs(store: ObjectStore, *, zip_sha256: str, runs: Mapping[UUID, str]) -> list[str]:
    """Everything in the store that is not whole or not what it should be.

    Args:
        store: A store in which equal runs of one set of photos were made.
        zip_sha256: Digest of the zip that every one of them must give.
        runs: State type in which each flow run ended.
    """
    objects = snapshot(store)
    return [
        *(f"{key} is no key of ours" for key in objects if not _KEYS.fullmatch(key)),
        *_wrong_shards(store, objects),
        *_wrong_zips(store, objects, zip_sha256),
        *_wrong_runs(store, objects, runs),
    ]


def manifests(store: ObjectStore) -> list[RunManifest]:
    """All manifests, oldest name first."""
    keys = [found.key for found in store.list("runs/") if found.key.endswith("/manifest.json")]
    return [RunManifest.model_validate_json(store.read(key)) for key in keys]


def _wrong_shards(store: ObjectStore, objects: Snapshot) -> Iterator[str]:
    for digest in finished_shards(objects):
        try:
            record = RenderedShard.model_validate_json(store.read(shard_key(digest)))
        except ValidationError:
            yield f"the record of shard {digest[:12]} is not whole"
            continue
        for photo in record.photos:
            if objects.get(photo_key(digest, photo.id)) != photo.sha256:
                yield f"photo {photo.id} of finished shard {digest[:12]} is not the one in its record"


def _wrong_zips(store: ObjectStore, objects: Snapshot, zip_sha256: str) -> Iterator[str]:
    for key in (key for key in objects if key.startswith("submissions/")):
        if objects[key] != zip_sha256:
            yield f"{key} has SHA-256 {objects[key]}, expected {zip_sha256}"
        try:
            damaged = zipfile.ZipFile(io.BytesIO(store.read(key))).testzip()
        except zipfile.BadZipFile as error:
            damaged = str(error)
        if damaged:
            yield f"{key} is not whole: {damaged}"


def _wrong_runs(store: ObjectStore, objects: Snapshot, runs: Mapping[UUID, str]) -> Iterator[str]:
    plans = [key for key in objects if key.endswith("/plan.json")]
    owners = [RunPlan.model_validate_json(store.read(key)).run_id for key in plans]
    if len(owners) != len(set(owners)):
        yield "one run claimed two names"
    complete = {manifest.provenance.flow_run_id: manifest for manifest in manifests(store)}
    for manifest in complete.values():
        needed = (submission_key(manifest.name), plan_key(manifest.name), contact_sheet_key(manifest.name))
        yield from (
            f"{manifest_key(manifest.name)} is there without {key}" for key in needed if key not in objects
        )
    for run, state in runs.items():
        if state == "COMPLETED" and str(run) not in complete:
            yield f"run {run} is Completed without a manifest"
