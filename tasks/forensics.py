"""Brings scored CSV files and photos of finished runs together for ``tasks.domain.forensics`` to match."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.store.interface import ObjectStore
from tasks.domain.forensics import ForensicsError, Matching, match_artifacts
from tasks.domain.schemas import RenderedShard, RunManifest
from tasks.domain.scored_csv import parse_scored_csv
from tasks.keys import shard_key
from tasks.ledger import finished_runs
from tasks.records import EvidenceAltered, read_sealed_record

_READERS = 8  # shard records read from the store at once

PhotoDigests = Mapping[str, str]
"""SHA-256 of the rendered photo for each photo id."""


@dataclass(frozen=True, slots=True)
class Forensics:
    """What the fingerprints say, and which runs they were not held against."""

    matching: Matching
    left_out: tuple[str, ...]
    """A sentence for each finished run that was not compared."""


def matched_csvs(
    csvs: Sequence[str],
    store: ObjectStore,
    *,
    artifacts: Sequence[str] = (),
    known: Mapping[str, str] | None = None,
) -> Forensics:
    """Find the artifacts that scored CSV files may belong to.

    Args:
        csvs: Paths of one or more files, by which they are called.
        store: Holds the finished runs.
        artifacts: Names of the runs to compare with; none for all that are of the first CSV's photos.
        known: Path of a CSV to the run that it is known to belong to.

    Raises:
        ForensicsError: A file or run is not there, or they are not of the same photos.
        DocumentError: A file is no scored CSV; all its problems are told.
    """
    texts = {csv: _read(csv) for csv in csvs}
    wanted = None if artifacts else _first_column(texts[csvs[0]])
    found = {run.name: _photos(run, wanted, store) for run in _chosen_runs(artifacts, store)}
    left_out = tuple(f"{name} {reason}" for name, reason in found.items() if isinstance(reason, str))
    compared = {name: photos for name, photos in found.items() if not isinstance(photos, str)}
    if not compared or (artifacts and left_out):
        raise ForensicsError("; ".join(left_out) or "there is no finished run to compare with; render one")
    ids = next(iter(compared.values())).keys()
    scores = {
        csv: {row.image_id: row.score for row in parse_scored_csv(text, source=csv, expected_ids=ids)}
        for csv, text in texts.items()
    }
    return Forensics(match_artifacts(scores, compared, known=known), left_out)


def _read(csv: str) -> bytes:
    try:
        return Path(csv).read_bytes()
    except OSError as error:
        raise ForensicsError(f"scored CSV {csv!r} cannot be read: {error.strerror}") from error


def _chosen_runs(names: Sequence[str], store: ObjectStore) -> Iterable[RunManifest]:
    """Read the manifests of the runs that are named, with or without ``.zip``; of all when none is."""
    runs = {run.name: run for run in finished_runs(store)}
    if not names:
        return runs.values()
    stems = [name.removesuffix(".zip") for name in names]
    if strangers := sorted(set(stems) - runs.keys()):
        raise ForensicsError(f"{store.url} has no finished run {', '.join(map(repr, strangers))}")
    return [runs[stem] for stem in stems]


def _photos(run: RunManifest, wanted: frozenset[str] | None, store: ObjectStore) -> PhotoDigests | str:
    """Read the digests of a run's photos from the records of its shards, or say why it is not compared."""
    seals = [seal for seal in run.shard_records if seal is not None]
    if len(seals) < len(run.shards):
        return "lost photos while it was rendered, so not all of its shards have a record; render it again"
    try:
        with ThreadPoolExecutor(_READERS) as readers:
            shards = list(
                readers.map(
                    lambda shard, seal: read_sealed_record(RenderedShard, shard_key(shard), seal, store),
                    run.shards,
                    seals,
                )
            )
    except EvidenceAltered as error:
        return f"cannot be compared: {error}"
    photos = {photo.id: photo.sha256 for shard in shards for photo in shard.photos}
    return "is of other photos" if wanted is not None and photos.keys() != wanted else photos


def _first_column(text: bytes) -> frozenset[str]:
    rows = text.decode("utf-8", "replace").splitlines()[1:]
    return frozenset(row.partition(",")[0] for row in rows)
