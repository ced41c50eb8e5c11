"""Assembles what a run leaves behind: the submission zip, and the manifest that completes the run."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from itertools import islice

from infra.errors import ObjectExists
from infra.store.interface import ObjectStore, StoredObject
from tasks.adapters import run_store
from tasks.domain.ledger import rendered_entry
from tasks.domain.schemas import (
    Provenance,
    RenderedPhoto,
    RenderedShard,
    RunManifest,
    RunPlan,
    SubmissionZip,
)
from tasks.domain.shards import count_routes, folder_digest, is_settled, plan_document, shard_document
from tasks.domain.submission_zip import zip_chunks
from tasks.failures import step
from tasks.keys import contact_sheet_key, manifest_key, photo_key, submission_key
from tasks.ledger import append

_READ_AHEAD = 8  # photos read from the store while earlier ones are being packed


@step("assemble zip")
def assemble_zip(plan: RunPlan, shards: Sequence[RenderedShard]) -> SubmissionZip:
    """Stream the rendered photos out of the store into the submission zip in the store."""
    return assembled_zip(plan, shards, run_store())


def assembled_zip(plan: RunPlan, shards: Sequence[RenderedShard], store: ObjectStore) -> SubmissionZip:
    """Pack the photos of all shards; the zip is created whole or not at all.

    Raises:
        StoredPhotoDamaged: A photo in the store is not the one that was rendered.
    """
    photos = sorted((photo for shard in shards for photo in shard.photos), key=lambda photo: photo.id)
    try:
        stored, sha256 = _stream_zip(plan, shards, photos, store)
    except ObjectExists:
        _discard_unfinished(plan, store)
        stored, sha256 = _stream_zip(plan, shards, photos, store)
    return SubmissionZip(
        key=stored.key,
        size=stored.size,
        sha256=sha256,
        behaviour_digest=folder_digest((f"{photo.id}.jpg", photo.sha256) for photo in photos),
        photos=len(photos),
    )


def _stream_zip(
    plan: RunPlan, shards: Sequence[RenderedShard], photos: Sequence[RenderedPhoto], store: ObjectStore
) -> tuple[StoredObject, str]:
    keys = {photo.id: photo_key(shard.digest, photo.id) for shard in shards for photo in shard.photos}
    with ThreadPoolExecutor(_READ_AHEAD) as readers:
        bodies = _read_ahead([keys[photo.id] for photo in photos], store, readers)
        return store.create_stream(submission_key(plan.name), zip_chunks(photos, bodies))


def _discard_unfinished(plan: RunPlan, store: ObjectStore) -> None:
    """Remove the zip that an earlier attempt at this same run left without a manifest.

    It was never an artifact. It differs where a photo was lost then and is rendered now.
    """
    unfinished = store.head(submission_key(plan.name))
    if unfinished is not None and store.head(manifest_key(plan.name)) is None:
        store.delete(unfinished.key, expected=unfinished.version)


@step("write manifest")
def write_manifest(
    plan: RunPlan,
    shards: Sequence[RenderedShard],
    submission: SubmissionZip,
    sheet: bytes,
    provenance: Provenance,
    finished: datetime,
) -> RunManifest:
    """Bind everything together and complete the run.

    A manifest that is there already was written by this same run before it was cut off: it stands.
    """
    return kept_manifest(manifest_of(plan, shards, submission, sheet, provenance, finished), run_store())


def kept_manifest(manifest: RunManifest, store: ObjectStore) -> RunManifest:
    """Store the manifest and its seal in the ledger; give back the one that stands."""
    key = manifest_key(manifest.name)
    with suppress(ObjectExists):
        store.create(key, manifest.model_dump_json(indent=1).encode())
    document = store.read(key)
    standing = RunManifest.model_validate_json(document)
    append(rendered_entry(standing, key, hashlib.sha256(document).hexdigest()), store)
    return standing


def manifest_of(
    plan: RunPlan,
    shards: Sequence[RenderedShard],
    submission: SubmissionZip,
    sheet: bytes,
    provenance: Provenance,
    finished: datetime,
) -> RunManifest:
    """Make the record of a finished run; routes are counted over the photos that were rendered."""
    rendered = {photo.id for shard in shards for photo in shard.photos}
    quarantined = (*plan.quarantined, *(photo for shard in shards for photo in shard.quarantined))
    return RunManifest(
        name=plan.name,
        created=plan.created,
        finished=finished.isoformat(),
        provenance=provenance,
        request=plan.request,
        engine=plan.engine,
        plan_sha256=hashlib.sha256(plan_document(plan)).hexdigest(),
        table_digest=plan.table_digest,
        input_digest=plan.input_digest,
        routes=count_routes(
            routed for shard in plan.shards for routed in shard.photos if routed.photo.id in rendered
        ),
        submission=submission,
        contact_sheet=contact_sheet_key(plan.name),
        contact_sheet_sha256=hashlib.sha256(sheet).hexdigest(),
        rendered=len(rendered),
        quarantined=tuple(sorted(quarantined, key=lambda photo: photo.file_name)),
        shards=tuple(shard.digest for shard in shards),
        shard_records=tuple(
            hashlib.sha256(shard_document(shard)).hexdigest() if is_settled(shard) else None
            for shard in shards
        ),
        submittable=not quarantined or plan.request.accept_quarantined,
    )


def _read_ahead(keys: Sequence[str], store: ObjectStore, readers: ThreadPoolExecutor) -> Iterator[bytes]:
    """Read objects in order, a few of them before they are asked for."""
    waiting = iter(keys)
    reading = deque(readers.submit(store.read, key) for key in islice(waiting, _READ_AHEAD))
    while reading:
        body = reading.popleft().result()
        reading.extend(readers.submit(store.read, key) for key in islice(waiting, 1))
        yield body
