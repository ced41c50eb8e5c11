"""Turn the log of a session into text that a terminal and a file can bear.

Kaggle keeps it as a JSON text of ``[{stream_name, time, data}]`` and streams the same records while the
session runs. Whoever wrote them may have written anything.
"""

import json
import re
from collections.abc import Iterable
from typing import Final

MOST_CHARACTERS: Final = 1 << 18
"""Of a log the end is kept: that is where it says why."""
_END: Final = "END_OF_LOG"
_CONTROL: Final = re.compile(
    r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\U0010ffff]|[\u200b-\u200f\u2028-\u202e\u2066-\u2069]"
)


def log_text(log: str) -> str:
    """Return what a session printed; a log that is no list of records is taken for plain text."""
    try:
        records = json.loads(log) if log else []
    except (ValueError, RecursionError):
        return cleaned(log)
    if not isinstance(records, list):
        return cleaned(log)
    return cleaned("".join(_printed(record) for record in records))


def stream_text(body: bytes) -> str:
    """Return what a session has printed so far, from a stream that may have been broken off anywhere."""
    text = body.decode("utf-8", "replace")
    if not text.lstrip().startswith("data:"):
        return log_text(text)  # the session ended meanwhile: it is the whole log
    return cleaned("".join(_lines(text.split("\n"))))


def tail(text: str, *, lines: int) -> str:
    """The last lines of a text."""
    return "\n".join(text.rstrip("\n").split("\n")[-lines:]) if lines else ""


def cleaned(text: str) -> str:
    """Remove control characters, keep line breaks and tabs, and of a long text its end."""
    plain = _CONTROL.sub("", text[-4 * MOST_CHARACTERS :].replace("\r\n", "\n").replace("\r", "\n"))
    if len(plain) <= MOST_CHARACTERS and len(text) <= 4 * MOST_CHARACTERS:
        return plain
    return "(the beginning is left out)\n" + plain[-MOST_CHARACTERS:]


def _lines(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        payload = line.removeprefix("data:").strip()
        if not line.startswith("data:") or payload == _END:
            continue
        try:
            yield _printed(json.loads(payload))
        except (ValueError, RecursionError):
            continue  # the last one of a stream that broke off


def _printed(record: object) -> str:
    text = record.get("data") if isinstance(record, dict) else None
    return text if isinstance(text, str) else ""
