"""Decide which strings are object keys, alike for every kind of store.

A key is a relative path of segments joined by ``/``. Refused is whatever one store would keep and another
would not: names that escape or hide in a folder, names longer than a file system or S3 takes, and characters
that cannot be seen. Whether the key is taken is the store's business.
"""

import unicodedata

_LONGEST_KEY = 1024  # bytes of UTF-8, S3's limit
_LONGEST_SEGMENT = 255  # bytes of UTF-8, NAME_MAX of the usual file systems
_UNSEEN = ("C", "Zl", "Zp")  # Unicode categories: control, format, surrogate, private, line breaks


def require_key(key: str) -> str:
    """Return ``key`` if every store can hold it.

    Raises:
        ValueError: The key is not one; the message names the rule.
    """
    if (fault := key_fault(key)) is not None:
        raise ValueError(f"object key {key!r} {fault}")
    return key


def require_prefix(prefix: str) -> str:
    """Return ``prefix`` if it is empty or the beginning of some key.

    Raises:
        ValueError: No key can begin like this.
    """
    # "a/" and "a/b" both begin keys; one more letter turns either into a whole key.
    if prefix and (fault := key_fault(f"{prefix}x" if prefix.endswith("/") else prefix)) is not None:
        raise ValueError(f"key prefix {prefix!r} {fault}")
    return prefix


def key_fault(key: str) -> str | None:
    """Say what keeps ``key`` from being an object key, None if nothing does."""
    if not key:
        return "is empty"
    if "\\" in key:
        return "holds a backslash; segments are joined by '/'"
    if any(unicodedata.category(character).startswith(_UNSEEN) for character in key):
        return "holds a control or other invisible character"
    if (length := len(key.encode())) > _LONGEST_KEY:
        return f"is {length} bytes long; the limit is {_LONGEST_KEY}"
    return next(filter(None, map(_segment_fault, key.split("/"))), None)


def _segment_fault(segment: str) -> str | None:
    if not segment:
        return "begins or ends with '/' or holds '//'"
    if segment.startswith("."):
        return f"has the segment {segment!r}; names that begin with a dot are kept for the store itself"
    if (length := len(segment.encode())) > _LONGEST_SEGMENT:
        return f"has a segment of {length} bytes; the limit is {_LONGEST_SEGMENT}"
    return None


def require_range(*, start: int, length: int) -> None:
    """Refuse a byte range that no object has.

    Raises:
        ValueError: ``start`` or ``length`` is negative.
    """
    if start < 0 or length < 0:
        raise ValueError(
            f"a byte range has start >= 0 and length >= 0, got start={start} and length={length}"
        )
