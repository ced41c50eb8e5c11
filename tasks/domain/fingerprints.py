"""What a set of photos is, decoded: the evidence that gates G4 and G8 ask for, drawn from numbers per photo.

Pure arithmetic on records. Decoding is the work of ``gpu.fingerprint``, reading and keeping that of
``tasks.fingerprints``, and what is too near or too soft is decided by the gates.
"""

from collections import defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Self

from pydantic import Field, model_validator

from tasks.domain.buckets import BUCKETS, Bucket, bucket_of
from tasks.domain.gates.records import BucketTexture
from tasks.domain.schemas import Record, Sha256
from tasks.domain.shards import folder_digest


class PhotoTrace(Record):
    """One photo in numbers; see ``gpu.fingerprint`` for how they are taken."""

    id: str
    width: int = Field(ge=1)
    """Pixels as stored."""
    height: int = Field(ge=1)
    """Pixels as stored."""
    size: int = Field(ge=1)
    """Bytes of the file."""
    pixel_sha256: Sha256
    sharpness: float = Field(ge=0.0)
    """Variance of the Laplacian of the luma, in squared grey levels."""


class SetFingerprint(Record):
    """The photos of one submission, or the originals of one run."""

    digest: Sha256
    """SHA-256 over the sorted lines ``file name NUL sha256`` of the photos, and the record's key."""
    photos: tuple[PhotoTrace, ...]

    @model_validator(mode="after")
    def _sorted_by_id(self) -> Self:
        ids = [photo.id for photo in self.photos]
        if ids != sorted(set(ids)):
            raise ValueError("photos must be sorted by id, each id once")
        return self

    @property
    def by_id(self) -> dict[str, PhotoTrace]:
        """The photos under their ids, in the order of the ids."""
        return {photo.id: photo for photo in self.photos}


def pixel_digest(fingerprint: SetFingerprint) -> str:
    """SHA-256 over the sorted lines ``file name NUL pixel sha256``: survives edits of metadata."""
    return folder_digest((f"{photo.id}.jpg", photo.pixel_sha256) for photo in fingerprint.photos)


def differing_photos(one: SetFingerprint, other: SetFingerprint) -> tuple[str, ...] | None:
    """Ids of the photos whose pixels differ; None where the sets are not of the same ids and sizes."""
    sizes = [
        [(photo.id, photo.width, photo.height) for photo in photos] for photos in (one.photos, other.photos)
    ]
    if sizes[0] != sizes[1]:
        return None
    pairs = zip(one.photos, other.photos, strict=True)
    return tuple(mine.id for mine, theirs in pairs if mine.pixel_sha256 != theirs.pixel_sha256)


def bucket_textures(
    outputs: SetFingerprint, inputs: SetFingerprint, champion: SetFingerprint | None
) -> tuple[BucketTexture, ...]:
    """Say for each bucket that has photos what its outputs kept of bytes and sharpness.

    Args:
        outputs: The photos of a submission.
        inputs: Their originals, of the same ids; sharpness is always relative to them.
        champion: Bytes are relative to the champion's where it has exactly the same ids, else to the inputs'.
    """
    if outputs.by_id.keys() != inputs.by_id.keys():
        raise ValueError("outputs and inputs must be of the same photos")
    comparable = champion is not None and champion.by_id.keys() == outputs.by_id.keys()
    buckets: defaultdict[Bucket, list[str]] = defaultdict(list)
    for photo in inputs.photos:
        buckets[bucket_of(photo.width, photo.height)].append(photo.id)
    return tuple(
        _bucket_texture(bucket, buckets[bucket], outputs, inputs, champion if comparable else None)
        for bucket in BUCKETS
        if bucket in buckets
    )


def _bucket_texture(
    bucket: Bucket,
    ids: Sequence[str],
    outputs: SetFingerprint,
    inputs: SetFingerprint,
    champion: SetFingerprint | None,
) -> BucketTexture:
    rendered, originals, reference = (
        _chosen(photos, ids) for photos in (outputs, inputs, champion or inputs)
    )
    return BucketTexture(
        bucket=bucket,
        size=sum(photo.size for photo in rendered),
        pixels=_pixels(rendered),
        reference="champion" if champion else "inputs",
        reference_size=sum(photo.size for photo in reference),
        reference_pixels=_pixels(reference),
        sharpness_ratio=median(map(_sharpness_ratio, rendered, originals)),
    )


def _chosen(fingerprint: SetFingerprint, ids: Sequence[str]) -> list[PhotoTrace]:
    photos = fingerprint.by_id
    return [photos[photo_id] for photo_id in ids]


def _pixels(photos: Sequence[PhotoTrace]) -> int:
    return sum(photo.width * photo.height for photo in photos)


def _sharpness_ratio(output: PhotoTrace, original: PhotoTrace) -> float:
    """Output to original; 1 where the original is perfectly flat, since it has nothing to lose."""
    return output.sharpness / original.sharpness if original.sharpness else 1.0
