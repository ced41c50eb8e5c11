import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.store.keys import key_fault, require_prefix, require_range

SEGMENT = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="/\\."), min_size=1)


@given(st.lists(SEGMENT.filter(lambda name: len(name.encode()) <= 100), min_size=1, max_size=5))
def test_visible_segments_joined_by_slashes_are_a_key(segments: list[str]) -> None:
    key = "/".join(segments)
    assert key_fault(key) is None
    assert all(require_prefix(key[:end]) == key[:end] for end in range(len(key)))


@given(st.text())
def test_whatever_is_a_key_stays_below_its_folder(text: str) -> None:
    if key_fault(text) is None:
        assert not {"", ".", ".."} & set(text.split("/"))
        assert text.isprintable() or " " in text or any(character.isspace() for character in text)


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("k" * 255, None),
        ("k" * 256, "256 bytes"),
        ("é" * 127, None),
        ("é" * 128, "256 bytes"),
        ("/".join(["k" * 204] * 5), None),
        ("/".join(["k" * 204] * 5) + "k", "1025 bytes"),
        ("a/..", "segment '..'"),
        ("a/.hidden", "segment '.hidden'"),
        ("a\\b", "backslash"),
        ("a\u202eb", "invisible"),
        ("a\x7fb", "invisible"),
        ("", "empty"),
    ],
)
def test_fault_names_the_rule(key: str, fault: str | None) -> None:
    found = key_fault(key)
    assert found is None if fault is None else fault in (found or "")


def test_range_is_not_negative() -> None:
    require_range(start=0, length=0)
    with pytest.raises(ValueError, match="length=-1"):
        require_range(start=0, length=-1)
