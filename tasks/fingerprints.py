"""Measures the photos of finished runs and keeps the numbers, so that no photo is measured twice.

The evidence of gates G4 and G8 is drawn here from the zip that would be uploaded, from the originals, and
from the zips of earlier submissions that are still there. Photos are decoded in threads of this process: all
of them came through a render process before, with these same digests.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from gpu.fingerprint import largest_difference, photo_fingerprint
from gpu.jpeg.rejection import PhotoRejected
from infra.errors import ObjectExists, ObjectMissing
from infra.store.interface import ObjectStore
from tasks.domain.errors import DomainError
from tasks.domain.fingerprints import PhotoTrace, SetFingerprint, differing_photos, pixel_digest
from tasks.domain.gates.records import ArtifactDigests, NoveltyEvidence, PixelComparison
from tasks.domain.schemas import PhotoRef, RunManifest
from tasks.domain.shards import folder_digest
from tasks.evidence import Run
from tasks.keys import fingerprint_key
from tasks.originals import OriginalChanged, read_original
from tasks.packed_photos import PackedPhotos
from tasks.records import RecordUnreadable, read_record

_DECODERS = 4  # photos that are read and decoded at once
_FARTHEST = 255  # grey levels


class PhotoUnmeasurable(DomainError):
    """A photo that was rendered or packed cannot be read or decoded now."""


def output_fingerprint(manifest: RunManifest, store: ObjectStore) -> SetFingerprint:
    """Measure the photos in a run's zip, or read what was measured before.

    Raises:
        ObjectMissing: The zip was pruned before it was ever measured.
        SubmissionZipDamaged: The zip holds other photos than were packed.
        PhotoUnmeasurable: A photo in it cannot be decoded.
        RecordUnreadable: What was kept is damaged.
    """
    digest = manifest.submission.behaviour_digest
    return _measured_once(digest, lambda: _packed_traces(manifest, store), store)


def input_fingerprint(run: Run, store: ObjectStore) -> SetFingerprint:
    """Measure the originals of the photos in a run's zip, or read what was measured before.

    Raises:
        PhotoUnmeasurable: An original is gone, was changed since, or cannot be decoded.
        RecordUnreadable: What was kept is damaged.
    """
    folder = Path(run.plan.request.photos_folder)
    digest = folder_digest((f"{photo.id}.jpg", photo.sha256) for photo in run.photos)
    return _measured_once(digest, lambda: _original_traces(folder, run.photos), store)


def novelty_evidence(
    name: str,
    manifest: RunManifest,
    earlier: Sequence[RunManifest],
    store: ObjectStore,
    *,
    near_duplicate_levels: int,
) -> NoveltyEvidence:
    """Gather what G4 asks of a candidate.

    Args:
        name: Canonical name of the candidate.
        manifest: Its run.
        earlier: Runs of all earlier submissions; the candidate's own does not count.
        store: Where all of them lie.
        near_duplicate_levels: Grey levels beyond which a comparison ends.

    Raises:
        ObjectMissing: The candidate's zip is gone; an earlier one's may be.
        DomainError: Anything that is there is damaged, see ``output_fingerprint``.
    """
    others = [run for run in earlier if run.name not in (name, manifest.name)]
    fingerprints = {manifest.submission.behaviour_digest: output_fingerprint(manifest, store)}
    for run in others:
        with suppress(ObjectMissing):  # pruned before it was ever measured
            fingerprints[run.submission.behaviour_digest] = output_fingerprint(run, store)
    return NoveltyEvidence(
        digests=_digests(name, manifest, fingerprints),
        earlier=tuple(_digests(run.name, run, fingerprints) for run in others),
        compared=compared(
            manifest, others, store, fingerprints=fingerprints, near_duplicate_levels=near_duplicate_levels
        ),
    )


def compared(
    manifest: RunManifest,
    earlier: Iterable[RunManifest],
    store: ObjectStore,
    *,
    fingerprints: Mapping[str, SetFingerprint],
    near_duplicate_levels: int,
) -> tuple[PixelComparison, ...]:
    """Compare a run's photos with those of each earlier run, sample by sample.

    Photos of equal pixels are not opened, and a comparison ends at the first photo that differs by more than
    ``near_duplicate_levels``. Earlier runs whose photos would have to be opened and are gone are left out.

    Args:
        manifest: The run.
        earlier: The runs to compare it with.
        store: Where their zips lie.
        fingerprints: By behaviour digest; an earlier run without one is left out.
        near_duplicate_levels: Grey levels.

    Raises:
        ObjectMissing: The run's own zip is gone.
        SubmissionZipDamaged: A zip that is there holds other photos than were packed.
    """
    own, packed = fingerprints[manifest.submission.behaviour_digest], PackedPhotos(manifest.submission, store)
    comparisons = []
    for run in earlier:
        if (other := fingerprints.get(run.submission.behaviour_digest)) is None:
            continue
        differing = differing_photos(own, other)
        with suppress(ObjectMissing):  # its fingerprint outlived its zip
            found = _largest_difference(packed, run, differing, store, enough=near_duplicate_levels)
            comparisons.append(PixelComparison(name=run.name, largest_difference=found))
    return tuple(comparisons)


def _measured_once(
    digest: str, measure: Callable[[], Iterable[PhotoTrace]], store: ObjectStore
) -> SetFingerprint:
    """Read the fingerprint of this digest, or measure and keep it; whoever kept one first is right."""
    key = fingerprint_key(digest)
    with suppress(ObjectMissing):
        return _kept(key, digest, store)
    fingerprint = SetFingerprint(digest=digest, photos=tuple(measure()))
    try:
        store.create(key, fingerprint.model_dump_json().encode())
    except ObjectExists:
        return _kept(key, digest, store)
    return fingerprint


def _kept(key: str, digest: str, store: ObjectStore) -> SetFingerprint:
    kept = read_record(SetFingerprint, key, store)
    if kept.digest != digest:
        raise RecordUnreadable(
            f"{store.url}/{key} must be of the photos of digest {digest}, found {kept.digest}; "
            f"move it out of the store, and they will be measured again"
        )
    return kept


def _packed_traces(manifest: RunManifest, store: ObjectStore) -> list[PhotoTrace]:
    packed = PackedPhotos(manifest.submission, store)

    def measured(photo_id: str) -> tuple[PhotoTrace, str]:
        body = packed.read(photo_id)
        return _trace(photo_id, body, packed.place), hashlib.sha256(body).hexdigest()

    with ThreadPoolExecutor(_DECODERS) as decoders:
        photos = list(decoders.map(measured, packed.ids))
    promised = manifest.submission.behaviour_digest
    if (found := folder_digest((f"{photo.id}.jpg", sha256) for photo, sha256 in photos)) != promised:
        raise packed.damaged(f"photos of digest {promised}, found {found}")
    return [photo for photo, _ in photos]


def _original_traces(folder: Path, photos: Sequence[PhotoRef]) -> list[PhotoTrace]:
    def measured(photo: PhotoRef) -> PhotoTrace:
        try:
            return _trace(photo.id, read_original(folder, photo), str(folder))
        except OriginalChanged as error:
            raise PhotoUnmeasurable(f"{folder}/{photo.id}.jpg: {error}") from error

    with ThreadPoolExecutor(_DECODERS) as decoders:
        return list(decoders.map(measured, photos))


def _trace(photo_id: str, jpeg: bytes, place: str) -> PhotoTrace:
    try:
        return PhotoTrace(id=photo_id, **asdict(photo_fingerprint(jpeg)))
    except PhotoRejected as error:
        raise PhotoUnmeasurable(f"{place}/{photo_id}.jpg: {error}") from error


def _digests(name: str, run: RunManifest, fingerprints: Mapping[str, SetFingerprint]) -> ArtifactDigests:
    fingerprint = fingerprints.get(run.submission.behaviour_digest)
    return ArtifactDigests(
        name=name,
        submission_sha256=run.submission.sha256,
        behaviour_digest=run.submission.behaviour_digest,
        pixel_digest=pixel_digest(fingerprint) if fingerprint else None,
    )


def _largest_difference(
    packed: PackedPhotos,
    earlier: RunManifest,
    differing: Sequence[str] | None,
    store: ObjectStore,
    *,
    enough: int,
) -> int:
    """Grey levels between the ``differing`` photos of two zips; a lower bound where it exceeds ``enough``."""
    if not differing:
        return _FARTHEST if differing is None else 0
    other = PackedPhotos(earlier.submission, store)

    def difference(photo_id: str) -> int:
        return largest_difference(packed.read(photo_id), other.read(photo_id))

    largest = 0
    with ThreadPoolExecutor(_DECODERS) as decoders:
        for found in decoders.map(difference, differing):
            largest = max(largest, found)
            if largest > enough:
                decoders.shutdown(wait=False, cancel_futures=True)
                break
    return largest
