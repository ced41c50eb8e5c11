"""The gates against a second reading of their rules, at their limits, and on the user's own history."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from tasks.domain.gates.deadline import decide_fallback
from tasks.domain.gates.records import GatePolicy
from tests.faults.verdict import Verdict
from tests.gate_cases import JUDGE, Line, Table, outcome, single, standing_of
from tests.gate_oracle import compare_with_oracle
from tests.replayed_history import LATER, NAMES, TWIN, decided, may_upload

_SUITE = "gates"
_BUCKET = "near_standard_tall"
_EVIDENCE: Final[tuple[Literal["incomplete", "complete"], ...]] = ("incomplete", "complete")
_DEADLINE = datetime(2026, 2, 24, 12, 0, tzinfo=UTC)


def gates(*, cases: int) -> Iterator[Verdict]:
    """Hold the gates against what is known without them."""
    yield _oracle(cases)
    yield from _limits()
    yield from _deadlines()
    yield from _replay()


def _oracle(cases: int) -> Verdict:
    try:
        compare_with_oracle(cases)
    except AssertionError as error:
        return Verdict(_SUITE, "the oracle", (f"gates and oracle differ: {error}",))
    return Verdict(_SUITE, "the oracle", measured=f"{cases} cases, none on which the two differ")


def _limits() -> Iterator[Verdict]:
    for zeros, passes in ((120, True), (121, False)):
        own: Table = {"standard": Line(1000, zeros, 3_000_000)}
        yield _limit(f"{zeros} of 1000 zeros", "zero_rate", own, passes=passes)
    for photos, counts in ((19, False), (20, True)):
        yield _limit(
            f"a bucket of {photos} zeros",
            "bucket_mean",
            single(photos, zeros=photos, hundredths=0),
            passes=not counts,
            group=_BUCKET,
        )
    for hundredths, passes in ((60_000, True), (59_999, False)):
        name = f"a bucket's mean of {hundredths / 4000}"
        yield _limit(name, "bucket_mean", single(40, hundredths=hundredths), passes=passes, group=_BUCKET)
    for zeros, passes in ((12, True), (13, False)):
        name = f"{zeros} zeros in a bucket of 40"
        yield _limit(name, "bucket_zero_rate", single(40, zeros=zeros), passes=passes, group=_BUCKET)


def _limit(name: str, check: str, own: Table, *, passes: bool, group: str = "all") -> Verdict:
    found = outcome("G1", check, group=group, own=own)
    wrong = () if found.passed is passes else (f"passed: {found.passed}, expected: {passes}",)
    return Verdict(_SUITE, name, wrong, found.evidence)


def _deadlines() -> Iterator[Verdict]:
    """The last 60 minutes begin with their first second, and complete evidence needs no fallback."""
    for seconds in (3601, 3600, 3599):
        for model in _EVIDENCE:
            found = decide_fallback(
                now=_DEADLINE - timedelta(seconds=seconds),
                deadline=_DEADLINE,
                policy=GatePolicy(),
                model_evidence=model,
                heuristics=[standing_of("best", 29.64)],
                judge=JUDGE,
                submission="enabled",
            )
            expected = seconds <= 3600 and model == "incomplete"
            wrong = () if found.applies is expected else (f"applies: {found.applies}",)
            name = f"T-{seconds // 60}:{seconds % 60:02d}, model evidence {model}"
            yield Verdict(_SUITE, name, wrong, found.reason)


def _replay() -> Iterator[Verdict]:
    """Nothing after the fifth run, 29.64, stays in play; one of the twelve is the twin of another."""
    for name in NAMES:
        upload = may_upload(name)
        wrong = [] if upload is (name != TWIN) else [f"may be uploaded: {upload}"]
        told = "uploaded" if upload else "refused before upload"
        if name in LATER:
            decision = decided(name)
            if decision.advance or decision.promote:
                wrong.append(f"advances: {decision.advance}, promotes: {decision.promote}")
            told += f"; {'; '.join(one.evidence for one in decision.blockers)}"
        yield Verdict(_SUITE, f"replay of {name}", tuple(wrong), told)
