"""Tell what Kaggle's refusals amount to, one error for each remedy.

Many come with status 200 and a sentence, so the sentence decides. A kernel that nobody may see and one that
does not exist look the same: 403.
"""

import re
from typing import Final

from infra.errors import (
    AtCapacity,
    BudgetExhausted,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
    RemoteUnavailable,
)
from infra.web.remote_text import quoted

_NO_SLOT: Final = re.compile(r"maximum batch \w+ session count", re.IGNORECASE)
_NO_QUOTA: Final = re.compile(r"maximum weekly \w+ quota", re.IGNORECASE)
_TRY_LATER: Final = frozenset({408, 425, 429})


class KaggleBusy(RemoteUnavailable):
    """Kaggle asks to come back later, or an answer cannot be read; ``retry_after_s`` where it says when."""

    def __init__(self, message: str, *, refused: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.unsent = refused
        """Whether what was asked for was certainly not done."""
        self.retry_after_s = retry_after_s


class KaggleSilent(KaggleBusy):
    """No whole answer came."""

    def __init__(self, message: str, *, unsent: bool) -> None:
        super().__init__(message, refused=unsent)


class KernelGone(RemoteRefused):
    """The kernel does not exist, or belongs to somebody else."""


class BadRequest(RemoteRefused):
    """Kaggle answers 400, as it does where a session that has ended has no output to list."""


def status_refusal(
    status: int, message: str, *, asked: str, retry_after_s: float | None
) -> RemoteError | None:
    """The error that a status amounts to, None for one that says yes."""
    if 200 <= status < 400:
        return None
    told = f"Kaggle answered {status} to {asked}: {quoted(message)}"
    if status == 401:
        return RemoteDenied(f"{told}; check KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY")
    if status in (403, 404):
        return KernelGone(f"{told}; it does not exist or may not be seen with these credentials")
    if status >= 500 or status in _TRY_LATER:
        return KaggleBusy(told, refused=status == 429, retry_after_s=retry_after_s)
    if status == 400:
        return BadRequest(told)
    return RemoteRefused(told)


def push_refusal(message: str) -> RemoteError:
    """The error that the sentence in the answer to a push amounts to."""
    told = f"Kaggle refuses the push: {quoted(message)}"
    if _NO_SLOT.search(message):
        return AtCapacity(f"{told}; a session that is queued takes a slot too")
    if _NO_QUOTA.search(message):
        return BudgetExhausted(f"{told}; `calibguard kaggle quota` tells when it is renewed")
    return RemoteRefused(told)
