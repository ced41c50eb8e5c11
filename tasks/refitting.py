"""Fits many training pairs over worker processes; each is fitted once, whatever happens to the refit.

A finding is kept under the digest of both files and the version of the fit. A refit that was killed takes
what it finds there and goes on; files of equal content are fitted once. Only the pairs under way are in
memory, and their findings, about 2 kB each.
"""

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from gpu.jpeg.rejection import PhotoRejected
from gpu.pair_fit.files import fit_files
from infra.errors import ObjectExists, ObjectMissing
from infra.store.interface import ObjectStore
from tasks.domain.errors import DocumentError
from tasks.domain.fitted_pairs import FittedPair, KeptFinding, PairFinding, finding_of, sealed_finding
from tasks.domain.pairs import TrainingPair
from tasks.domain.strict_json import parse_record
from tasks.domain.tables import canonical_json
from tasks.keys import fit_key
from tasks.pair_trials import ReadPair
from tasks.photo_workers import PhotoLost, PhotoWorkers

FIT_VERSION: Final = "1"
"""Another one where ``gpu.pair_fit`` finds other curves: what earlier versions found is then left alone."""

Progress = Callable[[int, int], None]
"""Told how many pairs are done, of how many."""


@dataclass(frozen=True, slots=True)
class Refit:
    """What a refit came to.

    Attributes:
        pairs: All of them, in the order in which they were given.
        fitted: How many were fitted now; the others were there.
    """

    pairs: tuple[FittedPair, ...]
    fitted: int


def fitted_pairs(
    pairs: Sequence[TrainingPair],
    *,
    read: ReadPair,
    workers: PhotoWorkers,
    store: ObjectStore | None,
    progress: Progress,
) -> Refit:
    """Fit pairs, or take what an earlier refit found on the same files; without a store nothing is kept.

    A pair that cannot be read or fitted costs itself: its finding says why, and what may pass is not kept.
    """

    def fit(pair: TrainingPair) -> tuple[FittedPair, bool]:
        finding, is_new = _finding(pair, read, workers, store)
        return FittedPair(pair=pair, finding=finding), is_new

    found: list[FittedPair] = []
    fitted = 0
    with ThreadPoolExecutor(workers.processes + 2) as threads:  # two more read meanwhile
        try:
            for one, is_new in threads.map(fit, pairs):
                found.append(one)
                fitted += is_new
                progress(len(found), len(pairs))
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return Refit(tuple(found), fitted)


def _finding(
    pair: TrainingPair, read: ReadPair, workers: PhotoWorkers, store: ObjectStore | None
) -> tuple[PairFinding, bool]:
    try:
        files = read(pair)
    except OSError as error:
        reason = f"it cannot be read any more: {error.strerror or error}"
        return PairFinding(verdict="lost", reason="unreadable", sentence=reason), False
    content = content_digest(files)
    kept = _kept(store, content) if store else None
    if kept is not None:
        return kept, False
    try:
        finding = finding_of(workers.run(fit_files, files))
    except PhotoRejected as error:
        finding = PairFinding(verdict="rejected", reason=error.code, sentence=str(error))
    except PhotoLost as error:
        return PairFinding(verdict="lost", reason=error.code, sentence=str(error)), False
    return _keep(store, content, finding) if store else finding, True


def content_digest(files: tuple[bytes, bytes]) -> str:
    """SHA-256 over the digests of an original and its target, in this order."""
    return hashlib.sha256(b"".join(hashlib.sha256(file).digest() for file in files)).hexdigest()


def _kept(store: ObjectStore, content: str) -> PairFinding | None:
    """Read what was found before; a record that is damaged, or of other files, is removed."""
    key = fit_key(content, FIT_VERSION)
    if (stored := store.head(key)) is None:
        return None
    try:
        kept = parse_record(store.read(key), KeptFinding, source=key)
    except ObjectMissing:
        return None
    except DocumentError:
        kept = None
    if kept is None or kept.content != content:
        store.delete(key, expected=stored.version)
        return None
    return kept.finding


def _keep(store: ObjectStore, content: str, finding: PairFinding) -> PairFinding:
    """Keep a finding; where another refit was faster, with the last digits of another machine, take its."""
    try:
        store.create(fit_key(content, FIT_VERSION), canonical_json(sealed_finding(content, finding)))
    except ObjectExists:
        return _kept(store, content) or finding
    return finding
