"""Photos whose EXIF block names the camera that took them."""

from PIL import Image

from tests.hostile_images import jpeg, with_segments


def photo_by(
    maker: str = "Canon", model: str = "EOS 5D", lens: str = "EF16-35mm", focal: float = 16
) -> bytes:
    """Give a small photo that says it was taken so."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = maker, model
    exif[0x8769] = {0xA434: lens, 0x920A: focal}
    return with_segments(jpeg(), (0xE1, b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")))
