from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.remote.names import Kind, parse_remote_name, remote_name

_RUN = UUID("0123456789abcdef0123456789abcdef")


@given(kind=st.sampled_from(["kaggle", "akash"]), run=st.uuids(), attempt=st.integers(0, 999))
def test_a_name_is_taken_apart_as_it_was_put_together(kind: Kind, run: UUID, attempt: int) -> None:
    name = remote_name(kind, run, attempt)
    assert parse_remote_name(str(name)) == name
    assert len(str(name)) <= 32  # what Akash's placements may have


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cg-k-0123456789abcdef0123",
        "cg-x-0123456789abcdef0123-0",
        "cg-k-0123456789ABCDEF0123-0",
        "cg-k-0123456789abcdef0123-0-copy",
        " cg-k-0123456789abcdef0123-0",
        "cg-k-0123456789abcdef0123-0\n",
        "my-notebook",
    ],
)
def test_names_of_others_are_not_ours(text: str) -> None:
    assert parse_remote_name(text) is None


@pytest.mark.parametrize("attempt", [-1, 1000])
def test_an_attempt_out_of_range_is_refused(attempt: int) -> None:
    with pytest.raises(ValueError, match="attempt must be within"):
        remote_name("kaggle", _RUN, attempt)
