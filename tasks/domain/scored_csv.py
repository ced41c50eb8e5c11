"""Reads a judge's scored CSV, and refuses everything that is not exactly one score for each photo.

The file is ``image_id,score`` in plain UTF-8, one line a photo, scores from 0 to 100 with a decimal point.
Nothing is mended or guessed: quotes, spaces, exponents, a byte order mark or a cut last line are problems,
and all problems of a file are told at once, each with its row. Whether the file belongs to the zip it is
said to belong to is asked elsewhere.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from typing import Final

from tasks.domain.errors import DocumentError
from tasks.domain.score_schemas import PhotoScore, ScoreSummary

MAX_BYTES: Final = 4 * 1024 * 1024  # 1,000 rows have about 30 kB
MEAN_TOLERANCE: Final = Fraction(1, 100)
"""Largest difference between the CSV's mean divided by 100 and the judge's ``avg_score``.

With 1,000 rows it misses any edit of the scores that sums to less than 1,000 points, so it finds a file of
the wrong scale or another run's file, not a forged row: that is what the recorded digests are for.
"""

_HEADER: Final = "image_id,score"
_SCORE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,6})?")  # judges write two decimals; six are kept exactly
_FORMULA: Final = ("=", "+", "-", "@", "\t")
_NAMED: Final = 5
_FEW: Final = 1_000  # rows too many are told one by one up to this number


def parse_scored_csv(
    raw: bytes, *, source: str, expected_ids: Collection[str], max_bytes: int = MAX_BYTES
) -> tuple[PhotoScore, ...]:
    """Read the scores of exactly the expected photos, sorted by id.

    Args:
        raw: The file as the judge sent it. Lines end in LF or, all of them, in CRLF.
        source: What to call the file in errors.
        expected_ids: Ids of the photos that were submitted, each once.
        max_bytes: Longest file accepted.

    Raises:
        DocumentError: All problems found; rows are counted from 1, the header being row 1.
    """
    lines = _lines(raw, source=source, max_bytes=max_bytes)
    problems = [] if lines[0] == _HEADER else [_header_problem(lines[0])]
    known = frozenset(expected_ids)
    if len(lines) - 1 > len(known) + _FEW:
        raise DocumentError(source, [f"it has {len(lines) - 1} rows; {len(known)} photos were submitted"])
    rows = [line.split(",") for line in lines[1:]]
    for number, cells in enumerate(rows, start=2):
        problems += [f"row {number}: {problem}" for problem in _row_problems(cells, known)]
    problems += _set_problems([cells[0] for cells in rows], known)
    if problems:
        raise DocumentError(source, problems)
    return tuple(PhotoScore(image_id=name, score=float(score)) for name, score in sorted(rows))


def check_summary(scores: Sequence[PhotoScore], summary: ScoreSummary, *, source: str) -> None:
    """Refuse a judge's summary that does not describe these scores.

    Raises:
        DocumentError: All contradictions found.
    """
    problems = summary_problems(scores, summary)
    if problems:
        raise DocumentError(source, problems)


def summary_problems(scores: Sequence[PhotoScore], summary: ScoreSummary) -> tuple[str, ...]:
    """Give a sentence for each contradiction between a scored CSV and the summary that came with it."""
    return tuple(_summary_problems(scores, summary))


def _lines(raw: bytes, *, source: str, max_bytes: int) -> list[str]:
    """Split into lines, or refuse what cannot be split reliably."""
    if len(raw) > max_bytes:
        raise DocumentError(source, [f"it has {len(raw)} bytes; at most {max_bytes} are read"])
    if not raw:
        raise DocumentError(
            source, [f"it is empty; the header {_HEADER!r} and a row for each photo were expected"]
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) + 1
        raise DocumentError(source, [f"row {row}: it is no UTF-8 at byte {error.start}"]) from error
    problems = list(_text_problems(text))
    if problems:
        raise DocumentError(source, problems)
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")


def _text_problems(text: str) -> Iterator[str]:
    if text.startswith("\N{ZERO WIDTH NO-BREAK SPACE}"):
        yield "row 1: it begins with a byte order mark; plain UTF-8 was expected"
    if "\0" in text:
        yield f"row {_row_of(text, text.index(chr(0)))}: it holds a NUL byte"
    if not text.endswith("\n"):
        yield f"row {_row_of(text, len(text))}: its line does not end; the file was cut off, fetch it again"
    both, cr, lf = text.count("\r\n"), text.count("\r"), text.count("\n")
    if cr != both or both not in (0, lf):
        yield f"its line ends are mixed, {cr} CR and {lf} LF; either LF or CRLF throughout was expected"


def _row_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _header_problem(found: str) -> str:
    return f"row 1: the header must be {_HEADER!r}, got {_shown(found)}"


def _row_problems(cells: Sequence[str], known: Collection[str]) -> Iterator[str]:
    """Name everything wrong within one row."""
    if cells == [""]:
        yield "it is blank; a photo's id and score were expected"
        return
    if len(cells) != 2:
        yield (
            f"2 cells were expected, got {len(cells)}: {_shown(','.join(cells))}; "
            f"scores have a decimal point and no separators"
        )
        return
    name, score = cells
    id_problem = _id_problem(name, known)
    if id_problem:
        yield id_problem
    score_problem = _score_problem(score)
    if score_problem:
        yield f"score of {_shown(name)} {score_problem}"


def _id_problem(name: str, known: Collection[str]) -> str | None:
    if name in known:
        return None
    if name.startswith(_FORMULA):
        return f"id {_shown(name)} is a spreadsheet formula, no photo's id"
    if '"' in name:
        return f"id {_shown(name)} is quoted; plain ids were expected"
    return f"{_shown(name)} is none of the {len(known)} submitted photos"


def _score_problem(score: str) -> str | None:
    if not _SCORE.fullmatch(score):
        return f"is {_shown(score)}; a number from 0 to 100 such as 24.99 was expected"
    if float(score) > 100.0:
        return f"is {score}, above 100"
    return None


def _set_problems(names: Sequence[str], known: frozenset[str]) -> Iterator[str]:
    """Name the photos that occur twice or not at all."""
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names, start=2):
        rows_of[name].append(row)
    for name, rows in sorted(rows_of.items()):
        if len(rows) > 1 and name in known:
            yield f"{_shown(name)} has {len(rows)} scores, in rows {', '.join(map(str, rows))}"
    missing = sorted(known.difference(names))
    if missing:
        listed = ", ".join(_shown(name) for name in missing[:_NAMED])
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        yield f"it lacks {len(missing)} of {len(known)} photos: {listed}{more}"


def _summary_problems(scores: Sequence[PhotoScore], summary: ScoreSummary) -> Iterator[str]:
    rows = len(scores)
    for field in ("total_images", "scored"):
        count = getattr(summary, field)
        if count != rows:
            yield f"{field} is {count}, but the CSV has {rows} rows"
    if summary.missing != 0:
        yield f"missing is {summary.missing}; 0 was expected, every photo must be scored"
    zeros = sum(row.score == 0.0 for row in scores)
    if summary.hard_fails > zeros:
        yield f"hard_fails is {summary.hard_fails}, but only {zeros} rows have score 0"
    if rows:
        yield from _mean_problem(scores, summary.avg_score)


def _mean_problem(scores: Sequence[PhotoScore], avg_score: float) -> Iterator[str]:
    """Compare the means as the decimals they were written as, so that the tolerance itself is exact."""
    mean = sum((Fraction(repr(row.score)) for row in scores), Fraction()) / (100 * len(scores))
    difference = abs(mean - Fraction(repr(avg_score)))
    if difference > MEAN_TOLERANCE:
        yield (
            f"avg_score is {avg_score}, but the CSV's mean divided by 100 is {float(mean):.6f}; "
            f"they differ by more than {float(MEAN_TOLERANCE)}"
        )


def _shown(text: str) -> str:
    """Quote remote text in ASCII and cut it, so that it can neither steer a terminal nor flood a log."""
    return ascii(text if len(text) <= 60 else f"{text[:60]}...")
