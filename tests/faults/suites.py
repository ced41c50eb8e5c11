"""All suites by name, and how often each of them injects."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.faults.bench import Bench
from tests.faults.champions import promoters
from tests.faults.documents import hostile_files
from tests.faults.fsck import fsck
from tests.faults.gates import gates
from tests.faults.hostile import hostile
from tests.faults.inputs import inputs
from tests.faults.kills import kills
from tests.faults.secret_canaries import secrets
from tests.faults.silence import silence
from tests.faults.stores import stores
from tests.faults.submissions import rivals, scoring, submit_kills
from tests.faults.tampering import tampering
from tests.faults.verdict import Verdict
from tests.faults.waits import waits


@dataclass(frozen=True)
class Counts:
    """How often; each is an option of the command."""

    kills: int = field(default=20, metadata={"help": "kills of a run that renders"})
    submit_kills: int = field(default=12, metadata={"help": "kills of a process that submits"})
    submit_rounds: int = field(default=50, metadata={"help": "artifacts that six processes submit at once"})
    promotions: int = field(default=1000, metadata={"help": "rounds of eight promoters"})
    files: int = field(default=200, metadata={"help": "hostile CSVs, and as many hostile JSON documents"})
    tamperings: int = field(default=100, metadata={"help": "pairs of evidence that are tampered with"})
    corruptions: int = field(default=200, metadata={"help": "objects of a store that are damaged"})
    waits: int = field(default=500, metadata={"help": "sequences of states that a wait is shown"})
    gate_cases: int = field(default=10_000, metadata={"help": "cases held against the gates' oracle"})


@dataclass(frozen=True)
class Site:
    """Where the suites do their work."""

    folder: Path
    counts: Counts
    seed: int
    bench: Callable[[], Bench]
    """Gives the stack, which starts when it is first asked for."""


Suite = Callable[[Site], Iterator[Verdict]]

SUITES: Final[Mapping[str, Suite]] = {
    "scoring": lambda site: scoring(),
    "submit kills": lambda site: submit_kills(site.folder, count=site.counts.submit_kills, seed=site.seed),
    "submitters": lambda site: rivals(rounds=site.counts.submit_rounds),
    "promoters": lambda site: promoters(site.folder, rounds=site.counts.promotions, seed=site.seed),
    "hostile files": lambda site: hostile_files(site.folder, count=site.counts.files, seed=site.seed),
    "gates": lambda site: gates(cases=site.counts.gate_cases),
    "tampering": lambda site: tampering(count=site.counts.tamperings, seed=site.seed),
    "fsck": lambda site: fsck(site.folder, count=site.counts.corruptions, seed=site.seed),
    "waits": lambda site: waits(count=site.counts.waits, seed=site.seed),
    "secrets": lambda site: secrets(site.folder / "secrets"),
    "input": lambda site: inputs(site.bench()),
    "hostile": lambda site: hostile(site.bench()),
    "store": lambda site: stores(site.bench()),
    "silence": lambda site: silence(site.bench()),
    "kills": lambda site: kills(site.bench(), count=site.counts.kills, seed=site.seed),
}
