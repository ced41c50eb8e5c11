"""Finished runs put into a store without rendering: their records, and no photos."""

import hashlib
from collections.abc import Mapping

from infra.store.interface import ObjectStore
from tasks.domain.schemas import (
    Engine,
    Provenance,
    RenderedPhoto,
    RenderedShard,
    RunManifest,
    SubmissionZip,
)
from tasks.domain.shards import shard_document
from tasks.keys import contact_sheet_key, manifest_key, shard_key, submission_key
from tests.render_requests import request_for

_STAMP = "2026-02-22T03:03:58+00:00"
_DIGEST = "0" * 64


def keep_run(store: ObjectStore, name: str, photos: Mapping[str, str]) -> None:
    """Keep the manifest and the one shard record of a run.

    Args:
        store: Where to.
        name: Of the run.
        photos: What each photo's pixels are, in words; equal words give equal digests.
    """
    digest = hashlib.sha256(name.encode()).hexdigest()
    rendered = tuple(
        RenderedPhoto(id=photo, size=1, crc32=0, sha256=hashlib.sha256(pixels.encode()).hexdigest())
        for photo, pixels in photos.items()
    )
    shard = RenderedShard(digest=digest, photos=rendered, quarantined=())
    document = shard_document(shard)
    store.create(shard_key(digest), document)
    manifest = _manifest(name, digest, hashlib.sha256(document).hexdigest(), len(photos))
    store.create(manifest_key(name), manifest.model_dump_json().encode())


def _manifest(name: str, shard: str, shard_record: str, photos: int) -> RunManifest:
    return RunManifest(
        name=name,
        created=_STAMP,
        finished=_STAMP,
        provenance=Provenance(
            git_commit=None,
            git_dirty=None,
            command="a test",
            flow_run_id="",
            parameters={},
            python="3.11",
            platform="Linux",
        ),
        request=request_for("photos", "zero_guard", "zero_guard_v1", shard_size=1000),
        engine=Engine(backend="opencv", quality=95, versions={}),
        plan_sha256=_DIGEST,
        table_digest=None,
        input_digest=_DIGEST,
        routes=(),
        submission=SubmissionZip(
            key=submission_key(name), size=1, sha256=_DIGEST, behaviour_digest=_DIGEST, photos=photos
        ),
        contact_sheet=contact_sheet_key(name),
        contact_sheet_sha256=_DIGEST,
        rendered=photos,
        quarantined=(),
        shards=(shard,),
        shard_records=(shard_record,),
        submittable=True,
    )
