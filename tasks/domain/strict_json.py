"""Reads JSON that people and other machines wrote, and refuses what ``json`` lets pass.

NaN, infinities, numbers beyond a float, repeated keys, text that is no UTF-8, floods and deep nesting are
problems here. All that are found are reported at once, each with its place, and ``parse_record`` adds
what a record's own schema finds.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from tasks.domain.errors import DocumentError

MAX_BYTES: Final = 4 * 1024 * 1024  # the largest table we ship has 4 kB; a refit's has some 100 kB
MAX_DEPTH: Final = 64
_MAX_DIGITS: Final = 19  # as many as a 64-bit integer has

Path = tuple[str | int, ...]
Problem = tuple[Path, str]
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the parsed tree where something was refused, so that its place can be told."""

    why: str


@dataclass(frozen=True, slots=True)
class _Repeated:
    """An object with keys that occur more than once; the last value of each is kept."""

    members: dict[str, object]
    keys: tuple[str, ...]


def parse_strict_json(text: str | bytes, *, source: str, max_bytes: int = MAX_BYTES) -> object:
    """Parse a JSON document whose every number is finite and whose every key occurs once.

    Args:
        text: The document; bytes are taken as UTF-8, and a byte order mark is skipped.
        source: What to call the document in errors, such as its path.
        max_bytes: Longest document accepted.

    Raises:
        DocumentError: All problems found, each with its place.
    """
    value, problems = _read(text, source=source, max_bytes=max_bytes)
    if problems:
        raise DocumentError(source, _sentences(problems))
    return value


def parse_record(
    text: str | bytes,
    record: type[R],
    *,
    source: str,
    further_problems: Callable[[object], Iterator[Problem]] = lambda _: iter(()),
    max_bytes: int = MAX_BYTES,
) -> R:
    """Parse a strict JSON document into a record, with every problem of all kinds in one error.

    Numbers given as text and the like are refused, not converted.

    Args:
        text: As for ``parse_strict_json``.
        record: Its schema.
        source: What to call the document in errors.
        further_problems: Checks of what the schema cannot say. It is given the parsed tree, valid or
            not, so that its findings are told along with the others.
        max_bytes: Longest document accepted.

    Raises:
        DocumentError: All problems found, each with its place, sorted by place.
    """
    value, problems = _read(text, source=source, max_bytes=max_bytes)
    found: R | None = None
    try:
        found = record.model_validate_json(json.dumps(value), strict=True)
    except ValidationError as error:
        known = {path for path, _ in problems}
        problems += [problem for problem in _schema_problems(error, value) if problem[0] not in known]
    problems += further_problems(value)
    if found is None or problems:
        raise DocumentError(source, _sentences(problems))
    return found


def place(path: Path) -> str:
    """Write a path as ``dimensions.2048x1367.primary.k1`` or ``rows[3].k1``, fit for a terminal."""
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{_plain(step[:60])}" for step in path)
    return steps.removeprefix(".") or "the document"


def _plain(key: str) -> str:
    """Write line breaks, escape sequences and half surrogate pairs of a key as escapes."""
    return key if key.isprintable() else ascii(key)[1:-1]


def _read(text: str | bytes, *, source: str, max_bytes: int) -> tuple[object, list[Problem]]:
    """Parse as far as syntax allows: the tree, with NaN where a value was refused, and the problems."""
    try:
        tree = json.loads(
            _decoded(text, source=source, max_bytes=max_bytes),
            parse_constant=lambda name: _Refused(f"{name} is no JSON number; a finite number was expected"),
            parse_float=_finite_float,
            parse_int=_short_int,
            object_pairs_hook=_members,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise DocumentError(source, [f"it is no JSON, {where}"]) from error
    except RecursionError as error:
        raise DocumentError(source, [_too_deep()]) from error
    problems: list[Problem] = []
    return _cleaned(tree, (), problems), problems


def _decoded(text: str | bytes, *, source: str, max_bytes: int) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode("utf-8", "surrogatepass"))
    if size > max_bytes:
        raise DocumentError(source, [f"it has {size} bytes; at most {max_bytes} are read"])
    try:
        plain = text.decode("utf-8") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        raise DocumentError(source, [f"it is no UTF-8 at byte {error.start}; save it as UTF-8"]) from error
    return plain.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")


def _finite_float(digits: str) -> float | _Refused:
    value = float(digits)
    return value if math.isfinite(value) else _Refused(f"{digits[:40]} is beyond the range of a float")


def _short_int(digits: str) -> int | _Refused:
    if len(digits.removeprefix("-")) > _MAX_DIGITS:
        return _Refused(f"a number of {len(digits)} digits is beyond the range of an integer")
    return int(digits)


def _members(pairs: list[tuple[str, object]]) -> dict[str, object] | _Repeated:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    counts = Counter(key for key, _ in pairs)
    return _Repeated(members, tuple(key for key, count in counts.items() if count > 1))


def _cleaned(node: object, path: Path, problems: list[Problem]) -> object:
    """Copy the tree without our marks; what they say goes to ``problems``."""
    if len(path) > MAX_DEPTH:
        problems.append((path[:3], _too_deep()))
        return None
    match node:
        case _Refused(why):
            problems.append((path, why))
            return math.nan
        case _Repeated(members, keys):
            problems.extend((path, f"key {key[:40]!r} occurs more than once") for key in keys)
            return _cleaned(members, path, problems)
        case dict():
            return {
                _cleaned_text(key, path, problems): _cleaned(value, (*path, key), problems)
                for key, value in node.items()
            }
        case list():
            return [_cleaned(value, (*path, index), problems) for index, value in enumerate(node)]
        case str():
            return _cleaned_text(node, path, problems)
    return node


def _cleaned_text(text: str, path: Path, problems: list[Problem]) -> str:
    """Write half surrogate pairs, which no UTF-8 file can hold, as escapes."""
    if text.isprintable() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    problems.append((path, f"{text[:40]!a} holds half a surrogate pair"))
    return ascii(text)


def _too_deep() -> str:
    return f"it is nested deeper than {MAX_DEPTH} levels"


def _schema_problems(error: ValidationError, document: object) -> list[Problem]:
    """Turn what pydantic found into sentences, with the value found where it is short."""
    return [
        (_path_in(document, found["loc"]), _sentence(found["type"], found["msg"], found["input"]))
        for found in error.errors(include_url=False)
    ]


def _path_in(document: Any, loc: Path) -> Path:
    """Drop the steps of a pydantic location that are its own marks (union tags, ``[key]``), no keys."""
    path: list[str | int] = []
    node = document
    for index, step in enumerate(loc):
        try:
            node = node[step]
        except (LookupError, TypeError):
            if not isinstance(node, dict) or step == "[key]" or index < len(loc) - 1:
                continue
        path.append(step)
    return tuple(path)


def _sentence(kind: str, message: str, value: object) -> str:
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is an unknown key; remove it or correct its spelling"
    if kind == "value_error":  # one of ours, which says all there is to say
        return message.removeprefix("Value error, ")
    expected = message.removeprefix("Input ")
    shown = repr(value)
    return f"{expected}, got {shown}" if len(shown) <= 60 else expected


def _sentences(problems: list[Problem]) -> list[str]:
    """Write each problem once, with its place, in the order of the places."""
    placed = sorted({(place(path), why) for path, why in problems})
    return [f"{where}: {why}" for where, why in placed]
