"""Holds what lies in a store against the seals on it, and says what is altered, lost, moved or unsealed.

A seal is what one stored object, its holder, says of another: its digest. It counts only while its holder is
not itself among the findings: of two that disagree, nobody could tell which one is wrong. Pure: it is given
digests and reads nothing. Which object seals which, and where they lie, is the business of ``tasks.seals``.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from tasks.domain.schemas import Record

Kind = Literal[
    "missing",  # sealed, and not there
    "altered",  # other bytes than the sealed ones
    "misplaced",  # the sealed bytes, under another key
    "unreadable",  # cannot be read, or is not the record that its key promises
    "unsealed",  # there, and nothing says that it should be
    "unrecorded",  # a promotion that the ledger does not tell
]
"""What is wrong with an object, the worst first."""

_WORST_FIRST: Final[tuple[Kind, ...]] = get_args(Kind)
_SHOWN = 12  # digits of a digest in sentences, enough to tell digests apart


class Finding(Record):
    """One thing that is wrong in a store."""

    key: str
    kind: Kind
    sentence: str
    """What was expected, what was found, and what to do about it."""


class FsckReport(Record):
    """What a look at a whole store found."""

    objects: int
    bytes: int
    findings: tuple[Finding, ...]
    """The worst first."""
    unfinished: tuple[str, ...]
    """Keys of what work that never came to its end has left: no damage, and nothing rests on it."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong; unfinished work is not wrong."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Digest:
    """What an object that was read through turned out to be."""

    size: int
    """Bytes."""
    crc32: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What one object says of another."""

    key: str
    holder: str
    """Key of the object that says so."""
    sha256: str
    size: int | None = None
    crc32: int | None = None

    def fits(self, found: Digest) -> bool:
        """Whether an object is the sealed one in everything that the seal tells."""
        return (
            found.sha256 == self.sha256
            and self.size in (None, found.size)
            and self.crc32 in (None, found.crc32)
        )


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by kind, then by key."""
    return tuple(sorted(findings, key=lambda finding: (_WORST_FIRST.index(finding.kind), finding.key)))


def broken_seals(
    inventory: Mapping[str, Digest],
    seals: Iterable[Seal],
    *,
    suspects: Iterable[str],
    may_be_gone: Callable[[str], bool],
) -> list[Finding]:
    """Compare every sealed object with its seals; each gives one finding at most.

    Args:
        inventory: All objects that could be read, by key.
        seals: Holders before what they seal, so that the seals of a broken holder are passed over.
        suspects: Keys of which something wrong is known already: they are not judged and seal nothing.
        may_be_gone: Whether an object was pruned, or may have been.
    """
    wrong = set(suspects)
    broken: list[Seal] = []
    places: dict[str, str] = {}
    sealed: set[str] = set()
    for seal in seals:
        places.setdefault(seal.sha256, seal.key)
        sealed.add(seal.key)
        if seal.key in wrong or seal.holder in wrong:
            continue
        found = inventory.get(seal.key)
        if not may_be_gone(seal.key) if found is None else not seal.fits(found):
            wrong.add(seal.key)
            broken.append(seal)
    strays = {found.sha256: key for key, found in inventory.items() if key not in sealed} if broken else {}
    return [
        _other_bytes(seal, inventory[seal.key], places) if seal.key in inventory else _gone(seal, strays)
        for seal in broken
    ]


def _gone(seal: Seal, strays: Mapping[str, str]) -> Finding:
    stray = strays.get(seal.sha256)
    remedy = f"its bytes lie under {stray!r}: move them back" if stray else "restore it from a copy"
    return Finding(
        key=seal.key, kind="missing", sentence=f"{seal.holder!r} seals it and it is gone; {remedy}"
    )


def _other_bytes(seal: Seal, found: Digest, places: Mapping[str, str]) -> Finding:
    place = places.get(found.sha256, seal.key)
    if place != seal.key:
        return Finding(
            key=seal.key, kind="misplaced", sentence=f"it holds the bytes that belong under {place!r}"
        )
    size = "" if seal.size in (None, found.size) else f" in {seal.size} bytes"
    return Finding(
        key=seal.key,
        kind="altered",
        sentence=(
            f"it has SHA-256 {found.sha256[:_SHOWN]} in {found.size} bytes, {seal.holder!r} seals "
            f"{seal.sha256[:_SHOWN]}{size}; restore it from a copy"
        ),
    )
