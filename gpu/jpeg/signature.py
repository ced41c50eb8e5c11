"""Names what a file really is when it is not the JPEG its name promises.

Looks at the first bytes only and decodes nothing; a wrong guess costs a word in a sentence, because
the file is refused either way.
"""

from typing import NamedTuple

_CONVERT = "supply the photo as an 8-bit RGB or grey JPEG"
_DOWNLOAD = "a server's message was saved in its place, download the photo again"


class Stranger(NamedTuple):
    """A file of another kind, with its article, and what its owner can do."""

    name: str
    advice: str = _CONVERT


_SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": Stranger("a PNG"),
    b"GIF8": Stranger("a GIF"),
    b"II*\x00": Stranger("a TIFF or camera raw file"),
    b"MM\x00*": Stranger("a TIFF or camera raw file"),
    b"II+\x00": Stranger("a TIFF"),
    b"MM\x00+": Stranger("a TIFF"),
    b"BM": Stranger("a BMP"),
    b"8BPS": Stranger("a Photoshop document"),
    b"\x00\x00\x00\x0cjP  ": Stranger("a JPEG 2000 file"),
    b"\xff\x4f\xff\x51": Stranger("a JPEG 2000 file"),
    b"\x00\x00\x00\x0cJXL ": Stranger("a JPEG XL file"),
    b"\xff\x0a": Stranger("a JPEG XL file"),
    b"%PDF": Stranger("a PDF"),
    b"PK\x03\x04": Stranger("a zip archive"),
    b"\x1f\x8b": Stranger("a gzip archive"),
    b"version https://git-lfs": Stranger("a git-lfs pointer", "fetch the photo itself with `git lfs pull`"),
}
_TEXTS = {
    b"<!doctype html": Stranger("an HTML page", _DOWNLOAD),
    b"<html": Stranger("an HTML page", _DOWNLOAD),
    b"<svg": Stranger("an SVG drawing"),
    b"<": Stranger("an XML document", _DOWNLOAD),
    b"{": Stranger("a JSON document", _DOWNLOAD),
}
_BRANDS = {b"avif": Stranger("an AVIF"), b"qt  ": Stranger("a film"), b"isom": Stranger("a film")}


def identify(data: bytes) -> Stranger:
    """Guess the kind of a file that is no JPEG."""
    head = data[:64]
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, stranger in _SIGNATURES.items():
        if head.startswith(start):
            return stranger
    for start, stranger in _TEXTS.items():
        if text.startswith(start):
            return stranger
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Stranger("a WebP")
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], Stranger("a HEIC"))
    if not head.strip(b"\x00"):
        return Stranger("a run of zero bytes", "copy or download the photo again")
    return Stranger(f"a file that starts with {head[:4].hex(' ').upper()}")
