import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from infra.kaggle.kernel_log import MOST_CHARACTERS, cleaned, log_text, stream_text, tail


def records(*lines: str) -> str:
    return json.dumps([{"stream_name": "stdout", "time": 0.1, "data": line} for line in lines])


def test_what_was_printed_is_joined() -> None:
    assert log_text(records("a\n", "b", "c\n")) == "a\nbc\n"


def test_a_log_of_another_shape_is_text() -> None:
    assert log_text("plain\x07 words") == "plain words"
    assert log_text('{"data": "x"}') == '{"data": "x"}'
    assert log_text('["a", {"data": 1}, {"data": "b"}]') == "b"
    assert log_text("[" * 100_000).startswith("[[")
    assert log_text("") == ""


@given(text=st.text())
def test_no_control_character_survives(text: str) -> None:
    left = {
        sign for sign in cleaned(text) if unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\t\n"
    }
    assert left == set()
    assert not set("\u202e\u200f\u2066\u2028") & set(cleaned(text))


def test_of_a_long_log_the_end_is_kept() -> None:
    text = log_text(records("x" * (5 * MOST_CHARACTERS), "the reason"))
    assert text.endswith("xthe reason")
    assert text.startswith("(the beginning is left out)\n")
    assert len(text) <= MOST_CHARACTERS + 30


def test_a_stream_that_breaks_off_gives_its_whole_records() -> None:
    body = b'data: {"data": "one\\n"}\n\ndata: {"data": "two\\n"}\n\ndata: {"da'
    assert stream_text(body) == "one\ntwo\n"
    assert stream_text(b'data: {"data": "one"}\n\ndata: END_OF_LOG\n\n') == "one"
    assert stream_text(records("ended").encode()) == "ended"


def test_the_last_lines() -> None:
    assert tail("a\nb\nc\n", lines=2) == "b\nc"
    assert tail("a\nb\n", lines=0) == ""
    assert tail("a", lines=5) == "a"
