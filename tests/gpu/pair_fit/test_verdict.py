from dataclasses import replace
from typing import Any

import pytest

from gpu.pair_fit.departure import Departure
from gpu.pair_fit.verdict import DEFAULT_LIMITS, Evidence, judge

GOOD = Evidence(
    displacement=6.0,
    shift=(0.1, -0.2),
    short_side=1367,
    forward_gap=0.1,
    inverse_gap=-20.0,
    departure=Departure(0.2, 0.15, decentred=False, correlation=0.95, step=8, residual_field=0.2),
    step=4,
    residual_field=0.1,
    correlation=0.95,
    expected_error=0.05,
    last_step=0.0,
    fold=None,
)


def changed(**evidence: Any) -> Evidence:
    return replace(GOOD, **evidence)


def departing(rms: float, error: float, **details: Any) -> dict[str, Any]:
    return {"departure": replace(GOOD.departure, rms=rms, error=error, **details)}


def test_a_lens_correction_is_radial() -> None:
    found = judge(GOOD)

    assert (found.verdict, found.reason) == ("radial", None)
    assert "6.00 px" in found.sentence


@pytest.mark.parametrize(
    ("evidence", "reason", "words"),
    [
        ({"correlation": 0.59}, "not_converged", "correlate by 0.59"),
        (departing(1.0, 0.2), "perspective", "1.00 px"),
        ({"residual_field": 0.41}, "perspective", "0.41 px"),
        ({"last_step": 0.3}, "not_converged", "0.30 px"),
        ({"expected_error": 1.01}, "low_texture", "1.01 px"),
        ({"forward_gap": 6.9}, "cropped", "6.9 px"),
        (departing(1.0, 0.2, decentred=True), "cropped", "1.00 px"),
        (departing(1.0, 0.2, decentred=True, residual_field=0.81), "perspective", "1.00 px"),
        ({"shift": (0.0, -2.1)}, "shifted", "(0.0, -2.1) px"),
        ({"forward_gap": -2.1, "inverse_gap": -0.1}, "swapped", "2.1 px"),
        ({"fold": "it folds"}, "folds", "it folds"),
    ],
)
def test_each_rule_names_its_cause_with_the_number(evidence: dict[str, Any], reason: str, words: str) -> None:
    found = judge(changed(**evidence))

    assert (found.verdict, found.reason) == ("not_radial", reason)
    assert words in found.sentence


@pytest.mark.parametrize(
    "evidence",
    [
        {"correlation": 0.6},
        departing(0.75, 0.125),
        {"residual_field": 0.4},
        {"residual_field": 0.8, "step": 8},
        {"expected_error": 1.0},
        {"forward_gap": 6.835},
        {"shift": (2.0, -2.0)},
        {"forward_gap": -2.0, "inverse_gap": -0.1},
        {"forward_gap": -5.0, "inverse_gap": -5.0},
    ],
)
def test_a_limit_itself_still_passes(evidence: dict[str, Any]) -> None:
    assert judge(changed(**evidence)).verdict == "radial"


def test_a_displacement_up_to_the_limit_counts_as_none() -> None:
    assert judge(changed(displacement=0.5)).verdict == "already_identical"
    assert judge(changed(displacement=0.51)).verdict == "radial"


def test_an_edit_is_named_before_what_follows_from_it() -> None:
    edited = changed(
        **departing(9.0, 0.3), shift=(8.0, 8.0), forward_gap=20.0, last_step=0.5, expected_error=2.0
    )

    assert judge(edited).reason == "perspective"


def test_limits_are_the_callers_to_set() -> None:
    assert judge(GOOD, replace(DEFAULT_LIMITS, shift=0.15)).reason == "shifted"


def test_a_refusal_says_which_photo_alone_has_bars() -> None:
    told = "; the target alone has bars, which may be the cause"
    edited, unlike = judge(changed(residual_field=0.41, barred="target")), judge(changed(correlation=0.5))

    assert edited.sentence.endswith(told)
    assert "bars" not in unlike.sentence
    assert judge(changed(barred="target")) == judge(GOOD)
