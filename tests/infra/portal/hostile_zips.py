"""Zips that want to be read in two ways, or are none; each with words of the reason it is refused for."""

import io
import struct
import zipfile
from typing import Final

from tests.infra.portal.submissions import zipped

FILES: Final = {"a.jpg": b"first photo", "b.jpg": b"second photo!", "c.jpg": b"third photo?!"}
GOOD: Final = zipped(FILES)


def renamed(old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    return GOOD.replace(old, new)


def patched(body: bytes, at: int, form: str, value: int) -> bytes:
    return body[:at] + struct.pack(form, value) + body[at + struct.calcsize(form) :]


def directory_at(body: bytes) -> int:
    return int(struct.unpack("<I", body[-6:-2])[0])


def entry_at(number: int) -> int:
    return directory_at(GOOD) + number * (46 + len("a.jpg"))


def with_gap() -> bytes:
    at = directory_at(GOOD)
    return patched(GOOD[:at] + b"hidden" + GOOD[at:], len(GOOD), "<I", at + 6)


def overlapping() -> bytes:
    """Two names for one content: what a quoted-overlap bomb is made of."""
    return patched(GOOD, entry_at(1) + 42, "<I", 0)


def nested_overlap() -> bytes:
    """The first file's bytes contain the second file, header and all."""
    whole = patched(GOOD, entry_at(0) + 20, "<I", 11 + 30 + 5 + 13)
    return patched(whole, entry_at(0) + 24, "<I", 11 + 30 + 5 + 13)


def without(name: str) -> bytes:
    return zipped({other: body for other, body in FILES.items() if other != name})


def streamed() -> bytes:
    """Written to a pipe: sizes stand behind the files, and readers must trust the directory."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def tell(self) -> int:
            raise OSError("a pipe has no position")

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, body in FILES.items():
            archive.writestr(name, body)
    return pipe.getvalue()


def deflated() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in FILES.items():
            archive.writestr(name, body * 20)
    return target.getvalue()


HOSTILE: Final[dict[str, tuple[bytes, str]]] = {
    "empty": (b"", "too short"),
    "no zip": (b"<html>" * 100, "end record"),
    "a JPEG in front": (b"\xff\xd8\xff\xe0" + GOOD, "must end where its end record begins"),
    "a tail": (GOOD + b"tail", "end record"),
    "a comment": (GOOD[:-2] + b"\x04\x00tail", "end record"),
    "cut": (GOOD[:-30], "end record"),
    "end record only": (b"PK\x05\x06" + bytes(18), "must hold 3 files"),
    "missing photo": (without("c.jpg"), "must hold 3 files"),
    "one more": (zipped({**FILES, "d.jpg": b"x"}), "must hold 3 files"),
    "other name": (renamed(b"c.jpg", b"d.jpg"), "1 are missing"),
    "twice the same name": (renamed(b"b.jpg", b"a.jpg"), "more than once"),
    "other case": (renamed(b"c.jpg", b"C.jpg"), "1 are unknown"),
    "name cut by NUL": (
        zipped({**{n: FILES[n] for n in ("a.jpg", "b.jpg")}, "c.jpgX": b"x"}).replace(b"c.jpgX", b"c.jpg\0"),
        "1 are unknown",
    ),
    "climbing": (zipped({"a.jpg": b"x", "b.jpg": b"x", "../c.jpg": b"x"}), "1 are unknown"),
    "absolute": (zipped({"a.jpg": b"x", "b.jpg": b"x", "/c.jpg": b"x"}), "1 are unknown"),
    "in a folder": (zipped({"a.jpg": b"x", "b.jpg": b"x", "x/c.jpg": b"x"}), "1 are unknown"),
    "escape sequence in a name": (zipped({"a.jpg": b"x", "b.jpg": b"x", "\x1b[2J": b"x"}), r"\\x1b"),
    "deflated": (deflated(), "must be stored"),
    "deflated as stored": (patched(GOOD, entry_at(0) + 10, "<H", 8), "must be stored"),
    "stored, of two sizes": (patched(GOOD, entry_at(0) + 24, "<I", 1 << 30), "must be stored"),
    "encrypted": (patched(GOOD, entry_at(0) + 8, "<H", 1), "flags 0x0001"),
    "sizes behind": (streamed(), "flags 0x0008"),
    "header says otherwise": (patched(GOOD, 18, "<I", 10), "disagree"),
    "header has another name": (GOOD.replace(b"a.jpg", b"z.jpg", 1), "disagree"),
    "content damaged": (GOOD.replace(b"first photo", b"First photo"), "CRC"),
    "overlapping": (overlapping(), "neither overlap nor leave gaps"),
    "one file inside another": (nested_overlap(), "disagree|overlap"),
    "gap before the directory": (with_gap(), "belong to no file"),
    "directory elsewhere": (patched(GOOD, len(GOOD) - 6, "<I", 0), "must end where"),
    "zip64": (patched(GOOD, len(GOOD) - 6, "<I", 0xFFFFFFFF), "zip64"),
    "split": (patched(GOOD, len(GOOD) - 18, "<H", 1), "must hold"),
    "65534 files claimed": (patched(GOOD, len(GOOD) - 14, "<I", 0xFFFEFFFE), "65534"),
    "empty photo": (zipped({**FILES, "b.jpg": b""}), "has 0 bytes"),
    "huge photo": (zipped({**FILES, "b.jpg": bytes(1001)}), "has 1001 bytes"),
    "content reaches into the directory": (
        patched(patched(GOOD, entry_at(2) + 20, "<I", 40), entry_at(2) + 24, "<I", 40),
        "disagree",
    ),
}
