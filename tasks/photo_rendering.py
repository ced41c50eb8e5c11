"""Renders one routed photo in a render process: the same lines here and on a rented machine.

It knows neither where the photo comes from nor where it goes.
"""

from gpu.coordinates import ImageSize
from gpu.jpeg.rejection import PhotoRejected
from gpu.render import EncodedPhoto, RenderJob
from tasks.domain.schemas import Engine, QuarantinedPhoto, RenderedPhoto, RoutedPhoto
from tasks.originals import OriginalChanged
from tasks.photo_workers import PhotoLost, PhotoWorkers
from tasks.warps import radial_map_of

PHOTO_FAULTS = (PhotoRejected, PhotoLost, OriginalChanged)
"""What costs one photo and leaves the others alone."""


def render_job(routed: RoutedPhoto, original: bytes, engine: Engine) -> RenderJob:
    """Say what is to be done with the bytes of a photo."""
    photo = routed.photo
    return RenderJob(
        photo=original,
        mapping=radial_map_of(routed.warp, ImageSize(photo.width, photo.height)),
        interpolation=routed.interpolation,
        border=routed.border,
        quality=engine.quality,
        backend=engine.backend,
    )


def render_routed(
    routed: RoutedPhoto, original: bytes, engine: Engine, workers: PhotoWorkers
) -> EncodedPhoto:
    """Render a photo with the warp that was chosen for it.

    Raises:
        PhotoRejected: The photo is damaged or of a kind that is not accepted.
        PhotoLost: It was lost for a reason that may pass.
    """
    return workers.render(render_job(routed, original, engine))


def rendered_photo(routed: RoutedPhoto, encoded: EncodedPhoto) -> RenderedPhoto:
    """Describe a photo that is stored."""
    return RenderedPhoto(
        id=routed.photo.id, size=len(encoded.jpeg), crc32=encoded.crc32, sha256=encoded.sha256
    )


def quarantined_photo(
    routed: RoutedPhoto, error: PhotoRejected | PhotoLost | OriginalChanged
) -> QuarantinedPhoto:
    """Describe a photo that is left out."""
    return QuarantinedPhoto(file_name=f"{routed.photo.id}.jpg", code=error.code, reason=str(error))
