"""What a user asks for, where a test does not care about most of it."""

from pathlib import Path

from tasks.domain.schemas import RenderRequest


def request_for(
    photos: Path | str,
    method: str = "calibguard_dim",
    variant: str | None = "safe",
    *,
    shard_size: int = 4,
    table: str | None = None,
    artifact_tag: str | None = None,
) -> RenderRequest:
    """Ask for a render of a folder with everything else as it is by default."""
    return RenderRequest(
        photos_folder=str(photos),
        method=method,
        variant=variant,
        interpolation=None,
        border=None,
        table=table,
        shard_size=shard_size,
        artifact_tag=artifact_tag,
        accept_quarantined=False,
    )
