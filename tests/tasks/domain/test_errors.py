import pickle

from tasks.domain.errors import DocumentError, DomainError, PhotoNameError


def test_a_document_error_survives_the_way_between_processes() -> None:
    error = DocumentError("mine.json", ["a: is missing", "b: is missing"])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert (str(copy), copy.problems) == (str(error), error.problems)


def test_a_flood_of_problems_is_counted_and_not_listed() -> None:
    error = DocumentError("mine.json", [f"row {row} is missing" for row in range(1000)])
    assert len(str(error).splitlines()) == 52
    assert str(error).endswith("and 950 more")


def test_every_refusal_is_a_domain_error_and_a_value_error() -> None:
    assert issubclass(PhotoNameError, DomainError)
    assert issubclass(DomainError, ValueError)
