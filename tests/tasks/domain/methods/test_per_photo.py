from collections.abc import Callable

import pytest

from gpu.search.candidate import Candidate
from tasks.domain.coefficients import CoefficientPair
from tasks.domain.errors import DocumentError, UnusableWarpError
from tasks.domain.methods.method import Method, Observer, RouteOptions
from tasks.domain.methods.per_photo import CandidateTable
from tasks.domain.methods.registry import methods
from tasks.domain.observations import Listing, Observation, PhotoChoice
from tasks.domain.schemas import IdentityWarp, LegacyWarp, PhotoRef

PhotoOf = Callable[[int, int], PhotoRef]
each_method = pytest.mark.parametrize(
    "method",
    [method for method in methods().values() if isinstance(method.table(RouteOptions()), CandidateTable)],
    ids=lambda method: method.name,
)
TABLE = CandidateTable(
    schema_version=1,
    name="mine",
    source="A test.",
    candidates=(CoefficientPair(k1=-0.1, k2=0.2), CoefficientPair(k1=-0.2, k2=0.4, alpha=0.5)),
    fallback=CoefficientPair(k1=-0.15, k2=0.3),
)


def observer_of(method: Method) -> Observer:
    assert method.observer is not None
    return method.observer


def seen(k1: float, k2: float) -> Listing:
    choice = PhotoChoice(pair=CoefficientPair(k1=k1, k2=k2), objective=0.8125, untouched=0.9, looks=7)
    return (Observation(photo_id="house_g1", choice=choice),)


@each_method
def test_an_observed_photo_takes_its_choice_and_says_why(method: Method, photo_of: PhotoOf) -> None:
    options = RouteOptions(table=TABLE)
    routed = observer_of(method).route(photo_of(2048, 1367), options, seen(-0.1, 0.2))
    assert routed.warp == LegacyWarp(k1=-0.1, k2=0.2, alpha=0.0)
    assert (routed.route, routed.coefficient_source, routed.objective) == ("photo_choice", "loaded", 0.8125)
    assert routed.reason.startswith("of 7 pairs tried on the photo, (-0.1, 0.2) has the least ")
    assert routed.reason.endswith(": 0.8125, 0.9 untouched")


@each_method
def test_a_pair_that_no_table_lists_was_searched_on_the_photo(method: Method, photo_of: PhotoOf) -> None:
    routed = observer_of(method).route(photo_of(2048, 1367), RouteOptions(table=TABLE), seen(-0.1234, 0.2))
    assert routed.coefficient_source == "searched"


@each_method
def test_a_choice_of_zeros_leaves_the_photo_untouched(method: Method, photo_of: PhotoOf) -> None:
    routed = observer_of(method).route(photo_of(2048, 1367), RouteOptions(table=TABLE), seen(0.0, 0.0))
    assert routed.warp == IdentityWarp()


@each_method
def test_a_photo_that_could_not_be_looked_at_takes_the_fallback(method: Method, photo_of: PhotoOf) -> None:
    lost = (Observation(photo_id="house_g1", problem="looking at the photo took longer than 60 s"),)
    for routed in (
        observer_of(method).route(photo_of(2048, 1367), RouteOptions(table=TABLE), lost),
        method.route(photo_of(2048, 1367), RouteOptions(table=TABLE)),
    ):
        assert routed.warp == LegacyWarp(k1=-0.15, k2=0.3)
        assert (routed.route, routed.coefficient_source) == ("global_fallback", "fallback")
        assert routed.objective is None
    told = observer_of(method).route(photo_of(2048, 1367), RouteOptions(table=TABLE), lost).reason
    assert told == (
        "the photo takes the fallback (-0.15, 0.3) of table mine: looking at the photo took longer than 60 s"
    )


@each_method
def test_a_fallback_that_folds_fails_the_photo_with_a_sentence(method: Method, photo_of: PhotoOf) -> None:
    table = TABLE.model_copy(update={"fallback": CoefficientPair(k1=-3.0, k2=0.0)})
    with pytest.raises(UnusableWarpError, match="folds the map"):
        method.route(photo_of(2048, 1367), RouteOptions(table=table))


@each_method
def test_the_job_holds_the_candidates_with_their_alpha(method: Method) -> None:
    job = observer_of(method).job(b"jpeg", RouteOptions(table=TABLE, interpolation="linear"))
    assert job.candidates == (Candidate(-0.1, 0.2, 0.0), Candidate(-0.2, 0.4, 0.5))
    assert (job.photo, job.interpolation, job.border) == (b"jpeg", "linear", "reflect")


@each_method
def test_every_candidate_of_a_table_is_judged(method: Method) -> None:
    document = TABLE.model_copy(update={"candidates": (CoefficientPair(k1=-3.0, k2=0.0),)}).model_dump_json()
    with pytest.raises(DocumentError, match=r"candidates\[0\]: k1=-3, k2=0 folds"):
        method.load_table(document, source="mine.json")


@each_method
def test_a_table_without_candidates_is_refused(method: Method) -> None:
    document = TABLE.model_copy(update={"candidates": ()}).model_dump_json()
    with pytest.raises(DocumentError, match="candidates: "):
        method.load_table(document, source="mine.json")
