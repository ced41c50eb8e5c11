"""A second reading of the gates, in whole numbers and fractions, to hold the real ones against.

It shares no code with ``tasks.domain.gates`` and takes the raw case, not the evidence made of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.domain.buckets import BUCKETS, Bucket
from tasks.domain.gates.decision import decide_promotion
from tasks.domain.gates.records import (
    AnchorRescore,
    FallbackDecision,
    GateEvidence,
    GatePolicy,
    NoveltyEvidence,
    PixelComparison,
    Track,
)
from tasks.domain.score_schemas import Standing
from tests.gate_cases import JUDGE, OTHER_JUDGE, Line, Table, analysis_of, digests_of, standing_of, texture_of

Failure = tuple[str, str, str]
"""Gate, check and group."""


@dataclass(frozen=True)
class Case:
    """Raw numbers; means are in hundredths of a point, rates in per mille, ratios in per cent."""

    track: Track
    own: Table
    champion: Table | None
    best_ever: int
    grid: tuple[int, int]
    best_heuristic: int
    drift: int
    levels: int | None
    textures: Mapping[Bucket, tuple[int, int]]
    defects: frozenset[str]


DEFECTS: Final = (
    "no scores",
    "bucket unscored",
    "row missing",
    "lineage unchecked",
    "lineage broken",
    "champion foreign",
    "champion unread",
    "champion misnamed",
    "best ever foreign",
    "best ever missing",
    "baseline missing",
    "baseline without deltas",
    "champion without deltas",
    "anchor missing",
    "anchor not allowed",
    "grid missing",
    "grid foreign",
    "heuristic missing",
    "novelty missing",
    "same zip",
    "same files",
    "same pixels",
    "pixels not digested",
    "texture missing",
    "texture of one bucket missing",
    "fallback applies",
)


@st.composite
def _lines(draw: st.DrawFn) -> Line:
    """A bucket near the limits: 19 or 20 photos, mean 15, 30 % zeros."""
    photos = draw(st.sampled_from([0, 1, 19, 20, 21, 40, 200]))
    zeros = draw(st.integers(0, photos) | st.sampled_from([0, photos * 3 // 10, photos * 3 // 10 + 1]))
    hundredths = photos * draw(st.sampled_from([1500, 2000, 2500])) + draw(st.integers(-1, 1))
    return Line(photos, min(zeros, photos), hundredths if photos else 0)


def _near(line: Line, draw: st.DrawFn) -> Line:
    """The same bucket of the champion: equal, or a little better or worse."""
    zeros = line.zeros + draw(st.sampled_from([0, 0, 0, 1, -1]))
    moved = line.hundredths + draw(st.sampled_from([0, 0, -1, 1, -5 * line.photos]))
    return Line(line.photos, min(max(zeros, 0), line.photos), max(moved, 0)) if line.photos else line


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a case; half of them have no defect but what the numbers say."""
    big = draw(st.sampled_from([600, 800, 1000]))
    zeros = big * 12 // 100 + draw(st.sampled_from([-30, 0, 1, 0]))
    own: dict[Bucket, Line] = {"standard": Line(big, zeros, big * draw(st.sampled_from([2500, 3000])))}
    for bucket in draw(st.sets(st.sampled_from(BUCKETS[1:]), max_size=4)):
        own[bucket] = draw(_lines())
    champion = {bucket: _near(line, draw) for bucket, line in own.items()}
    mean = round(100 * _mean(own))
    return Case(
        track=draw(st.sampled_from(["heuristic", "heuristic", "model"])),
        own=own,
        champion=champion if draw(st.booleans()) else None,
        best_ever=mean + draw(st.sampled_from([-50, 0, 99, 100, 101])),
        grid=(mean + draw(st.sampled_from([-300, -1, 0, 1])), draw(st.sampled_from([100, 120, 200]))),
        best_heuristic=mean - draw(st.sampled_from([500, 151, 150, 149, 0])),
        drift=draw(st.sampled_from([0, 0, 49, 50, 51, -50, -51])),
        levels=draw(st.sampled_from([None, None, 255, 5, 4, 0])),
        textures={
            bucket: (draw(st.sampled_from([100, 100, 70, 69])), draw(st.sampled_from([100, 100, 50, 49])))
            for bucket in own
        },
        defects=frozenset(draw(st.just(()) | st.sets(st.sampled_from(DEFECTS), min_size=1, max_size=3))),
    )


def expected(case: Case) -> tuple[frozenset[Failure], bool, bool]:
    """Give what must fail, and the two verdicts."""
    early = set(_failures(case))
    late = set(_promotion_failures(case))
    return frozenset(early | late), not early, not early | late


def observed(case: Case) -> tuple[frozenset[Failure], bool, bool]:
    """Give what the gates say."""
    decision = decide_promotion(evidence_of(case), GatePolicy())
    failed = frozenset((one.gate, one.check, one.group) for one in decision.outcomes if not one.passed)
    return failed, decision.advance, decision.promote


def compare_with_oracle(max_examples: int) -> None:
    """Hold the gates against the oracle.

    Raises:
        AssertionError: With the smallest case on which the two differ.
    """

    @settings(max_examples=max_examples, deadline=None, database=None, derandomize=True)
    @given(case=cases())
    def compared(case: Case) -> None:
        assert observed(case) == expected(case)

    compared()


def evidence_of(case: Case) -> GateEvidence:
    """Turn a raw case into what the gates are given."""
    has = case.defects.__contains__
    photos = {bucket: line.photos for bucket, line in case.own.items()}
    against: list[tuple[Standing, str]] = [] if has("baseline without deltas") else [("baseline", "baseline")]
    if case.champion is not None and not has("champion without deltas"):
        against.append(("champion", "champion"))
    scored = _scored(case)
    champion_mean = float(_mean(case.champion)) if case.champion else 0.0
    textures = [
        texture_of(bucket, size=size, sharpness=sharpness / 100)
        for bucket, (size, sharpness) in case.textures.items()
        if not (has("texture of one bucket missing") and bucket == "standard")
    ]
    digests = digests_of("candidate", "1")
    if has("pixels not digested"):
        digests = digests.model_copy(update={"pixel_digest": None})
    twin = digests_of("twin", "2").model_copy(
        update={
            field: "1" * 64
            for defect, field in (
                ("same zip", "submission_sha256"),
                ("same files", "behaviour_digest"),
                ("same pixels", "pixel_digest"),
            )
            if has(defect)
        }
    )
    compared = () if case.levels is None else (PixelComparison(name="twin", largest_difference=case.levels),)
    fallback = (
        FallbackDecision(applies=True, action="none", reason="near") if has("fallback applies") else None
    )
    anchor = AnchorRescore(
        name="champion",
        judge=JUDGE,
        recorded_mean=champion_mean,
        rescored_mean=min(max(champion_mean + case.drift / 100, 0.0), 100.0),
    )
    foreign_grid = OTHER_JUDGE if has("grid foreign") else JUDGE
    foreign_best = OTHER_JUDGE if has("best ever foreign") else JUDGE
    champion = None
    if case.champion is not None and not has("champion unread"):
        champion = analysis_of(
            case.champion,
            name="other" if has("champion misnamed") else "champion",
            judge=OTHER_JUDGE if has("champion foreign") else JUDGE,
            against=(),
        )
    return GateEvidence.model_validate(
        {
            "name": "candidate",
            "judge": JUDGE,
            "track": case.track,
            "bucket_photos": photos,
            "champion_name": None if case.champion is None else "champion",
            "analysis": None if scored is None else analysis_of(scored, against=against),
            "lineage_problems": None
            if has("lineage unchecked")
            else (("zip differs",) if has("lineage broken") else ()),
            "champion": champion,
            "baseline": None if has("baseline missing") else standing_of("baseline", 20.0),
            "global_grid": None
            if has("grid missing")
            else standing_of("grid", case.grid[0] / 100, zero_rate=case.grid[1] / 1000, judge=foreign_grid),
            "best_ever": None
            if has("best ever missing")
            else standing_of("best", case.best_ever / 100, judge=foreign_best),
            "best_heuristic": None
            if has("heuristic missing")
            else standing_of("heuristic", case.best_heuristic / 100),
            "anchor": None if case.champion is None or _no_anchor(case) else anchor,
            "judge_rescores": not has("anchor not allowed"),
            "novelty": None
            if has("novelty missing")
            else NoveltyEvidence(digests=digests, earlier=(twin,), compared=compared),
            "texture": None if has("texture missing") else tuple(textures),
            "fallback": fallback,
        }
    )


def _no_anchor(case: Case) -> bool:
    return bool({"anchor missing", "anchor not allowed"} & case.defects)


def _scored(case: Case) -> dict[Bucket, Line] | None:
    """The part of the candidate's photos that has scores."""
    if "no scores" in case.defects:
        return None
    scored = dict(case.own)
    if "bucket unscored" in case.defects:
        del scored[max(scored)]
    if "row missing" in case.defects:
        for bucket, line in scored.items():
            if line.photos > 1:
                zeros = min(line.zeros, line.photos - 1)
                scored[bucket] = replace(line, photos=line.photos - 1, zeros=zeros)
                break
    return scored


def _mean(table: Table) -> Fraction:
    photos = sum(line.photos for line in table.values())
    return Fraction(sum(line.hundredths for line in table.values()), 100 * photos) if photos else Fraction(-1)


def _zeros(table: Table) -> Fraction:
    photos = sum(line.photos for line in table.values())
    return Fraction(sum(line.zeros for line in table.values()), photos) if photos else Fraction(2)


def _failures(case: Case) -> list[Failure]:
    """What stands against staying in play."""
    return [
        *_own_failures(case),
        *_digest_failures(case),
        *_texture_failures(case),
        *_standing_failures(case),
    ]


def _own_failures(case: Case) -> list[Failure]:
    has, scored, failed = case.defects.__contains__, _scored(case) or {}, list[Failure]()

    def fail(gate: str, check: str, group: str = "all") -> None:
        failed.append((gate, check, group))

    for bucket in BUCKETS:
        photos = case.own[bucket].photos if bucket in case.own else 0
        line = scored.get(bucket, Line(0, 0, 0))
        if line.photos != photos:
            fail("G2", "bucket_scores", bucket)
        if photos >= 20 and not (line.photos and line.hundredths >= 1500 * line.photos):
            fail("G1", "bucket_mean", bucket)
        if photos >= 20 and not (line.photos and 10 * line.zeros <= 3 * line.photos):
            fail("G1", "bucket_zero_rate", bucket)
    if sum(line.photos for line in scored.values()) != sum(line.photos for line in case.own.values()):
        fail("G2", "row_count")
    if not scored or 25 * _zeros(scored) > 3:
        fail("G1", "zero_rate")
    if has("no scores"):
        fail("G3", "scored_evidence")
    if has("lineage unchecked") or has("lineage broken"):
        fail("G2", "lineage")
    foreign_champion = has("champion foreign") and not has("champion unread") and case.champion is not None
    foreign_grid = has("grid foreign") and not has("grid missing")
    foreign_best = has("best ever foreign") and not has("best ever missing")
    if foreign_champion or foreign_grid or foreign_best:
        fail("G2", "one_judge")
    if has("baseline missing") or has("baseline without deltas") or has("no scores") or _deltas_lack(case):
        fail("G2", "baseline_deltas")
    if case.champion is not None:
        if has("champion without deltas") or has("no scores") or _deltas_lack(case):
            fail("G2", "champion_deltas")
        if has("anchor not allowed"):
            pass
        elif has("anchor missing") or has("champion unread") or abs(case.drift) > 50:
            fail("G2", "anchor_drift")
    if case.track == "model" and has("fallback applies"):
        fail("G7", "deadline_fallback")
    return failed


def _deltas_lack(case: Case) -> bool:
    """A bucket with photos, but without scores, has no deltas either."""
    scored = _scored(case) or {}
    return any(
        line.photos and not (bucket in scored and scored[bucket].photos) for bucket, line in case.own.items()
    )


def _digest_failures(case: Case) -> list[Failure]:
    names = ("canonical_name", "zip_digest", "behaviour_digest", "pixel_digest", "near_duplicate")
    if "novelty missing" in case.defects:
        return [("G4", name, "all") for name in names]
    failed = {
        "zip_digest": "same zip" in case.defects,
        "behaviour_digest": "same files" in case.defects,
        "pixel_digest": bool({"same pixels", "pixels not digested"} & case.defects),
        "near_duplicate": case.levels is not None and case.levels <= 4,
    }
    return [("G4", name, "all") for name, bad in failed.items() if bad]


def _texture_failures(case: Case) -> list[Failure]:
    failed = list[Failure]()
    for bucket, line in case.own.items():
        if not line.photos:
            continue
        lost = "texture of one bucket missing" in case.defects and bucket == "standard"
        lost = lost or "texture missing" in case.defects
        size, sharpness = case.textures[bucket]
        if lost or size < 70:
            failed.append(("G8", "bytes_per_pixel", bucket))
        if lost or sharpness < 50:
            failed.append(("G8", "sharpness", bucket))
    return failed


def _standing_failures(case: Case) -> list[Failure]:
    has, scored, failed = case.defects.__contains__, _scored(case) or {}, list[Failure]()
    readable = (
        case.champion
        if not {"champion foreign", "champion unread", "champion misnamed"} & case.defects
        else None
    )
    no_best = has("best ever foreign") or has("best ever missing")
    if case.champion is not None:
        floor = max(Fraction(case.best_ever, 100), _mean(readable) if readable else Fraction(0)) - 1
        if not scored or no_best or readable is None or _mean(scored) < floor:
            failed.append(("G5", "best_ever_margin", "all"))
        if not scored or readable is None or _zeros(scored) > _zeros(readable):
            failed.append(("G5", "zero_rate", "all"))
        failed += _worse_buckets(
            case, scored, readable, "G5", ("moderate_crop", "heavy_crop", "portrait_cropped")
        )
    if case.track == "model":
        if not scored or 25 * _zeros(scored) > 3:
            failed.append(("G6", "zero_rate", "all"))
        if any(gate == "G1" for gate, _, _ in _own_failures(case)):
            failed.append(("G6", "no_hard_blocker", "all"))
        goal = Fraction(case.best_heuristic, 100) + Fraction(3, 2)
        if not scored or has("heuristic missing") or _mean(scored) < goal:
            failed.append(("G6", "exceeds_heuristic", "all"))
        if case.champion is not None:
            crops: tuple[Bucket, ...] = (
                "moderate_crop",
                "heavy_crop",
                "portrait_cropped",
                "portrait_standard",
            )
            failed += _worse_buckets(case, scored, readable, "G6", crops)
    return failed


def _worse_buckets(
    case: Case, scored: Table, champion: Table | None, gate: str, buckets: tuple[Bucket, ...]
) -> list[Failure]:
    failed = list[Failure]()
    worse: dict[str, Callable[[Table, Table], bool]] = {
        "bucket_mean": lambda own, theirs: _mean(own) < _mean(theirs),
        "bucket_zero_rate": lambda own, theirs: _zeros(own) > _zeros(theirs),
    }
    for bucket in buckets:
        if bucket not in case.own or not case.own[bucket].photos:
            continue
        own = {bucket: scored[bucket]} if bucket in scored and scored[bucket].photos else None
        theirs = {bucket: champion[bucket]} if champion else None
        failed += [
            (gate, check, bucket)
            for check, is_worse in worse.items()
            if own is None or theirs is None or is_worse(own, theirs)
        ]
    return failed


def _promotion_failures(case: Case) -> list[Failure]:
    """What stands against promotion only."""
    scored = _scored(case) or {}
    if case.champion is not None:
        unreadable = {"champion foreign", "champion unread", "champion misnamed"} & case.defects
        if not scored or unreadable or _mean(scored) <= _mean(case.champion):
            return [("G5", "exceeds_champion", "all")]
        return []
    no_grid = bool({"grid missing", "grid foreign"} & case.defects)
    failed = list[Failure]()
    if not scored or no_grid or _mean(scored) <= Fraction(case.grid[0], 100):
        failed.append(("G5", "beats_global_grid", "all"))
    if not scored or no_grid or _zeros(scored) > Fraction(case.grid[1], 1000):
        failed.append(("G5", "zero_rate_of_global_grid", "all"))
    return failed
