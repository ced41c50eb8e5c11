"""Decides what may be pruned: a rendered result and its zip, never evidence, never what stands or flies.

Pure: it is told what the store holds and what the ledger says, and gives back names of runs and shards to
remove with a reason for everything it keeps. Plans, manifests, scored CSVs, contact sheets and ledger
entries are not its subject: they stay.
"""

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from tasks.domain.errors import DomainError
from tasks.domain.schemas import Record, Sha256

Protection = Literal["champion", "best ever", "in flight", "scored"]
_PATTERN = frozenset("*?[")
_UNTOUCHABLE = frozenset({"champion", "best ever", "in flight"})


class NothingSelectedError(DomainError):
    """No stored artifact has one of the names or matches one of the patterns."""


class StoredArtifact(Record):
    """A run whose zip lies in the store."""

    name: str
    size: int
    """Bytes of the zip."""
    shards: tuple[Sha256, ...]
    """Digests of the rendered shards it was packed from; other runs may share them."""


class KeptArtifact(Record):
    """An artifact that was selected and is kept."""

    name: str
    reason: str


class PrunePlan(Record):
    """What pruning would remove and what it would keep."""

    zips: tuple[str, ...]
    """Names of the runs whose zip goes."""
    shards: tuple[Sha256, ...]
    """Digests of the shards whose rendered photos go: no kept zip was packed from them."""
    kept: tuple[KeptArtifact, ...]
    size: int
    """Bytes of the zips that go."""


def plan_prune(
    selection: Sequence[str],
    artifacts: Iterable[StoredArtifact],
    protections: Mapping[str, frozenset[Protection]],
) -> PrunePlan:
    """Choose what to remove among the selected artifacts.

    A scored zip goes only when its whole name is given, not when a pattern happens to match it. Champion,
    best ever and anything in flight stay whatever is given.

    Args:
        selection: Names of artifacts, with or without ``.zip``, or patterns with ``*``, ``?`` and ``[]``.
        artifacts: Everything that the store holds.
        protections: What the ledger says of a name; a name it does not know is free to go.

    Raises:
        NothingSelectedError: A name or pattern selects nothing.
    """
    stored = {artifact.name: artifact for artifact in artifacts}
    selected = _selected(selection, stored)
    verdicts = {
        name: _verdict(protections.get(name, frozenset()), named=named) for name, named in selected.items()
    }
    going = sorted(name for name, reason in verdicts.items() if reason is None)
    needed = {digest for name, kept in stored.items() if name not in going for digest in kept.shards}
    return PrunePlan(
        zips=tuple(going),
        shards=tuple(sorted({digest for name in going for digest in stored[name].shards} - needed)),
        kept=tuple(
            KeptArtifact(name=name, reason=reason) for name, reason in sorted(verdicts.items()) if reason
        ),
        size=sum(stored[name].size for name in going),
    )


def _selected(selection: Sequence[str], stored: Mapping[str, StoredArtifact]) -> dict[str, bool]:
    """Map each selected name to whether it was given in full."""
    chosen: dict[str, bool] = {}
    for wanted in selection:
        bare = wanted.removesuffix(".zip")
        is_pattern = bool(_PATTERN & set(bare))
        matches = [name for name in stored if (fnmatchcase(name, bare) if is_pattern else name == bare)]
        if not matches:
            raise NothingSelectedError(f"{wanted!r} selects none of the {len(stored)} artifacts in the store")
        for name in matches:
            chosen[name] = chosen.get(name, False) or not is_pattern
    return chosen


def _verdict(protections: frozenset[Protection], *, named: bool) -> str | None:
    """Why an artifact is kept, or None when it may go."""
    held = sorted(protections & _UNTOUCHABLE)
    if held:
        return f"it is {' and '.join(held)}, which no command removes"
    if "scored" in protections and not named:
        return "it was scored; give its whole name to prune it"
    return None
