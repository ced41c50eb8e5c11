"""Plans a run: the digest of its input, the slices that are rendered as one, the content key of each.

Pure arithmetic on records; nothing here reads a photo or knows where one lies.
"""

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from tasks.domain.schemas import (
    Engine,
    PhotoShard,
    RenderedPhoto,
    RenderedShard,
    RoutedPhoto,
    RouteUse,
    RunPlan,
)

_PASSING: Final = frozenset({"changed", "timed_out", "crashed", "out_of_memory", "render_failed"})
"""Why a photo was lost, where another try may not lose it."""


def folder_digest(digests: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over the sorted lines ``file name NUL sha256``; independent of the order given."""
    total = hashlib.sha256()
    for name, sha256 in sorted(digests):
        total.update(f"{name}\0{sha256}\n".encode())
    return total.hexdigest()


def shard_digest(photos: Sequence[RoutedPhoto], engine: Engine) -> str:
    """Content key of a shard: what is rendered, how, and with which engine, its CPU included.

    The route label and its reason are left out: two methods that choose the same warp for the same
    photo share the rendered result.
    """
    recipe = {
        "engine": engine.model_dump(mode="json"),
        "photos": [
            [
                routed.photo.id,
                routed.photo.sha256,
                routed.warp.model_dump(mode="json"),
                routed.interpolation,
                routed.border,
            ]
            for routed in photos
        ],
    }
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, allow_nan=False).encode()).hexdigest()


def plan_shards(photos: Iterable[RoutedPhoto], *, shard_size: int, engine: Engine) -> tuple[PhotoShard, ...]:
    """Cut the photos, sorted by id, into shards of ``shard_size``; the last one may be smaller."""
    if shard_size < 1:
        raise ValueError(f"shard_size must be 1 or more, got {shard_size}")
    ordered = sorted(photos, key=lambda routed: routed.photo.id)
    slices = (tuple(ordered[start : start + shard_size]) for start in range(0, len(ordered), shard_size))
    return tuple(
        PhotoShard(index=index, digest=shard_digest(part, engine), photos=part)
        for index, part in enumerate(slices)
    )


def plan_document(plan: RunPlan) -> bytes:
    """Write a plan as it is stored; equal plans give equal bytes."""
    return plan.model_dump_json().encode()


def is_intact(photo: RenderedPhoto, body: bytes) -> bool:
    """Whether these bytes are the rendered photo, by size, CRC-32 and SHA-256."""
    return (
        len(body) == photo.size
        and zlib.crc32(body) == photo.crc32
        and hashlib.sha256(body).hexdigest() == photo.sha256
    )


def is_settled(record: RenderedShard) -> bool:
    """Whether another try would come to the same: no photo was lost for a reason that may pass."""
    return not any(photo.code in _PASSING for photo in record.quarantined)


def shard_document(record: RenderedShard) -> bytes:
    """Write a shard's record as it is stored; equal records give equal bytes."""
    return record.model_dump_json().encode()


def accounts_for(record: RenderedShard, shard: PhotoShard) -> bool:
    """Whether a record is of this shard and tells what became of each of its photos, once."""
    told = [f"{photo.id}.jpg" for photo in record.photos] + [one.file_name for one in record.quarantined]
    planned = [f"{routed.photo.id}.jpg" for routed in shard.photos]
    return record.digest == shard.digest and sorted(told) == sorted(planned)


def count_routes(photos: Iterable[RoutedPhoto]) -> tuple[RouteUse, ...]:
    """Count the photos of each route and coefficient set, most used first."""
    uses = Counter(
        (routed.route, routed.warp, routed.interpolation, routed.border, routed.coefficient_source)
        for routed in photos
    )
    return tuple(
        RouteUse(
            route=route,
            warp=warp,
            interpolation=interpolation,
            border=border,
            coefficient_source=source,
            photos=count,
        )
        for (route, warp, interpolation, border, source), count in sorted(
            uses.items(), key=lambda item: (-item[1], item[0][0], repr(item[0][1]))
        )
    )
