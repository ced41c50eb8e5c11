"""Scored CSVs that no judge of ours writes, each spoilt at a place that a seed chooses."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.photos import listing_ids

IDS: Final = listing_ids(40)
SCORES: Final = {photo_id: f"{20 + number}.{number:02d}" for number, photo_id in enumerate(IDS)}

Rows = list[list[str]]
Spoil = Callable[[Rows, random.Random], bytes]

_NO_SCORES: Final = (
    *("NaN", "nan", "inf", "-inf", "Infinity", "1e999", "1e1", "-0.01", "-5", "100.01", "1000", "101"),
    *("", " ", "null", "None", "true", "12.", ".5", "+1", "0x10", "1_0", "12.3456789", "12,34", "=1+1"),
    *('"12.34"', "12.34%", "12.34\t", " 12.34", "\uff11\uff12", "12.3\x1b[2J4", "1" * 400, "12.34;"),
)
_NO_IDS: Final = (
    *("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "", " ", "../../etc/passwd", "h\u200bome"),
    *("\x1b[2J", "home\r", '"home000_g0"', "HOME000_G0", "home000_g0.jpg", "x" * 5000),
)


def good() -> bytes:
    """What a judge writes."""
    return written([[photo_id, score] for photo_id, score in SCORES.items()])


def written(rows: Rows, *, header: str = "image_id,score", end: str = "\n") -> bytes:
    return "".join(f"{line}{end}" for line in (header, *(",".join(cells) for cells in rows))).encode()


def hostile_csvs(*, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give a name and the bytes of each; every kind in turn, at other places each time."""
    choices = random.Random(seed)  # noqa: S311  the same files again, not secrets
    kinds = list(_SPOILS.items())
    for number in range(count):
        name, spoil = kinds[number % len(kinds)]
        rows = [[photo_id, score] for photo_id, score in SCORES.items()]
        yield f"{number:03d} {name}", spoil(rows, choices)


def _at(choices: random.Random, rows: Rows) -> int:
    return choices.randrange(len(rows))


def _other_score(rows: Rows, choices: random.Random) -> bytes:
    rows[_at(choices, rows)][1] = choices.choice(_NO_SCORES)
    return written(rows)


def _other_id(rows: Rows, choices: random.Random) -> bytes:
    rows[_at(choices, rows)][0] = choices.choice(_NO_IDS)
    return written(rows)


def _lost(rows: Rows, choices: random.Random) -> bytes:
    for _ in range(choices.choice((1, 1, 20, 40))):
        rows.pop(_at(choices, rows))
    return written(rows)


def _added(rows: Rows, choices: random.Random) -> bytes:
    for number in range(choices.choice((1, 50, 30_000))):
        rows.insert(_at(choices, rows), [f"home999_g{number}", "50.00"])
    return written(rows)


def _twice(rows: Rows, choices: random.Random) -> bytes:
    name = rows[_at(choices, rows)][0]
    rows.insert(_at(choices, rows), [name, choices.choice(("0.00", "99.00"))])
    return written(rows)


def _taken_over(rows: Rows, choices: random.Random) -> bytes:
    """One photo's row stands in the place of another's."""
    one, other = choices.sample(rows, 2)
    one[0] = other[0]
    return written(rows)


def _swapped_cells(rows: Rows, choices: random.Random) -> bytes:
    rows[_at(choices, rows)].reverse()
    return written(rows)


def _cells(rows: Rows, choices: random.Random) -> bytes:
    row = rows[_at(choices, rows)]
    row[:] = choices.choice(([row[0]], [*row, "1"], [""], [row[0], "", row[1]], [f"{row[0]};{row[1]}"]))
    return written(rows)


def _cut(rows: Rows, choices: random.Random) -> bytes:
    """The last number is still one: only the missing line end tells."""
    whole = written(rows)
    return whole[: choices.randrange(len(whole) // 2, len(whole))]


def _header(rows: Rows, choices: random.Random) -> bytes:
    headers = ("image_id;score", "id,score", "score,image_id", "Image_Id,Score", "image_id,score,")
    return written(rows, header=choices.choice((*headers, "image_id", " image_id,score", "")))


def _no_header(rows: Rows, choices: random.Random) -> bytes:
    return written(rows).partition(b"\n")[2]


def _before(rows: Rows, choices: random.Random) -> bytes:
    return choices.choice((b"\xef\xbb\xbf", b"\n", b" ", b"# scores\n", b"sep=,\n", b"\0")) + written(rows)


def _byte(rows: Rows, choices: random.Random) -> bytes:
    whole = bytearray(written(rows))
    whole.insert(choices.randrange(len(whole)), choices.choice(b"\0\xff\xc0\x1b\x7f\x80"))
    return bytes(whole)


def _line_ends(rows: Rows, choices: random.Random) -> bytes:
    """Mixed ones, and those of the systems that have neither LF nor CRLF."""
    lines = written(rows).split(b"\n")[:-1]
    ends = [choices.choice((b"\n", b"\r\n")) for _ in lines]
    ends[choices.randrange(len(ends))] = choices.choice((b"\r", b"\n\n", b"\r\r\n", b"\x0b", b"\xe2\x80\xa8"))
    return b"".join(line + end for line, end in zip(lines, ends, strict=True))


def _encoded(rows: Rows, choices: random.Random) -> bytes:
    return written(rows).decode().encode(choices.choice(("utf-16", "utf-16-le", "utf-32", "cp500")))


def _quoted(rows: Rows, choices: random.Random) -> bytes:
    quote = choices.choice(("'", '"'))
    return written([[f"{quote}{name}{quote}", score] for name, score in rows])


def _scale(rows: Rows, choices: random.Random) -> bytes:
    """Scores from 0 to 1, which are numbers like others: only the judge's own average tells."""
    return written([[name, f"{float(score) / 100:.4f}"] for name, score in rows])


def _edited(rows: Rows, choices: random.Random) -> bytes:
    """Scores raised by more than the average's last digits hide."""
    for row in choices.sample(rows, 10):
        row[1] = "99.99"
    return written(rows)


def _huge(rows: Rows, choices: random.Random) -> bytes:
    return choices.choice((b"x" * (5 << 20), written(rows) + b"\n" * (1 << 20), b"," * (2 << 20)))


def _other_format(rows: Rows, choices: random.Random) -> bytes:
    return choices.choice((b"", b"<html>504</html>\n", b'{"csv": "a,1"}\n', b"PK\x03\x04", b"\n", b"a,b"))


_SPOILS: Final[Mapping[str, Spoil]] = {
    "a score that is none": _other_score,
    "an id that is none": _other_id,
    "rows missing": _lost,
    "rows extra": _added,
    "a row twice": _twice,
    "a row in another's place": _taken_over,
    "cells swapped": _swapped_cells,
    "cells too few or many": _cells,
    "cut": _cut,
    "another header": _header,
    "no header": _no_header,
    "something before the header": _before,
    "a byte that does not belong": _byte,
    "line ends": _line_ends,
    "another encoding": _encoded,
    "quotes": _quoted,
    "scale 0 to 1": _scale,
    "edited scores": _edited,
    "huge": _huge,
    "another format": _other_format,
}
