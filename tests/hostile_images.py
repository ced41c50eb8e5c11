"""Hostile photos, made at run time and the same on every run, each with the verdict it must get.

Covers what decoders are known to get wrong: silently repaired damage, bombs in memory and in time, other
formats under a ``.jpg`` name, codings outside the common denominator, and odd but honest photos that must
not be refused. Also seeded random corruptions, for the share that only a digest can find.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg
from PIL import Image

Verdict = Literal["accepted", "rejected"]
Pixels = npt.NDArray[np.uint8]

_WIDTH, _HEIGHT = 320, 240
_EOI = b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class HostileFile:
    """Bytes of one hostile photo with the verdict that is right, and its code where it is rejected."""

    name: str
    content: bytes
    verdict: Verdict
    code: str | None = None


def hostile_files() -> dict[str, bytes]:
    """Return all hostile photos by name, in a fixed order."""
    return {case.name: case.content for case in hostile_cases()}


def expected_verdicts() -> dict[str, Verdict]:
    """Return the right verdict on each of ``hostile_files``."""
    return {case.name: case.verdict for case in hostile_cases()}


def hostile_cases() -> list[HostileFile]:
    """Return all hostile photos with their verdicts, in a fixed order."""
    return [
        *_cut_files(),
        *_files_repaired_silently(),
        *_files_that_lie_about_their_size(),
        *_bombs(),
        *_other_codings(),
        *_other_formats(),
        *_broken_chains(),
        *_odd_metadata(),
        *_odd_but_honest(),
    ]


def scene(width: int = _WIDTH, height: int = _HEIGHT, *, seed: int = 0) -> Pixels:
    """Return an RGB picture with smooth shading, straight edges and grain, ``(height, width, 3)``."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [np.sin(x / 37 + y / 91), np.cos(x / 53 - y / 29), np.sin((x + y) / 71)]
    shading = 128 + 90 * np.stack(waves, axis=-1)
    shading[(x // 40 + y // 32) % 4 == 0] -= 45  # walls and frames: edges that resampling must keep
    grain = np.random.default_rng(seed).normal(0, 12, shading.shape)
    return np.clip(shading + cv2.GaussianBlur(grain, (0, 0), 0.8), 0, 255).astype(np.uint8)


def jpeg(pixels: Pixels | None = None, *, subsampling: str = "420", quality: int = 90) -> bytes:
    """Return a baseline JPEG of the pixels, or of the standard scene."""
    rgb = scene() if pixels is None else pixels
    return bytes(simplejpeg.encode_jpeg(rgb, quality, "RGB", subsampling))


def progressive_jpeg(pixels: Pixels | None = None, *, quality: int = 90) -> bytes:
    """Return a progressive 4:2:0 JPEG of ten scans."""
    return _saved(scene() if pixels is None else pixels, "JPEG", quality=quality, progressive=True)


def with_segments(photo: bytes, *segments: tuple[int, bytes]) -> bytes:
    """Return the photo with segments of marker and payload put after its JFIF segment."""
    start = 4 + int.from_bytes(photo[4:6])
    return photo[:start] + b"".join(segment(marker, payload) for marker, payload in segments) + photo[start:]


def segment(marker: int, payload: bytes) -> bytes:
    """Return one marker segment."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def exif(
    *, orientation: int = 1, thumbnail: bytes = b"", order: str = "<", next_directory: int | None = None
) -> bytes:
    """Return an EXIF payload with orientation, an opaque maker note, GPS link and, if given, a thumbnail.

    Args:
        orientation: The tag's value, valid or not.
        thumbnail: JPEG stream for IFD1.
        order: ``<`` for II, ``>`` for MM.
        next_directory: Where IFD0 links to, instead of IFD1.
    """
    maker_note = b"MAKER\x00" + bytes(range(26))
    first = 8
    second = first + 2 + 12 * 3 + 4
    note_at = second + (2 + 12 * 2 + 4 if thumbnail else 0)
    thumbnail_at = note_at + len(maker_note)
    link = (second if thumbnail else 0) if next_directory is None else next_directory
    entries = [
        struct.pack(order + "HHIHxx", 0x0112, 3, 1, orientation),
        struct.pack(order + "HHII", 0x8825, 4, 1, note_at),
        struct.pack(order + "HHII", 0x927C, 7, len(maker_note), note_at),
    ]
    tiff = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, first)
    tiff += struct.pack(order + "H", len(entries)) + b"".join(entries) + struct.pack(order + "I", link)
    if thumbnail:
        tiff += struct.pack(order + "H", 2)
        tiff += struct.pack(order + "HHII", 0x0201, 4, 1, thumbnail_at)
        tiff += struct.pack(order + "HHII", 0x0202, 4, 1, len(thumbnail))
        tiff += struct.pack(order + "I", 0)
    return b"Exif\x00\x00" + tiff + maker_note + thumbnail


def corruptions(count: int, *, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """Yield photos with one seeded corruption of their picture data each, named by its kind.

    Cycles through four encodings (4:2:0, 4:4:4, restart markers, progressive) and eleven kinds of damage,
    sized as disks, networks and copying programs cause it. A single flipped bit is not among them: three in
    four leave a valid stream, which only a digest finds.
    """
    originals = [jpeg(), jpeg(subsampling="444"), _with_restarts(), progressive_jpeg()]
    generator = np.random.default_rng(seed)
    for case in range(count):
        damaged = _damaged(originals[case % len(originals)], generator)
        kind = list(damaged)[case // len(originals) % len(damaged)]
        yield kind, damaged[kind]


def _damaged(photo: bytes, generator: np.random.Generator) -> dict[str, bytes]:
    """Return the photo with each kind of damage, at random places after its first scan header."""
    first, last = photo.index(b"\xff\xda") + 16, len(photo) - 2
    a, middle, b = sorted(int(at) for at in generator.integers(first, last, 3))
    noise = generator.integers(0, 256, 4096, dtype=np.uint8).tobytes()
    flips = generator.integers(8 * first, 8 * last, 32)
    return {
        "cut": photo[:a],
        "cut, end marker added": photo[:a] + _EOI,
        "tail zeroed": photo[:a] + bytes(len(photo) - a),
        "32 bits flipped": _with_flips(photo, flips),
        "sector overwritten": _patched(photo, a, noise[:512]),
        "page overwritten": _patched(photo, a, noise),
        "page zeroed": _patched(photo, a, bytes(4096)),
        "chunk missing": photo[:a] + photo[b:],
        "chunks swapped": photo[:a] + photo[middle:b] + photo[a:middle] + photo[b:],
        "chunk doubled": photo[:b] + photo[a:b] + photo[b:],
        "64 bytes inserted": photo[:a] + noise[:64] + photo[a:],
    }


def _with_flips(photo: bytes, bits: npt.NDArray[np.int64]) -> bytes:
    flipped = bytearray(photo)
    for bit in bits.tolist():
        flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def _patched(photo: bytes, at: int, patch: bytes) -> bytes:
    """Return the photo with bytes overwritten from ``at`` on, its end-of-image marker spared."""
    end = min(at + len(patch), len(photo) - 2)
    return photo[:at] + patch[: end - at] + photo[end:]


def _rejected(name: str, content: bytes, code: str) -> HostileFile:
    return HostileFile(name, content, "rejected", code)


def _accepted(name: str, content: bytes) -> HostileFile:
    return HostileFile(name, content, "accepted")


def _saved(pixels: Pixels, file_format: str, **options: object) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, file_format, **options)
    return target.getvalue()


def _with_restarts() -> bytes:
    return _saved(scene(), "JPEG", quality=90, restart_marker_rows=1)


def _cut_files() -> list[HostileFile]:
    photo, long = jpeg(), progressive_jpeg()
    shares = (0.001, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
    cuts = [
        _rejected(f"cut_at_{share:.1%}.jpg", photo[: int(len(photo) * share) + 3], "truncated")
        for share in shares
    ]
    return [
        *cuts,
        _rejected("last_byte_missing.jpg", photo[:-1], "truncated"),
        _rejected("eoi_missing.jpg", photo[:-2], "truncated"),
        _rejected("zero_tail.jpg", photo[: len(photo) // 2] + bytes(len(photo) // 2), "truncated"),
        _rejected("progressive_cut.jpg", long[: len(long) // 2], "truncated"),
        _rejected("soi_only.jpg", b"\xff\xd8\xff", "truncated"),
    ]


def _files_repaired_silently() -> list[HostileFile]:
    photo, long, restarts = jpeg(), progressive_jpeg(), _with_restarts()
    third, half = len(photo) // 3, len(photo) // 2
    chunk = len(photo) // 10
    last_scan = long.rindex(b"\xff\xda")
    return [
        _rejected("cut_then_eoi.jpg", photo[:half] + _EOI, "damaged"),
        _rejected("cut_late_then_eoi.jpg", photo[: len(photo) * 9 // 10] + _EOI, "damaged"),
        _rejected("progressive_cut_then_eoi.jpg", long[: last_scan - 200] + _EOI, "damaged"),
        _rejected("chunk_missing.jpg", photo[:third] + photo[third + chunk :], "damaged"),
        _rejected("chunks_swapped.jpg", _swapped(photo, third, half, chunk), "damaged"),
        _rejected("chunk_zeroed.jpg", photo[:half] + bytes(chunk) + photo[half + chunk :], "damaged"),
        _rejected("page_overwritten.jpg", _overwritten(photo, half, 512), "damaged"),
        _rejected("restart_marker_missing.jpg", _without(restarts, b"\xff\xd3"), "damaged"),
        _rejected("restart_out_of_order.jpg", restarts.replace(b"\xff\xd3", b"\xff\xd6", 1), "damaged"),
        _rejected("bit_flipped.jpg", _flipped_where_seen(photo), "damaged"),
        _rejected("progressive_overwritten.jpg", _overwritten(long, len(long) // 2, 512), "damaged"),
    ]


def _swapped(photo: bytes, first: int, second: int, size: int) -> bytes:
    a, b = photo[first : first + size], photo[second : second + size]
    return photo[:first] + b + photo[first + size : second] + a + photo[second + size :]


def _overwritten(photo: bytes, start: int, size: int) -> bytes:
    noise = np.random.default_rng(7).integers(0, 255, size, dtype=np.uint8).tobytes()  # 255 would be a marker
    return photo[:start] + noise + photo[start + size :]


def _without(photo: bytes, marker: bytes) -> bytes:
    at = photo.index(marker)
    return photo[:at] + photo[at + 2 :]


def _flipped_where_seen(photo: bytes) -> bytes:
    """Return the photo with the first bit flip that derails the Huffman stream."""
    for at in range(len(photo) // 3, len(photo)):
        flipped = photo[:at] + bytes([photo[at] ^ 0x10]) + photo[at + 1 :]
        try:
            simplejpeg.decode_jpeg(flipped)
        except ValueError:
            return flipped
    raise AssertionError("no bit flip derails this photo")


def _files_that_lie_about_their_size() -> list[HostileFile]:
    photo = jpeg()
    return [
        _rejected("height_doubled.jpg", _resized_claim(photo, _WIDTH, 2 * _HEIGHT), "damaged"),
        _rejected("height_halved.jpg", _resized_claim(photo, _WIDTH, _HEIGHT // 2), "damaged"),
        _rejected("width_doubled.jpg", _resized_claim(photo, 2 * _WIDTH, _HEIGHT), "damaged"),
        _rejected("height_zero.jpg", _resized_claim(photo, _WIDTH, 0), "unknown_height"),
        _rejected("width_zero.jpg", _resized_claim(photo, 0, _HEIGHT), "too_small"),
        _rejected("claims_30000x30000.jpg", _resized_claim(photo, 30_000, 30_000), "too_large"),
        _rejected("claims_10000x10000.jpg", _resized_claim(photo, 10_000, 10_000), "implausible_size"),
        _rejected("65500x1.jpg", jpeg(scene(65_500, 1)), "too_large"),
        _rejected("1x65500.jpg", jpeg(scene(1, 65_500)), "too_large"),
        _rejected("1x1.jpg", jpeg(scene(1, 1)), "too_small"),
    ]


def _resized_claim(photo: bytes, width: int, height: int) -> bytes:
    frame = photo.index(b"\xff\xc0")
    return photo[: frame + 5] + struct.pack(">HH", height, width) + photo[frame + 9 :]


def _bombs() -> list[HostileFile]:
    baseline, progressive = jpeg(quality=1), progressive_jpeg(quality=1)
    return [
        _rejected("png_bomb_30000x30000.jpg", _png_bomb(30_000), "not_a_jpeg"),
        _rejected("progressive_1000_scans.jpg", _scan_bomb(progressive, 1000), "scan_bomb"),
        _rejected("baseline_1000_scans.jpg", _scan_bomb(baseline, 1000), "scan_bomb"),
        _rejected("100000_comments.jpg", with_segments(baseline, *[(0xFE, b"")] * 100_000), "segment_bomb"),
    ]


def _png_bomb(side: int) -> bytes:
    """Return a black 1-bit PNG of the given side: 110 KB for 112 MB of samples at side 30000."""
    rows = zlib.compressobj()
    row = bytes(1 + side // 8)
    packed = b"".join([*(rows.compress(row * 100) for _ in range(side // 100)), rows.flush()])
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _scan_bomb(photo: bytes, scans: int) -> bytes:
    """Return the photo with its last scan repeated."""
    last = photo[photo.rindex(b"\xff\xda") : -2]
    return photo[:-2] + last * scans + _EOI


def _other_codings() -> list[HostileFile]:
    photo = jpeg()
    cmyk = io.BytesIO()
    Image.fromarray(scene()).convert("CMYK").save(cmyk, "JPEG")
    two_components = segment(0xC0, bytes([8, 0, 240, 1, 64, 2, 1, 0x11, 0, 2, 0x11, 1]))
    return [
        _rejected("cmyk.jpg", cmyk.getvalue(), "cmyk"),
        _rejected("12_bit.jpg", _with_precision(photo, 12), "twelve_bit"),
        _rejected("precision_0.jpg", _with_precision(photo, 0), "damaged"),
        _rejected("arithmetic.jpg", _with_frame_marker(photo, 0xC9), "arithmetic"),
        _rejected("arithmetic_progressive.jpg", _with_frame_marker(photo, 0xCA), "arithmetic"),
        _rejected("lossless.jpg", _with_frame_marker(photo, 0xC3), "lossless"),
        _rejected("jpeg_ls.jpg", _with_frame_marker(photo, 0xF7), "lossless"),
        _rejected("hierarchical.jpg", _with_frame_marker(photo, 0xC5), "hierarchical"),
        _rejected(
            "two_components.jpg",
            b"\xff\xd8" + two_components + photo[photo.index(b"\xff\xda") :],
            "components",
        ),
        _rejected("uneven_chroma.jpg", _with_factors(photo, 0x21, 0x12, 0x11), "subsampling"),
        _rejected("sampling_factor_0.jpg", _with_factors(photo, 0x00, 0x11, 0x11), "damaged"),
    ]


def _with_precision(photo: bytes, bits: int) -> bytes:
    at = photo.index(b"\xff\xc0") + 4
    return photo[:at] + bytes([bits]) + photo[at + 1 :]


def _with_frame_marker(photo: bytes, marker: int) -> bytes:
    return photo.replace(b"\xff\xc0", bytes([0xFF, marker]), 1)


def _with_factors(photo: bytes, *factors: int) -> bytes:
    frame = photo.index(b"\xff\xc0")
    changed = bytearray(photo)
    for index, factor in enumerate(factors):
        changed[frame + 11 + 3 * index] = factor
    return bytes(changed)


def _other_formats() -> list[HostileFile]:
    pixels = scene(64, 48)
    sixteen_bit = (np.arange(64 * 48, dtype=np.uint16) * 21).reshape(48, 64)
    random = np.random.default_rng(3).integers(0, 256, 20_000, dtype=np.uint8).tobytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 812345\n"
    contents = {
        "png.jpg": _saved(pixels, "PNG"),
        "png_16_bit.jpg": cv2.imencode(".png", sixteen_bit)[1].tobytes(),
        "gif.jpg": _saved(pixels, "GIF"),
        "webp.jpg": _saved(pixels, "WEBP"),
        "tiff.jpg": _saved(pixels, "TIFF"),
        "tiff_16_bit.jpg": cv2.imencode(".tiff", sixteen_bit)[1].tobytes(),
        "bmp.jpg": _saved(pixels, "BMP"),
        "heic.jpg": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + random[:500],
        "html.jpg": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "xml.jpg": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        "json.jpg": b'{"message": "rate limit exceeded"}',
        "git_lfs_pointer.jpg": pointer,
        "random.jpg": b"\x01" + random,
        "zeros.jpg": bytes(20_000),
    }
    formats = [_rejected(name, content, "not_a_jpeg") for name, content in contents.items()]
    return [*formats, _rejected("empty.jpg", b"", "empty")]


def _broken_chains() -> list[HostileFile]:
    photo = jpeg()
    scan = photo.index(b"\xff\xda")
    random = np.random.default_rng(5).integers(0, 255, 20_000, dtype=np.uint8).tobytes()
    return [
        _rejected("soi_then_random.jpg", b"\xff\xd8\xff\xe0\x00\x10" + random, "damaged"),
        _rejected("soi_then_eoi.jpg", b"\xff\xd8\xff\xd9", "damaged"),
        _rejected("no_frame_header.jpg", photo[:20] + photo[scan:], "damaged"),
        _rejected("no_scan.jpg", photo[:scan] + _EOI, "damaged"),
        _rejected("two_frame_headers.jpg", photo[:scan] + _frame_of(photo) + photo[scan:], "damaged"),
        _rejected("segment_length_0.jpg", photo[:20] + b"\xff\xfe\x00\x00" + photo[20:], "damaged"),
        _rejected("segment_leaves_file.jpg", photo[:20] + b"\xff\xe5\xff\xff" + photo[20:900], "truncated"),
        _rejected("no_quantisation_tables.jpg", _without_segments(photo, 0xDB), "damaged"),
    ]


def _frame_of(photo: bytes) -> bytes:
    frame = photo.index(b"\xff\xc0")
    return photo[frame : frame + 19]


def _without_segments(photo: bytes, marker: int) -> bytes:
    kept, at = photo[:2], 2
    while photo[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(photo[at + 2 : at + 4])
        kept += b"" if photo[at + 1] == marker else photo[at:end]
        at = end
    return kept + photo[at:]


def _odd_metadata() -> list[HostileFile]:
    photo = jpeg()
    garbage = b"Exif\x00\x00" + np.random.default_rng(9).integers(0, 256, 4000, dtype=np.uint8).tobytes()
    second = Image.fromarray(scene(160, 120))
    return [
        _accepted("exif_orientation_6.jpg", with_segments(photo, (0xE1, exif(orientation=6)))),
        _accepted("exif_orientation_99.jpg", with_segments(photo, (0xE1, exif(orientation=99)))),
        _accepted("exif_loop.jpg", with_segments(photo, (0xE1, exif(orientation=3, next_directory=8)))),
        _accepted("exif_link_outside.jpg", with_segments(photo, (0xE1, exif(next_directory=2**32 - 1)))),
        _accepted("exif_garbage.jpg", with_segments(photo, (0xE1, garbage))),
        _accepted("exif_empty.jpg", with_segments(photo, (0xE1, b"Exif\x00\x00"))),
        _accepted("stale_thumbnail.jpg", with_segments(photo, (0xE1, exif(thumbnail=jpeg(scene(160, 120)))))),
        _accepted("icc_in_chunks.jpg", with_segments(photo, *_icc_chunks())),
        _accepted("jfif_version_9.jpg", photo[:11] + b"\x09" + photo[12:]),
        _accepted("multi_picture.jpg", _saved(scene(), "MPO", save_all=True, append_images=[second])),
    ]


def _icc_chunks() -> list[tuple[int, bytes]]:
    profile = np.random.default_rng(11).integers(0, 256, 100_000, dtype=np.uint8).tobytes()
    halves = profile[:60_000], profile[60_000:]
    return [
        (0xE2, b"ICC_PROFILE\x00" + bytes([index, 2]) + half) for index, half in enumerate(halves, start=1)
    ]


def _odd_but_honest() -> list[HostileFile]:
    grey = cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY).astype(np.uint8)
    return [
        _accepted("grey.jpg", _saved(grey, "JPEG")),
        _accepted("progressive.jpg", progressive_jpeg()),
        _accepted("restart_markers.jpg", _with_restarts()),
        _accepted("rgb_coded.jpg", _saved(scene(), "JPEG", keep_rgb=True)),
        _accepted("odd_sides.jpg", jpeg(scene(321, 239))),
        _accepted("smallest.jpg", jpeg(scene(16, 16))),
        _accepted("quality_1.jpg", jpeg(quality=1)),
        _accepted("quality_100_444.jpg", jpeg(quality=100, subsampling="444")),
        _accepted("411.jpg", jpeg(subsampling="411")),
        _accepted("440.jpg", jpeg(subsampling="440")),
        _accepted("trailing_bytes.jpg", jpeg() + bytes(5000)),
        _accepted("fill_bytes.jpg", jpeg()[:2] + b"\xff" * 9 + jpeg()[2:]),
    ]
