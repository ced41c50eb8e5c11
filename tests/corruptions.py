"""Damages a store behind its back, one object at a time, in ways that a seed chooses."""

import random
import string
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree, rmtree

from infra.store.opening import open_store
from tasks.domain.fsck import FsckReport

_TO_NOTHING = 0.25  # of the truncations


@dataclass(frozen=True)
class Corruption:
    """What was done, and to which keys."""

    name: str
    keys: tuple[str, ...]

    def is_found(self, report: FsckReport) -> bool:
        """Whether a finding points at it; an entry that is gone shows in what it sealed."""
        if self.name.startswith("delete ledger/"):
            return not report.is_clean
        return any(finding.key in self.keys for finding in report.findings)


@contextmanager
def corrupted(folder: Path, number: int, *, seed: int) -> Iterator[tuple[Path, Corruption]]:
    """Give a copy of a store's folder with one corruption; equal numbers and seeds corrupt alike."""
    copy = folder.with_name(f"{folder.name}-{number}")
    copytree(folder, copy)
    choices = random.Random(f"{seed} {number}")  # noqa: S311  the same again, not secrets
    try:
        yield copy, list(_KINDS.values())[number % len(_KINDS)](copy, choices)
    finally:
        rmtree(copy)


def _flip(folder: Path, choices: random.Random) -> Corruption:
    key = _target(folder, choices)
    body = bytearray((folder / key).read_bytes())
    place, bit = choices.randrange(len(body)), choices.randrange(8)
    body[place] ^= 1 << bit
    (folder / key).write_bytes(body)
    return Corruption(f"flip bit {bit} of byte {place} of {key}", (key,))


def _truncate(folder: Path, choices: random.Random) -> Corruption:
    key = _target(folder, choices)
    body = (folder / key).read_bytes()
    size = 0 if choices.random() < _TO_NOTHING else choices.randrange(len(body))
    (folder / key).write_bytes(body[:size])
    return Corruption(f"truncate {key} from {len(body)} to {size} bytes", (key,))


def _delete(folder: Path, choices: random.Random) -> Corruption:
    key = _target(folder, choices)
    (folder / key).unlink()
    return Corruption(f"delete {key}", (key,))


def _swap(folder: Path, choices: random.Random) -> Corruption:
    """Swap two objects that differ; half of the time two in one room of the store, where there are two."""
    key = _target(folder, choices)
    body = (folder / key).read_bytes()
    others = [other for other in _targets(folder) if (folder / other).read_bytes() != body]
    near = [other for other in others if _room(other) == _room(key)]
    other = choices.choice(near if near and choices.random() < 0.5 else others)
    (folder / key).write_bytes((folder / other).read_bytes())
    (folder / other).write_bytes(body)
    return Corruption(f"swap {key} and {other}", (key, other))


def _rename(folder: Path, choices: random.Random) -> Corruption:
    key = _target(folder, choices)
    new = next(new for new in _similar(key, choices) if not (folder / new).exists())
    (folder / new).parent.mkdir(parents=True, exist_ok=True)
    (folder / key).rename(folder / new)
    return Corruption(f"rename {key} to {new}", (key, new))


_KINDS: Mapping[str, Callable[[Path, random.Random], Corruption]] = {
    "flip": _flip,
    "truncate": _truncate,
    "delete": _delete,
    "swap": _swap,
    "rename": _rename,
}


def _similar(key: str, choices: random.Random) -> Iterator[str]:
    """Give keys of the same kind: one digit or letter differs in a part that is no fixed word."""
    parts = key.split("/")
    numbered = [at for at, part in enumerate(parts) if any(sign.isdigit() for sign in part)]
    while True:
        at = choices.choice(numbered)
        stem, dot, suffix = parts[at].partition(".")
        place = choices.choice([place for place, sign in enumerate(stem) if sign.isalnum()])
        new = choices.choice(_alphabet(stem, stem[place]).replace(stem[place], ""))
        renamed = f"{stem[:place]}{new}{stem[place + 1 :]}{dot}{suffix}"
        yield "/".join([*parts[:at], renamed, *parts[at + 1 :]])


def _alphabet(stem: str, sign: str) -> str:
    if set(stem) <= set("0123456789abcdef"):
        return "0123456789abcdef"
    return string.digits if sign.isdigit() else string.ascii_lowercase


def _target(folder: Path, choices: random.Random) -> str:
    """Choose a room of the store and an object in it, so that photos do not crowd out all else."""
    rooms: dict[str, list[str]] = {}
    for key in _targets(folder):
        rooms.setdefault(_room(key), []).append(key)
    return choices.choice(rooms[choices.choice(list(rooms))])


def _targets(folder: Path) -> list[str]:
    """All objects but leases: one that was altered into another lease is no damage that anyone could see."""
    keys = [found.key for found in open_store(str(folder)).list("")]
    return [key for key in keys if not key.endswith("/lease.json")]


def _room(key: str) -> str:
    return key.partition("/")[0]
