"""Tells which scored CSV belongs to which artifact, by what changes together.

Where two CSVs differ in a row, the artifacts behind them must differ in that photo, because a judge gives
equal pixels equal scores. So the set of rows that differ between two CSVs is a fingerprint that must lie
within the set of photos that differ between their artifacts. The opposite does not hold: two different
photos may score alike. Every assignment of artifacts that no pair contradicts counts as possible; what is
possible is not ranked, and nothing is guessed between CSVs that stay indistinguishable.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import DomainError

MAX_STEPS: Final = 200_000
"""Assignments tried at most; the user's four CSVs need some 30."""


class ForensicsError(DomainError):
    """The CSVs and artifacts cannot be compared, or not within the steps allowed."""


@dataclass(frozen=True, slots=True)
class Matching:
    """What the fingerprints say."""

    possible: Mapping[str, tuple[str, ...]]
    """For each CSV the artifacts that it may belong to; empty for all when no assignment fits."""
    identical_csvs: tuple[tuple[str, ...], ...]
    """CSVs with the same score in every row."""
    identical_artifacts: tuple[tuple[str, ...], ...]
    """Artifacts with the same photos: one behaviour under several names."""

    @property
    def certain(self) -> Mapping[str, str]:
        """The CSVs that can belong to one artifact only, with it."""
        return {csv: found[0] for csv, found in self.possible.items() if len(found) == 1}

    @property
    def indistinguishable(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """CSVs that may belong to the same several artifacts, with those."""
        alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for csv, found in self.possible.items():
            if len(found) > 1:
                alike[found].append(csv)
        return tuple((tuple(csvs), found) for found, csvs in alike.items())

    def sentences(self) -> tuple[str, ...]:
        """Say the outcome, a sentence for each CSV or group of CSVs."""
        if self.possible and not any(self.possible.values()):
            return (
                "no assignment of these artifacts fits all these CSVs; look for an artifact that is missing",
            )
        told = [f"{csv} belongs to {artifact}" for csv, artifact in self.certain.items()]
        told += [
            f"{_listed(csvs)} may belong to {_listed(artifacts, word='or')}; "
            f"their fingerprints do not tell which"
            for csvs, artifacts in self.indistinguishable
        ]
        return tuple(told)


def differing(first: Mapping[str, Hashable], second: Mapping[str, Hashable]) -> tuple[str, ...]:
    """Name the photos whose score, or whose digest, differs between two CSVs or two artifacts, sorted.

    Raises:
        ForensicsError: They are not of the same photos.
    """
    _require_same_photos({"first": first, "second": second})
    return tuple(sorted(photo for photo, value in first.items() if second[photo] != value))


def match_artifacts(
    csvs: Mapping[str, Mapping[str, float]],
    artifacts: Mapping[str, Mapping[str, str]],
    *,
    known: Mapping[str, str] | None = None,
    max_steps: int = MAX_STEPS,
) -> Matching:
    """Find the artifacts that each scored CSV may belong to.

    Several CSVs may belong to one artifact, if it was scored more than once, and artifacts may be left
    over; but each CSV must belong to one of them.

    Args:
        csvs: Name of each CSV to the score of each photo. All must be of one judge.
        artifacts: Name of each artifact to a digest of each of its photos, best of the decoded pixels.
        known: CSVs whose artifact is known already, by name.
        max_steps: How many partial assignments are tried before giving up.

    Raises:
        ForensicsError: The photos are not the same everywhere, ``known`` names what is not there, or
            ``max_steps`` were not enough.
    """
    known = known or {}
    _require_same_photos({**csvs, **artifacts})
    _require_known_names(known, csvs, artifacts)
    rows, photos = _differences(list(csvs.values())), _differences(list(artifacts.values()))
    names, candidates = list(csvs), list(artifacts)
    choices = [
        [candidates.index(known[csv])] if csv in known else list(range(len(candidates))) for csv in csvs
    ]
    search = _Search(_agreement(rows, photos), steps_left=max_steps)
    possible = [
        tuple(candidates[artifact] for artifact in choices[csv] if search.completes(choices, csv, artifact))
        for csv in range(len(names))
    ]
    return Matching(
        possible=dict(zip(names, possible, strict=True)),
        identical_csvs=_identical(names, rows),
        identical_artifacts=_identical(candidates, photos),
    )


@dataclass(slots=True)
class _Search:
    """Depth-first search for an assignment that no pair of CSVs contradicts."""

    agrees: NDArray[np.bool_]
    """``(csv, csv, artifact, artifact)``: whether the pair of artifacts explains the pair of CSVs."""
    steps_left: int

    def completes(self, choices: Sequence[Sequence[int]], csv: int, artifact: int) -> bool:
        """Say whether a whole assignment exists in which this CSV belongs to this artifact."""
        open_choices = dict(enumerate(choices))
        del open_choices[csv]
        return self._assign(self._narrowed(open_choices, csv, artifact))

    def _assign(self, open_choices: Mapping[int, Sequence[int]]) -> bool:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise ForensicsError("too many assignments fit; name known pairs, or compare fewer CSVs at once")
        if not open_choices:
            return True
        csv = min(open_choices, key=lambda one: len(open_choices[one]))
        rest = {one: options for one, options in open_choices.items() if one != csv}
        return any(self._assign(self._narrowed(rest, csv, artifact)) for artifact in open_choices[csv])

    def _narrowed(
        self, open_choices: Mapping[int, Sequence[int]], csv: int, artifact: int
    ) -> dict[int, list[int]]:
        """Drop the choices of other CSVs that contradict this one."""
        return {
            other: [option for option in options if self.agrees[csv, other, artifact, option]]
            for other, options in open_choices.items()
        }


def _differences(columns: Sequence[Mapping[str, Hashable]]) -> NDArray[np.bool_]:
    """Mark where each pair differs: ``(k, k, photos)``."""
    photos = sorted(columns[0]) if columns else []
    codes = np.empty((len(columns), len(photos)), dtype=np.intp)
    for at, photo in enumerate(photos):
        numbers: dict[Hashable, int] = {}
        codes[:, at] = [numbers.setdefault(column[photo], len(numbers)) for column in columns]
    differences: NDArray[np.bool_] = codes[:, None, :] != codes[None, :, :]
    return differences


def _agreement(rows: NDArray[np.bool_], photos: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which pairs of artifacts differ in every photo whose row a pair of CSVs differs in."""
    unexplained = np.tensordot(rows.astype(np.float32), (~photos).astype(np.float32), axes=(2, 2))
    agreement: NDArray[np.bool_] = unexplained == 0
    return agreement


def _identical(names: Sequence[str], differences: NDArray[np.bool_]) -> tuple[tuple[str, ...], ...]:
    """Group the names between which nothing differs; groups of one are left out."""
    groups: defaultdict[int, list[str]] = defaultdict(list)
    for at, name in enumerate(names):
        first = int(np.flatnonzero(~differences[at].any(axis=1))[0])
        groups[first].append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _require_same_photos(columns: Mapping[str, Mapping[str, Hashable]]) -> None:
    reference, *others = columns or [""]
    for name in others:
        odd = sorted(set(columns[name]).symmetric_difference(columns[reference]))
        if odd:
            raise ForensicsError(
                f"{name} and {reference} must be of the same photos; {len(odd)} are in one of them only, "
                f"such as {odd[0]!r}"
            )


def _require_known_names(
    known: Mapping[str, str], csvs: Mapping[str, object], artifacts: Mapping[str, object]
) -> None:
    strangers = sorted((known.keys() - csvs.keys()) | (set(known.values()) - artifacts.keys()))
    if strangers:
        raise ForensicsError(f"known pairs name what is not compared: {', '.join(map(repr, strangers))}")


def _listed(names: Sequence[str], *, word: str = "and") -> str:
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else names[0]
