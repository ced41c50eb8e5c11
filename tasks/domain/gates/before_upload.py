"""G4 and G8: what is asked before anything is uploaded, so that no scoring slot is spent on it.

Digests, pixel differences and textures are given; no photo is opened here.
"""

from collections.abc import Iterator, Mapping

from tasks.domain.buckets import BUCKETS, Bucket
from tasks.domain.gates.outcomes import Check, compare, not_applicable, require
from tasks.domain.gates.records import (
    ArtifactDigests,
    BucketTexture,
    GateOutcome,
    GatePolicy,
    NoveltyEvidence,
)


def novelty(name: str, evidence: NoveltyEvidence | None, policy: GatePolicy) -> Iterator[GateOutcome]:
    """G4: the output must be no earlier submission's, by zip, by files, by pixels, nor almost.

    Args:
        name: Canonical name of the candidate.
        evidence: Its digests and those of all earlier submissions; None if they were not taken.
        policy: How near is too near.
    """
    checks = {
        "submission": Check("G4", "zip_digest", "upload"),
        "behaviour": Check("G4", "behaviour_digest", "upload"),
        "pixels": Check("G4", "pixel_digest", "upload"),
        "near": Check("G4", "near_duplicate", "upload"),
    }
    yield _named(name, evidence)
    if evidence is None:
        yield from (
            require(check, ["digests were never compared"], satisfied="") for check in checks.values()
        )
        return
    own, earlier = evidence.digests, [one for one in evidence.earlier if one.name != name]
    satisfied = f"equal to none of {len(earlier)} earlier submissions"
    zips = [one for one in earlier if one.submission_sha256 == own.submission_sha256]
    files = [one for one in earlier if one.behaviour_digest == own.behaviour_digest]
    pixels = [one for one in earlier if own.pixel_digest and one.pixel_digest == own.pixel_digest]
    yield require(checks["submission"], _equal("zip", zips), satisfied=satisfied)
    yield require(checks["behaviour"], _equal("photo files", files), satisfied=satisfied)
    taken = [] if own.pixel_digest else ["no digest of the decoded pixels was taken"]
    yield require(checks["pixels"], [*taken, *_equal("pixels", pixels)], satisfied=satisfied)
    yield _near_duplicate(checks["near"], name, evidence, policy)


def texture(
    textures: tuple[BucketTexture, ...] | None, bucket_photos: Mapping[Bucket, int], policy: GatePolicy
) -> Iterator[GateOutcome]:
    """G8: no bucket may have lost its texture, in bytes per pixel or in sharpness.

    Args:
        textures: One for each bucket that has photos; None if they were not measured.
        bucket_photos: Photos of the test set in each bucket.
        policy: How much must be left.
    """
    for bucket in BUCKETS:
        measured = [one for one in textures or () if one.bucket == bucket]
        yield from _bucket_texture(bucket, measured, bucket_photos.get(bucket, 0), policy)
    photos = sum(bucket_photos.values())
    yield require(
        Check("G8", "photos", "upload"),
        [] if photos > 0 else ["the test set has no photos"],
        satisfied=f"textures are asked of {photos} photos",
    )


def _named(name: str, evidence: NoveltyEvidence | None) -> GateOutcome:
    check = Check("G4", "canonical_name", "upload")
    found = evidence.digests.name if evidence else None
    problems = [] if name and found == name else [f"digests must be recorded under {name!r}, got {found!r}"]
    return require(check, problems, satisfied=f"recorded as {name!r}")


def _equal(what: str, others: list[ArtifactDigests]) -> list[str]:
    return [f"{what} equal to those of {other.name!r}" for other in others]


def _near_duplicate(check: Check, name: str, evidence: NoveltyEvidence, policy: GatePolicy) -> GateOutcome:
    """Hold the nearest earlier submission against the limit; exactly at the limit is too near."""
    others = [one for one in evidence.compared if one.name != name]
    if not others:
        return not_applicable(check, "no earlier submission's photos were there to compare with")
    nearest = min(others, key=lambda one: one.largest_difference)
    return compare(
        check,
        nearest.largest_difference,
        ">",
        policy.near_duplicate_levels,
        what="largest difference in grey levels",
        note=f" (to {nearest.name!r}, the nearest of {len(others)})",
    )


def _bucket_texture(
    bucket: Bucket, measured: list[BucketTexture], photos: int, policy: GatePolicy
) -> Iterator[GateOutcome]:
    size_check = Check("G8", "bytes_per_pixel", "upload", bucket)
    sharpness_check = Check("G8", "sharpness", "upload", bucket)
    if photos == 0:
        reason = f"bucket {bucket!r} has no photos in the test set"
        yield not_applicable(size_check, reason)
        yield not_applicable(sharpness_check, reason)
        return
    found = measured[0] if len(measured) == 1 else None
    what, note = (
        f"bucket {bucket!r}",
        f" ({photos} photos, against the {found.reference if found else 'inputs'})",
    )
    yield compare(
        size_check,
        _bytes_ratio(found) if found else None,
        ">=",
        policy.min_bytes_ratio,
        what=f"{what} bytes per pixel, relative,",
        note=note,
    )
    yield compare(
        sharpness_check,
        found.sharpness_ratio if found else None,
        ">=",
        policy.min_sharpness_ratio,
        what=f"{what} sharpness, relative,",
        note=f" ({photos} photos)",
    )


def _bytes_ratio(found: BucketTexture) -> float:
    return (found.size / found.pixels) / (found.reference_size / found.reference_pixels)
