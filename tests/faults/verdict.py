"""What became of one injected fault, in one line and in one row of the closing table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["survived", "wrong", "skipped"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One injection: where it was made, what was found wrong, what was measured."""

    suite: str
    injection: str
    wrongs: tuple[str, ...] = ()
    """Sentences; empty when the fault was survived."""
    measured: str = ""
    skipped: str = ""
    """Why the fault could not be injected here; empty when it was."""

    @property
    def outcome(self) -> Outcome:
        if self.skipped:
            return "skipped"
        return "wrong" if self.wrongs else "survived"

    def __str__(self) -> str:
        words = [self.skipped, *self.wrongs, self.measured]
        return (
            f"{self.outcome:<8} {self.suite}: {self.injection}: {'; '.join(word for word in words if word)}"
        )


def table(verdicts: Iterable[Verdict], seconds: Mapping[str, float]) -> str:
    """Count outcomes by suite, beside the time that each took."""
    counts = Counter((verdict.suite, verdict.outcome) for verdict in verdicts)
    columns: tuple[Outcome, ...] = ("survived", "wrong", "skipped")
    rows = [f"{'suite':<14}" + "".join(f"{column:>10}" for column in (*columns, "seconds"))]
    for suite, took in seconds.items():
        rows.append(
            f"{suite:<14}" + "".join(f"{counts[suite, column]:>10}" for column in columns) + f"{took:>10.0f}"
        )
    return "\n".join(rows)


def last_line(verdicts: Sequence[Verdict]) -> str:
    """Sum up; what was skipped was not injected."""
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    survived, wrong = outcomes["survived"], outcomes["wrong"]
    return f"faults: injected {survived + wrong}, survived {survived}, wrong {wrong}"
