"""The agent's log: on standard output, line by line, and in memory to be shipped; secrets never enter it."""

import re
from collections import deque
from datetime import UTC, datetime
from threading import Lock
from typing import Final

_LINES: Final = 2000  # the last ones are kept
_LONGEST: Final = 1000  # characters of a line

# The query of a presigned URL is its secret; a fragment and user information are dropped with it.
_URL: Final = re.compile(r"(https?://)(?:[^\s/@'\"]*@)?([^\s?#'\"]*)([?#][^\s'\"]*)?")


def redacted(text: str) -> str:
    """Write a text without the secrets of its URLs and without control characters."""
    shown = _URL.sub(lambda url: f"{url[1]}{url[2]}{'?...' if url[3] else ''}", text)
    return "".join(sign if sign.isprintable() else " " for sign in shown)


class Journal:
    """Collects lines; safe to use from many threads."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._lock = Lock()

    def say(self, text: str) -> None:
        """Add the lines of a text, redacted, each with the time in UTC."""
        now = datetime.now(UTC).strftime("%H:%M:%S")
        with self._lock:
            for line in text.splitlines():
                told = f"{now} {redacted(line)[:_LONGEST]}"
                self._lines.append(told)
                print(told, flush=True)  # Kaggle shows nothing that is not flushed

    def document(self) -> bytes:
        """Return what is to be shipped."""
        with self._lock:
            return "".join(f"{line}\n" for line in self._lines).encode()
