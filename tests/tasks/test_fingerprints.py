import hashlib
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.fingerprint import largest_difference
from gpu.jpeg.codec import Plane, Planes, decode, encode
from gpu.jpeg.header import read_header
from gpu.render import RenderJob, render_photo
from infra.errors import ObjectMissing
from infra.store.interface import StoredObject
from infra.store.local import LocalStore
from tasks.domain.fingerprints import SetFingerprint, bucket_textures, pixel_digest
from tasks.domain.gates.decision import decide_upload
from tasks.domain.gates.records import GatePolicy, PixelComparison, UploadDecision
from tasks.domain.schemas import (
    Engine,
    PhotoShard,
    Provenance,
    RenderedPhoto,
    RenderedShard,
    RenderRequest,
    RoutedPhoto,
    RunManifest,
)
from tasks.evidence import Run
from tasks.fingerprints import (
    PhotoUnmeasurable,
    input_fingerprint,
    novelty_evidence,
    output_fingerprint,
)
from tasks.inventory import inventory_of
from tasks.keys import fingerprint_key, photo_key, shard_prefix
from tasks.packed_photos import SubmissionZipDamaged
from tasks.packing import assembled_zip, manifest_of
from tasks.planning import planned_run
from tasks.records import RecordUnreadable
from tasks.warps import radial_map_of
from tests.hostile_images import with_segments
from tests.photos import fill_folder, listing_ids

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
IDS = listing_ids(5)
LEVELS = GatePolicy().near_duplicate_levels
PROVENANCE = Provenance(
    git_commit=None,
    git_dirty=None,
    command="render/safe",
    flow_run_id="run",
    parameters={},
    python="3.11",
    platform="Linux",
)

Way = Callable[[RoutedPhoto, bytes], bytes]
"""How a run makes a photo from its original."""


class CountingStore(LocalStore):
    """Counts what is read of each key."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads: Counter[str] = Counter()

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        self.reads[key] += 1
        return super().read_range(key, start=start, length=length)


class RivalStore(LocalStore):
    """Keeps a fingerprint of another run's, a trifle sharper, just before each of ours."""

    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> StoredObject:
        if key.startswith("fingerprints/"):
            ours = SetFingerprint.model_validate_json(body)
            sharper = tuple(one.model_copy(update={"sharpness": one.sharpness + 1e-9}) for one in ours.photos)
            super().create(key, ours.model_copy(update={"photos": sharper}).model_dump_json().encode())
        return super().create(key, body, sha256=sha256)


Render = Callable[..., Run]


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


@pytest.fixture
def render(render_request: RenderRequest, store: CountingStore) -> Render:
    """Finish a run of the same originals in a way of one's own; each has its own shards and name."""
    folder = fill_folder(Path(render_request.photos_folder), IDS, width=640, height=428)

    def finish(run_id: str, way: Way, *, left_out: str | None = None) -> Run:
        if left_out is not None:
            (folder / f"{left_out}.jpg").unlink()
        engine = Engine(backend="opencv", quality=95, versions={"renderer": run_id})
        plan = planned_run(
            inventory_of(folder), render_request, engine, run_id=run_id, created=NOON, store=store
        )
        shards = [stored_shard(shard, folder, way, store) for shard in plan.shards]
        zipped = assembled_zip(plan, shards, store)
        manifest = manifest_of(plan, shards, zipped, b"sheet", PROVENANCE, NOON)
        return Run(manifest, manifest_sha256="0" * 64, plan=plan, family="calibguard_dim")

    return finish


def stored_shard(shard: PhotoShard, folder: Path, way: Way, store: CountingStore) -> RenderedShard:
    photos = []
    for routed in shard.photos:
        body = way(routed, (folder / f"{routed.photo.id}.jpg").read_bytes())
        store.create(photo_key(shard.digest, routed.photo.id), body)
        photos.append(
            RenderedPhoto(
                id=routed.photo.id,
                size=len(body),
                crc32=zlib.crc32(body),
                sha256=hashlib.sha256(body).hexdigest(),
            )
        )
    return RenderedShard(digest=shard.digest, photos=tuple(photos), quarantined=())


def honest(routed: RoutedPhoto, original: bytes) -> bytes:
    """The photo as the product renders it."""
    mapping = radial_map_of(routed.warp, ImageSize(routed.photo.width, routed.photo.height))
    job = RenderJob(original, mapping, routed.interpolation, routed.border, quality=95, backend="opencv")
    return render_photo(job).jpeg


def commented(routed: RoutedPhoto, original: bytes) -> bytes:
    return with_segments(honest(routed, original), (0xFE, b"rendered by someone else"))


def brightened(routed: RoutedPhoto, original: bytes) -> bytes:
    planes = planes_of(honest(routed, original))
    return encode(replace(planes, luma=planes.luma + (planes.luma < 255)), quality=100)


def untouched(_: RoutedPhoto, original: bytes) -> bytes:
    return original


def blurred(_: RoutedPhoto, original: bytes) -> bytes:
    """What scored 0.00 on all photos: 2048 pixels scaled to 256 and back, here with as few of 640."""

    def through_an_eighth(plane: Plane) -> Plane:
        height, width = plane.shape
        small = cv2.resize(plane, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)

    planes = planes_of(original)
    assert planes.chroma is not None
    blue, red = map(through_an_eighth, planes.chroma)
    return encode(replace(planes, luma=through_an_eighth(planes.luma), chroma=(blue, red)), quality=95)


def planes_of(photo: bytes) -> Planes:
    return decode(photo, read_header(photo))


def decided(run: Run, earlier: list[Run], store: CountingStore) -> UploadDecision:
    name = run.manifest.name
    found = novelty_evidence(
        name, run.manifest, [one.manifest for one in earlier], store, near_duplicate_levels=LEVELS
    )
    inputs = input_fingerprint(run, store)
    outputs = output_fingerprint(run.manifest, store)
    return decide_upload(
        name,
        novelty_evidence=found,
        textures=bucket_textures(outputs, inputs, None),
        bucket_photos=run.bucket_photos,
        policy=GatePolicy(),
    )


def failed(decision: UploadDecision) -> set[str]:
    return {outcome.check for outcome in decision.outcomes if not outcome.passed}


def with_zip(run: Run, content: bytes, store: CountingStore) -> RunManifest:
    """Put other bytes in the place of a run's zip; the manifest, given back, does not notice."""
    key = run.manifest.submission.key
    store.delete(key)
    store.create(key, content)
    return run.manifest


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


def test_an_honest_render_beside_an_unwarped_one_may_be_uploaded(
    render: Render, store: CountingStore
) -> None:
    decision = decided(render("a", honest), [render("b", untouched)], store)
    assert failed(decision) == set()
    assert decision.upload


def test_photos_scaled_to_256_pixels_and_back_fail_the_texture_gate(
    render: Render, store: CountingStore
) -> None:
    decision = decided(render("a", blurred), [], store)
    assert not decision.upload
    assert failed(decision) == {"bytes_per_pixel", "sharpness"}


def test_edited_metadata_is_no_novelty(render: Render, store: CountingStore) -> None:
    first, edited = render("a", honest), render("b", commented)
    assert first.manifest.submission.behaviour_digest != edited.manifest.submission.behaviour_digest
    assert failed(decided(edited, [first], store)) == {"pixel_digest", "near_duplicate"}


def test_one_level_of_brightness_is_a_near_duplicate(render: Render, store: CountingStore) -> None:
    assert failed(decided(render("b", brightened), [render("a", honest)], store)) == {"near_duplicate"}


def test_the_same_photos_in_another_zip_are_known_by_their_digest(
    render: Render, store: CountingStore
) -> None:
    first, again = render("a", honest), render("b", honest)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as repacked:
        for photo_id, body in reversed(photos_of(again, store).items()):
            repacked.writestr(f"{photo_id}.jpg", body)
    manifest = with_zip(again, content.getvalue(), store)
    submission = manifest.submission.model_copy(
        update={"size": len(content.getvalue()), "sha256": hashlib.sha256(content.getvalue()).hexdigest()}
    )
    again = replace(again, manifest=manifest.model_copy(update={"submission": submission}))
    assert output_fingerprint(again.manifest, store).digest == first.manifest.submission.behaviour_digest
    expected = {"behaviour_digest", "pixel_digest", "near_duplicate"}
    assert failed(decided(again, [first], store)) == expected


def photos_of(run: Run, store: CountingStore) -> dict[str, bytes]:
    keys = {
        routed.photo.id: photo_key(shard.digest, routed.photo.id)
        for shard in run.plan.shards
        for routed in shard.photos
    }
    return {photo_id: store.read(key) for photo_id, key in keys.items()}


def test_the_comparison_ends_at_the_first_photo_that_is_far_enough(
    render: Render, store: CountingStore
) -> None:
    run, other = render("a", honest), render("b", untouched)
    pairs = zip(photos_of(run, store).values(), photos_of(other, store).values(), strict=True)
    differences = [largest_difference(mine, theirs) for mine, theirs in pairs]
    assert LEVELS < differences[0] < max(differences)
    for levels, expected in ((LEVELS, differences[0]), (255, max(differences))):
        evidence = novelty_evidence("a", run.manifest, [other.manifest], store, near_duplicate_levels=levels)
        assert [one.largest_difference for one in evidence.compared] == [expected]


def test_a_run_of_fewer_photos_differs_by_255(render: Render, store: CountingStore) -> None:
    whole = render("a", honest)
    part = render("b", honest, left_out=IDS[0])
    evidence = novelty_evidence("b", part.manifest, [whole.manifest], store, near_duplicate_levels=LEVELS)
    assert [one.largest_difference for one in evidence.compared] == [255]


def test_the_candidates_own_entry_does_not_count(render: Render, store: CountingStore) -> None:
    run = render("a", honest)
    evidence = novelty_evidence(
        "canonical", run.manifest, [run.manifest], store, near_duplicate_levels=LEVELS
    )
    assert evidence.digests.name == "canonical"
    assert (evidence.earlier, evidence.compared) == ((), ())


def test_what_was_measured_is_read_back_and_not_measured_again(render: Render, store: CountingStore) -> None:
    run = render("a", honest)
    outputs = output_fingerprint(run.manifest, store)
    inputs = input_fingerprint(run, store)
    assert store.reads[run.manifest.submission.key] >= len(IDS)
    store.reads.clear()
    for photo_id in IDS:
        (Path(run.plan.request.photos_folder) / f"{photo_id}.jpg").unlink()
    assert output_fingerprint(run.manifest, store) == outputs
    assert input_fingerprint(run, store) == inputs
    assert store.reads == {}


def test_the_fingerprint_is_that_of_the_zip_whether_rendered_photos_are_there_or_pruned(
    render: Render, store: CountingStore
) -> None:
    run = render("a", honest)
    before = output_fingerprint(run.manifest, store)
    store.delete(fingerprint_key(before.digest))
    for shard in run.plan.shards:
        for found in list(store.list(shard_prefix(shard.digest))):
            store.delete(found.key)
    assert output_fingerprint(run.manifest, store) == before


def test_an_earlier_run_whose_zip_was_pruned_is_known_by_what_was_measured_of_it(
    render: Render, store: CountingStore
) -> None:
    run, equal, other, unmeasured = map(render, "abcd", (honest, commented, untouched, blurred))
    pixels = [pixel_digest(output_fingerprint(one.manifest, store)) for one in (equal, other)]
    earlier = [one.manifest for one in (equal, other, unmeasured)]
    for manifest in earlier:
        store.delete(manifest.submission.key)
    evidence = novelty_evidence("a", run.manifest, earlier, store, near_duplicate_levels=LEVELS)
    assert [one.pixel_digest for one in evidence.earlier] == [*pixels, None]
    assert evidence.compared == (PixelComparison(name=equal.manifest.name, largest_difference=0),)


def test_a_candidate_whose_zip_is_gone_is_compared_with_nothing(render: Render, store: CountingStore) -> None:
    run, other = render("a", honest), render("b", untouched)
    output_fingerprint(run.manifest, store)
    store.delete(run.manifest.submission.key)
    with pytest.raises(ObjectMissing):
        novelty_evidence("a", run.manifest, [other.manifest], store, near_duplicate_levels=LEVELS)


def test_originals_that_were_not_rendered_are_not_measured(render: Render, store: CountingStore) -> None:
    run = render("a", honest)
    quarantined = ({"file_name": f"{IDS[2]}.jpg", "code": "damaged", "reason": "a test"},)
    manifest = RunManifest.model_validate(run.manifest.model_dump() | {"quarantined": quarantined})
    measured = input_fingerprint(replace(run, manifest=manifest), store)
    assert [photo.id for photo in measured.photos] == [one for one in IDS if one != IDS[2]]


def test_a_photo_damaged_in_the_zip_is_refused_by_name(render: Render, store: CountingStore) -> None:
    run = render("a", honest)
    content = store.read(run.manifest.submission.key)
    place = content.index(f"{IDS[2]}.jpg".encode()) + 5_000
    manifest = with_zip(run, flipped(content, place), store)
    with pytest.raises(SubmissionZipDamaged, match=rf"{manifest.submission.key} must hold photo '{IDS[2]}'"):
        output_fingerprint(manifest, store)
    assert store.head(fingerprint_key(manifest.submission.behaviour_digest)) is None


def test_a_zip_of_other_photos_is_refused(render: Render, store: CountingStore) -> None:
    run, other = render("a", honest), render("b", untouched)
    key, stranger = run.manifest.submission.key, store.read(other.manifest.submission.key)
    manifest = with_zip(run, stranger, store)
    size = {"submission": manifest.submission.model_copy(update={"size": len(stranger)})}
    with pytest.raises(SubmissionZipDamaged, match=f"{key} must hold photos of digest"):
        output_fingerprint(manifest.model_copy(update=size), store)


@pytest.mark.parametrize("field", [0, 16, 24, 42, 45, 46])
@pytest.mark.parametrize("entry", ["first", "last"])
def test_a_zip_whose_directory_is_damaged_is_refused(
    render: Render, store: CountingStore, entry: str, field: int
) -> None:
    # signature, CRC-32, size, low and high byte of the offset, name
    run = render("a", honest)
    content = store.read(run.manifest.submission.key)
    place = (content.index if entry == "first" else content.rindex)(b"PK\1\2") + field
    manifest = with_zip(run, flipped(content, place), store)
    with pytest.raises(SubmissionZipDamaged, match=f"{manifest.submission.key} must hold"):
        output_fingerprint(manifest, store)


def test_a_directory_that_claims_to_lie_behind_the_end_is_refused(
    render: Render, store: CountingStore
) -> None:
    run = render("a", honest)
    content = store.read(run.manifest.submission.key)
    high_byte = len(content) - 3  # of the directory's offset, in the record that ends every zip
    with pytest.raises(SubmissionZipDamaged, match="photos in the order of its directory"):
        output_fingerprint(with_zip(run, flipped(content, high_byte), store), store)


def test_a_zip_that_lost_a_photo_after_it_was_measured_is_refused(
    render: Render, store: CountingStore
) -> None:
    run, other = render("a", honest), render("b", untouched)
    output_fingerprint(other.manifest, store)
    head, name, tail = store.read(other.manifest.submission.key).rpartition(f"{IDS[0]}.jpg".encode())
    with_zip(other, head + name.replace(b"home", b"hole") + tail, store)
    with pytest.raises(SubmissionZipDamaged, match=f"must hold photo '{IDS[0]}', found none"):
        novelty_evidence("a", run.manifest, [other.manifest], store, near_duplicate_levels=LEVELS)


def test_a_packed_file_that_is_no_photo_is_refused_by_name(render: Render, store: CountingStore) -> None:
    run = render("a", lambda routed, original: b"<html>" if routed.photo.id == IDS[1] else original)
    with pytest.raises(PhotoUnmeasurable, match=rf"\.zip/{IDS[1]}\.jpg: expected a JPEG photo"):
        output_fingerprint(run.manifest, store)


@pytest.mark.parametrize("content", [b"other", None])
def test_an_original_that_was_changed_since_is_refused_by_name(
    render: Render, store: CountingStore, content: bytes | None
) -> None:
    run = render("a", honest)
    original = Path(run.plan.request.photos_folder) / f"{IDS[1]}.jpg"
    original.unlink()
    if content is not None:
        original.write_bytes(content)
    with pytest.raises(PhotoUnmeasurable, match=f"{original}: the file"):
        input_fingerprint(run, store)


def test_of_two_runs_that_measure_at_once_the_first_to_keep_is_right(
    render: Render, store: CountingStore, tmp_path: Path
) -> None:
    run = render("a", honest)
    found = output_fingerprint(run.manifest, RivalStore(tmp_path / "store"))
    assert found == output_fingerprint(run.manifest, store)


def test_a_fingerprint_kept_under_the_key_of_another_is_refused(render: Render, store: CountingStore) -> None:
    run = render("a", honest)
    key = fingerprint_key(run.manifest.submission.behaviour_digest)
    store.create(key, SetFingerprint(digest="0" * 64, photos=()).model_dump_json().encode())
    with pytest.raises(RecordUnreadable, match=key):
        output_fingerprint(run.manifest, store)
