"""``make faults``: injects faults into real runs and judges by what they leave, one line per injection."""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.bench import Bench, bench
from tests.faults.hostile import hostile
from tests.faults.inputs import inputs
from tests.faults.kills import kills
from tests.faults.silence import silence
from tests.faults.stores import stores
from tests.faults.verdict import Verdict, last_line, table


def main() -> int:
    """Run the suites; the exit status is 1 when anything was found wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=main.__doc__)
    suites = _suites(kills_count=20, seed=0)
    parser.add_argument("--only", choices=sorted(suites), action="append", help="one suite; may be repeated")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    suites = _suites(kills_count=arguments.kills, seed=arguments.seed)
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory(prefix="calibguard-faults-") as folder, bench(Path(folder)) as running:
        for name in arguments.only or suites:
            for verdict in suites[name](running):
                print(verdict, flush=True)
                verdicts.append(verdict)
    print(table(verdicts))
    print(last_line(verdicts))
    return 1 if any(verdict.outcome == "wrong" for verdict in verdicts) else 0


def _suites(*, kills_count: int, seed: int) -> dict[str, Callable[[Bench], Iterator[Verdict]]]:
    return {
        "input": inputs,
        "hostile": hostile,
        "store": stores,
        "silence": silence,
        "kills": lambda running: kills(running, count=kills_count, seed=seed),
    }


if __name__ == "__main__":
    raise SystemExit(main())
