"""JSON documents that are spoilt in the ways in which people, programs and attackers spoil them.

A kind of document says where it has numbers and what it cannot do without, so that each way of spoiling it
must be refused. What a document ignores on purpose, such as a portal's further members, is not tried on it.
"""

import copy
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class DocumentKind:
    """One kind of document, with one that is good and what reads it."""

    name: str
    good: bytes
    read: Callable[[bytes], object]
    numbers: Sequence[Place]
    required: Sequence[Place]
    closed: bool = True
    """Whether unknown members are refused."""


Spoil = Callable[[DocumentKind, random.Random], bytes]


def hostile_json(
    kinds: Sequence[DocumentKind], *, count: int, seed: int
) -> Iterator[tuple[str, DocumentKind, bytes]]:
    """Give a name, the kind and the bytes of each; all pairs of kind and way in an order of the seed's."""
    choices = random.Random(seed)  # noqa: S311  the same documents again, not secrets
    ways = [(kind, way) for kind in kinds for way in _ways(kind).items()]
    choices.shuffle(ways)
    for number in range(count):
        kind, (way, spoil) = ways[number % len(ways)]
        yield f"{number:03d} {kind.name}, {way}", kind, spoil(kind, choices)


def _ways(kind: DocumentKind) -> dict[str, Spoil]:
    numbers = _OF_NUMBERS if kind.numbers else {}
    return {**_OF_ALL, **numbers, **(_OF_CLOSED if kind.closed else {})}


def _with(kind: DocumentKind, place: Place, value: object) -> bytes:
    """Put a value at a place; what JSON has no word for is written as Python does."""
    tree = json.loads(kind.good)
    node: Any = tree
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value
    return json.dumps(tree).encode()


def _number(value: object) -> Spoil:
    return lambda kind, choices: _with(kind, choices.choice(kind.numbers), value)


def _literal(digits: str) -> Spoil:
    """Put digits that no Python number has into the place of a number."""

    def spoil(kind: DocumentKind, choices: random.Random) -> bytes:
        mark = 1234567890123
        return _with(kind, choices.choice(kind.numbers), mark).replace(str(mark).encode(), digits.encode())

    return spoil


def _required(value: object) -> Spoil:
    return lambda kind, choices: _with(kind, choices.choice(kind.required), value)


def _missing(kind: DocumentKind, choices: random.Random) -> bytes:
    tree = json.loads(kind.good)
    place = choices.choice(kind.required)
    node: Any = tree
    for step in place[:-1]:
        node = node[step]
    del node[place[-1]]
    return json.dumps(tree).encode()


def _unknown(name: str) -> Spoil:
    return lambda kind, choices: _with(kind, (name,), 1)


def _twice(kind: DocumentKind, choices: random.Random) -> bytes:
    """The same member again, with the value it has and with another."""
    name = str(choices.choice(kind.required)[0])
    value = copy.deepcopy(json.loads(kind.good)[name]) if choices.random() < 0.5 else None
    return kind.good.rstrip()[:-1] + b"," + json.dumps({name: value}).encode()[1:]


def _inserted(junk: bytes) -> Spoil:
    def spoil(kind: DocumentKind, choices: random.Random) -> bytes:
        position = kind.good.index(b'"') + 1  # inside the first member's name
        return kind.good[:position] + junk + kind.good[position:]

    return spoil


def _whole(document: bytes) -> Spoil:
    return lambda kind, choices: document


def _cut(kind: DocumentKind, choices: random.Random) -> bytes:
    return kind.good.rstrip()[: choices.randrange(len(kind.good.rstrip()))]


_OF_NUMBERS: Final[Mapping[str, Spoil]] = {
    "NaN": _number(float("nan")),
    "Infinity": _number(float("inf")),
    "1e999": _literal("1e999"),
    "-1e999": _literal("-1e999"),
    "a number of 400 digits": _literal("9" * 400),
    "a number with a plus": _literal("+1"),
    "hexadecimal": _literal("0x1F"),
    "a number as text": _number("1"),
    "true for a number": _number(True),
    "a list for a number": _number([1]),
    "an object for a number": _number({}),
}
_OF_CLOSED: Final[Mapping[str, Spoil]] = {
    "huge": _whole(b'{"a": "' + b"x" * (5 << 20) + b'"}'),
    "unknown member": _unknown("colour"),
    "unknown member that steers terminals": _unknown("\x1b[2J\nnot: an error"),
}
_OF_ALL: Final[Mapping[str, Spoil]] = {
    "null": _required(None),
    "a list": _required([[]]),
    "an object": _required({"\x1b[2J": 1}),
    "half a surrogate pair": _required("\ud800"),
    "missing": _missing,
    "a member twice": _twice,
    "a NUL byte": _inserted(b"\0"),
    "no UTF-8": _inserted(b"\xff"),
    "a line break in a name": _inserted(b"\n"),
    "cut": _cut,
    "empty": _whole(b""),
    "blank": _whole(b" \n\t "),
    "null alone": _whole(b"null"),
    "a number alone": _whole(b"1"),
    "a list alone": _whole(b"[]"),
    "nested without end": _whole(b"[" * 100_000),
    "objects nested without end": _whole(b'{"a":' * 100_000),
    "a page": _whole(b"<html><body>504 Gateway Time-out</body></html>"),
    "YAML": _whole(b"!!python/object/apply:os.system ['true']"),
    "a pickle": _whole(b"cos\nsystem\n(S'true'\ntR."),
    "more after its end": lambda kind, choices: kind.good + b"{}",
    "a comma at its end": lambda kind, choices: kind.good.rstrip()[:-1] + b",}",
    "a comment": lambda kind, choices: b"// ours\n" + kind.good,
    "single quotes": lambda kind, choices: kind.good.replace(b'"', b"'"),
    "UTF-16": lambda kind, choices: kind.good.decode().encode("utf-16"),
}
