import hashlib
import io
import zipfile
import zlib

import pytest

from tasks.domain.schemas import (
    Engine,
    Provenance,
    QuarantinedPhoto,
    RenderedPhoto,
    RunManifest,
    SubmissionZip,
)
from tasks.domain.submission_zip import NotSubmittable, StoredPhotoDamaged, require_submittable, zip_chunks
from tests.render_requests import request_for

GOLDEN = "6ffca043c7cab34d71885afc1ca8b07d0c98b8b4f63f840ea0aaf3825fa4a4e8"
BODIES = {"b_g1": b"second photo", "a_g0": b"first photo", "c": b"\xff\xd8 third"}


def rendered(photo_id: str) -> RenderedPhoto:
    body = BODIES[photo_id]
    return RenderedPhoto(
        id=photo_id, size=len(body), crc32=zlib.crc32(body), sha256=hashlib.sha256(body).hexdigest()
    )


def packed(*ids: str) -> bytes:
    return b"".join(zip_chunks([rendered(one) for one in ids], [BODIES[one] for one in ids]))


def test_the_zip_holds_every_photo_flat_and_stored() -> None:
    archive = zipfile.ZipFile(io.BytesIO(packed("a_g0", "b_g1", "c")))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "a_g0.jpg": BODIES["a_g0"],
        "b_g1.jpg": BODIES["b_g1"],
        "c.jpg": BODIES["c"],
    }
    assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert not any(info.flag_bits & 0x08 for info in archive.infolist())  # no data descriptors


def test_equal_photos_give_the_same_bytes_on_every_machine() -> None:
    # golden: the zip of these three bodies as first written; a change here breaks every stored digest
    assert hashlib.sha256(packed("a_g0", "b_g1", "c")).hexdigest() == GOLDEN


def test_a_body_that_is_not_the_recorded_photo_stops_the_zip() -> None:
    with pytest.raises(StoredPhotoDamaged, match="'a_g0' must have 11 bytes"):
        b"".join(zip_chunks([rendered("a_g0")], [b"other bytes!"]))


def test_photos_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="sorted by id"):
        packed("b_g1", "a_g0")


def test_a_missing_body_is_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        b"".join(zip_chunks([rendered("a_g0"), rendered("b_g1")], [BODIES["a_g0"]]))


def manifest(*, submittable: bool) -> RunManifest:
    return RunManifest(
        name="submission_calibguard_dim_safe_20260101_000000",
        created="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:01:00+00:00",
        provenance=Provenance(
            git_commit=None,
            git_dirty=None,
            command="render/safe",
            flow_run_id="1",
            parameters={},
            python="3.11",
            platform="Linux",
        ),
        request=request_for("photos", shard_size=250),
        engine=Engine(backend="opencv", quality=95, versions={}),
        plan_sha256="0" * 64,
        table_digest=None,
        input_digest="0" * 64,
        routes=(),
        submission=SubmissionZip(key="k", size=1, sha256="0" * 64, behaviour_digest="0" * 64, photos=1),
        contact_sheet="sheet",
        contact_sheet_sha256="0" * 64,
        rendered=1,
        quarantined=tuple(
            QuarantinedPhoto(file_name=f"p{index}.jpg", code="truncated", reason="cut") for index in range(7)
        ),
        shards=(),
        shard_records=(),
        submittable=submittable,
    )


def test_a_zip_that_lacks_photos_is_not_submittable() -> None:
    with pytest.raises(NotSubmittable, match=r"lacks 7 quarantined photos: 'p0.jpg'.* and 2 more"):
        require_submittable(manifest(submittable=False))


def test_a_zip_whose_gaps_were_accepted_is_submittable() -> None:
    require_submittable(manifest(submittable=True))
