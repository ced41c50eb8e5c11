from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tasks.domain.errors import DocumentError, DomainError, PhotoNameError


def refuse(problems: list[str]) -> None:
    raise DocumentError("mine.json", problems)


def test_a_document_error_survives_the_way_between_processes() -> None:
    error = DocumentError("mine.json", ["a: is missing", "b: is missing"])
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(refuse, ["a: is missing", "b: is missing"]).exception()
    assert isinstance(there, DocumentError)
    assert (str(there), there.problems) == (str(error), error.problems)


def test_a_flood_of_problems_is_counted_and_not_listed() -> None:
    error = DocumentError("mine.json", [f"row {row} is missing" for row in range(1000)])
    assert len(str(error).splitlines()) == 52
    assert str(error).endswith("and 950 more")


def test_every_refusal_is_a_domain_error_and_a_value_error() -> None:
    assert issubclass(PhotoNameError, DomainError)
    assert issubclass(DomainError, ValueError)
