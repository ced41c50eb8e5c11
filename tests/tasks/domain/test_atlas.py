import json
from collections.abc import Callable

import pytest

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from tasks.domain.atlas import load_atlas, profile_weights
from tasks.domain.errors import DocumentError
from tasks.domain.tables import canonical_json, table_digest
from tests.fitted_pairs import MIDDLE, STRONG, WEAK, learned, lens, listing

ATLAS = learned(
    [
        *listing("ash", STRONG, 6),
        *listing("birch", WEAK, 2, frame="2048x1366"),
        *listing("elm", MIDDLE, 1, frame="2048x1365"),
    ]
)
STANDARD = ImageSize(2048, 1367)


def problems(edit: Callable[[dict[str, object]], object]) -> tuple[str, ...]:
    document = json.loads(canonical_json(ATLAS))
    edit(document)
    with pytest.raises(DocumentError) as told:
        load_atlas(json.dumps(document), source="atlas.json")
    return told.value.problems


def test_a_loaded_atlas_is_the_one_that_was_written() -> None:
    loaded = load_atlas(canonical_json(ATLAS), source="atlas.json")
    assert loaded == ATLAS
    assert table_digest(loaded) == table_digest(ATLAS)


def test_curves_that_fold_are_told_with_their_places_all_at_once() -> None:
    folding = {"factors": [1.0, 0.0, -0.6], "frame": "2048x1367"}

    def edit(document: dict[str, object]) -> None:
        document["profiles"][1]["curve"] = folding  # type: ignore[index]
        document["everything"]["safe"] = folding  # type: ignore[index]

    told = problems(edit)
    assert [problem.partition(":")[0] for problem in told] == ["everything.safe", "profiles[1].curve"]
    assert all("fold the map at radius" in problem for problem in told)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda d: d.update(profiles=[]), "profiles: "),
        (lambda d: d.update(surprise=1), "surprise: is an unknown key"),
        (lambda d: d["everything"]["safe"].update(frame="large"), "everything.safe.frame: a size in pixels"),
        (lambda d: d["everything"]["safe"].update(factors=[]), "everything.safe.factors: "),
        (lambda d: d["everything"].update(pairs=-1), "everything.pairs: "),
        (lambda d: d["profiles"].append(d["profiles"][0]), "profiles: every profile has a name of its own"),
        (lambda d: d.update(schema_version=2), "schema_version: "),
        (lambda d: d["profiles"].extend(d["profiles"] * 1000), "profiles: "),
    ],
)
def test_what_is_no_atlas_is_refused(edit: Callable[[dict[str, object]], object], sentence: str) -> None:
    assert any(problem.startswith(sentence) for problem in problems(edit))


def test_groups_come_from_the_narrowest_to_all() -> None:
    assert [level for level, _ in ATLAS.groups_of(STANDARD)] == ["dimension", "bucket", "global"]
    assert [level for level, _ in ATLAS.groups_of(ImageSize(2048, 1366))] == ["dimension", "bucket", "global"]
    assert [level for level, _ in ATLAS.groups_of(ImageSize(2048, 1370))] == ["global"]


def test_profiles_are_as_likely_as_a_size_met_them_led_by_its_bucket_and_all() -> None:
    common = profile_weights(ATLAS, STANDARD)
    short = profile_weights(ATLAS, ImageSize(2048, 1366))
    unknown = profile_weights(ATLAS, ImageSize(2048, 1371))
    for weights in (common, short, unknown):
        assert sum(weights.values()) == pytest.approx(1.0)
        assert list(weights) == [profile.name for profile in ATLAS.profiles]
    strong, weak, middle = common
    assert common[strong] > unknown[strong] > short[strong]
    assert short[weak] > unknown[weak] > common[weak]
    assert short[middle] > common[middle]  # of the same bucket


def test_a_curve_between_those_of_the_atlas_is_held_and_one_beyond_is_not() -> None:
    assert ATLAS.holds(lens(-0.08))
    assert ATLAS.holds(STRONG)
    assert not ATLAS.holds(lens(-0.25))
    assert not ATLAS.holds(STRONG.zoomed(1.2))
    assert not ATLAS.holds(LensCurve((1.0, 0.0, 0.1)))


def test_atlases_read_twice_stay_one_after_they_were_asked() -> None:
    one, other = (load_atlas(canonical_json(ATLAS), source="atlas.json") for _ in range(2))
    assert one.holds(STRONG) == other.holds(STRONG)
    assert len({one, other}) == 1


def test_a_curve_is_carried_to_the_size_of_a_photo() -> None:
    portrait = ATLAS.everything.safe.at(ImageSize(1367, 2048))
    assert portrait.factors == pytest.approx(ATLAS.everything.safe.factors)
    square = ATLAS.everything.safe.at(ImageSize(1000, 1000))
    assert square.factors != pytest.approx(ATLAS.everything.safe.factors)
