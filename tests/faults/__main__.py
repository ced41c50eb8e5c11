"""``make faults``: injects faults into real runs and judges by what they leave, one line per injection."""

import argparse
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import fields
from functools import cache
from pathlib import Path

from tests.faults.bench import Bench, bench
from tests.faults.suites import SUITES, Counts, Site
from tests.faults.verdict import Verdict, last_line, table


def main() -> int:
    """Run the suites; the exit status is 1 when anything was found wrong."""
    arguments = _parser().parse_args()
    counts = Counts(**{count.name: getattr(arguments, count.name) for count in fields(Counts)})
    verdicts: list[Verdict] = []
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="calibguard-faults-") as folder, ExitStack() as running:

        @cache
        def the_bench() -> Bench:
            return running.enter_context(bench(Path(folder) / "stack"))

        site = Site(Path(folder), counts, arguments.seed, the_bench)
        for name in arguments.only or SUITES:
            began = time.monotonic()
            for verdict in _injected(name, site):
                print(verdict, flush=True)
                verdicts.append(verdict)
            seconds[name] = time.monotonic() - began
    print(table(verdicts, seconds))
    print(last_line(verdicts))
    return 1 if any(verdict.outcome == "wrong" for verdict in verdicts) else 0


def _injected(name: str, site: Site) -> Iterator[Verdict]:
    """Run a suite; one that cannot go on is wrong, and costs the others nothing."""
    try:
        yield from SUITES[name](site)
    except Exception as error:
        traceback.print_exc()
        yield Verdict(name, "the suite itself", (f"it ended with {type(error).__name__}: {error}",))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=main.__doc__)
    parser.add_argument("--only", choices=sorted(SUITES), action="append", help="one suite; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    for count in fields(Counts):
        parser.add_argument(
            f"--{count.name.replace('_', '-')}",
            type=int,
            default=count.default,
            help=f"{count.metadata['help']} (%(default)s)",
        )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
