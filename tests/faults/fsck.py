"""Damages copies of a store behind its back; ``calibguard fsck`` must point at every corruption."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from infra.store.opening import open_store
from tasks.fsck import fsck as look_through
from tasks.photo_workers import open_photo_workers
from tests.corruptions import corruptions
from tests.faults.verdict import Verdict
from tests.sealed_store import build_sealed_store


def fsck(top: Path, *, count: int, seed: int) -> Iterator[Verdict]:
    """Flip, truncate, delete, swap and rename in turn, each on a store that was whole before."""
    folder = top / "fsck"
    folder.mkdir()
    with open_photo_workers(processes=2, timeout_s=60, memory_mb=2048) as workers:
        report = look_through(build_sealed_store(folder, workers))
    if not report.is_clean:
        raise RuntimeError(f"the undamaged store has findings: {report.findings}")
    for number, (damaged, corruption) in enumerate(corruptions(folder / "store", count=count, seed=seed)):
        report = look_through(open_store(str(damaged)))
        counts = Counter(finding.kind for finding in report.findings)
        yield Verdict(
            "fsck",
            f"{number:03d} {corruption.name}",
            () if corruption.is_found(report) else ("no finding points at it",),
            ", ".join(f"{times} {kind}" for kind, times in counts.items()),
        )
