"""Damages a store behind its back, one object at a time, in ways that a seed chooses."""

import os
import random
import string
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

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


def corruptions(folder: Path, *, count: int, seed: int) -> Iterator[tuple[Path, Corruption]]:
    """Give a copy of a store's folder with one corruption at a time; equal seeds corrupt alike.

    What was damaged is put back before the next corruption, and after the last one.
    """
    copy = folder.with_name(f"{folder.name}-corrupted")
    copytree(folder, copy, copy_function=os.link)  # _write puts a new file in the place of a link
    choices = random.Random(seed)  # noqa: S311  the same again, not secrets
    for number in range(count):
        corruption = _KINDS[number % len(_KINDS)](copy, choices)
        yield copy, corruption
        for key in corruption.keys:
            (copy / key).unlink(missing_ok=True)
            if (folder / key).exists():
                os.link(folder / key, copy / key)


def _flip(folder: Path, choices: random.Random) -> Corruption:
    key = _target(folder, choices)
    body = bytearray((folder / key).read_bytes())
    place, bit = choices.randrange(len(body)), choices.randrange(8)
    body[place] ^= 1 << bit
    _write(folder / key, bytes(body))
    return Corruption(f"flip bit {bit} of byte {place} of {key}", (key,))


def _truncate(folder: Path, choices: random.Random) -> Corruption:
    key = _target(folder, choices)
    body = (folder / key).read_bytes()
    size = 0 if choices.random() < _TO_NOTHING else choices.randrange(len(body))
    _write(folder / key, body[:size])
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
    _write(folder / key, (folder / other).read_bytes())
    _write(folder / other, body)
    return Corruption(f"swap {key} and {other}", (key, other))


def _rename(folder: Path, choices: random.Random) -> Corruption:
    key = _target(folder, choices)
    new = next(new for new in _similar(key, choices) if not (folder / new).exists())
    (folder / new).parent.mkdir(parents=True, exist_ok=True)
    (folder / key).rename(folder / new)
    return Corruption(f"rename {key} to {new}", (key, new))


def _write(path: Path, body: bytes) -> None:
    path.unlink()
    path.write_bytes(body)


_KINDS: Sequence[Callable[[Path, random.Random], Corruption]] = (_flip, _truncate, _delete, _swap, _rename)


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
