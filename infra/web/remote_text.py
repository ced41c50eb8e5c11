"""Make text from another machine fit for a log, a terminal and an error message."""

import re

_LONGEST = 200  # characters, after escaping
# Portals repeat what they were sent, and a presigned URL's query is a credential.
_URL_QUERY = re.compile(r"(https?://[^\s?#\"']*)[?#][^\s\"']*", re.IGNORECASE)


def quoted(text: object) -> str:
    """Return ``text`` in quotes and in ASCII, control characters escaped, cut, URL queries removed."""
    plain = without_url_queries(str(text)[: 8 * _LONGEST])
    escaped = ascii(plain)
    return escaped if len(escaped) <= _LONGEST else f"{escaped[: _LONGEST - 4]}...{escaped[0]}"


def without_url_queries(text: str) -> str:
    """Cut query and fragment off every URL in a text of any length."""
    return _URL_QUERY.sub(r"\1", text)
