"""What the fake Akash was asked, for assertions such as "no request body ever holds a secret"."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_akash.faults import Call


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire."""

    call: Call
    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
