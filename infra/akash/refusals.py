"""Tell the API's refusals apart, one type per next move; all are of ``infra.errors``.

RemoteError
├── RemoteUnavailable
│   ├── Unreached          no connection came about, so nothing was done
│   ├── ReplyLost          the request may have been obeyed
│   ├── ServerFault        5xx: it may have been obeyed
│   ├── NotNow             409 while the wallet is set up, 429: it was not obeyed
│   └── Unsettled          the escrow cannot be settled yet, ask to close again
├── RemoteRefused
│   ├── DeploymentUnknown  404
│   ├── DeploymentOver     the order is matched or closed: it has to be made anew
│   └── BidTaken           the bid is open no longer, take the next one
├── BudgetExhausted
│   └── TopUpComing        402, but money is on its way
└── RemoteDenied           401, 403
"""

import re
from collections.abc import Iterable
from typing import Final

from infra.errors import (
    BudgetExhausted,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
    RemoteUnavailable,
)
from infra.strict_json import parse_object
from infra.web.exchange import Answer
from infra.web.remote_text import quoted

_TOP_UP_COMING: Final = re.compile(r"(top.?up|recharge|reload).{0,40}(progress|way|processing|pending)", re.I)
_OVER: Final = ("already been matched or closed", "deployment closed")


class Unreached(RemoteUnavailable):
    """No connection came about."""


class ReplyLost(RemoteUnavailable):
    """The request may have arrived, but no whole reply came back."""


class ServerFault(RemoteUnavailable):
    """Akash or something in front of it fails."""


class NotNow(RemoteUnavailable):
    """Akash did nothing, and will later.

    Attributes:
        retry_after_s: When, where it says so.
    """

    retry_after_s: float | None = None


class Unsettled(RemoteUnavailable):
    """The chain refuses to close the deployment for the moment."""


class DeploymentUnknown(RemoteRefused):
    """There is no such deployment."""


class DeploymentOver(RemoteRefused):
    """The deployment takes no lease any more."""


class BidTaken(RemoteRefused):
    """The bid is no longer open."""


class TopUpComing(BudgetExhausted):
    """The balance does not do yet, but a top-up is under way."""


def refusal(answer: Answer, *, asked: str, hidden: Iterable[str]) -> RemoteError | None:
    """Return the error that an answer's status amounts to, None for 2xx.

    Args:
        answer: What came back.
        asked: The request without secrets, such as ``POST https://host:443/v1/leases``.
        hidden: Secrets that the answer may repeat and the error must not.
    """
    if 200 <= answer.status < 300:
        return None
    message = _message(answer.body, hidden)
    told = f"Akash answered {answer.status} to {asked}" + (f": {quoted(message)}" if message else "")
    if answer.status in (409, 425, 429):
        later = NotNow(told)
        later.retry_after_s = answer.retry_after_s
        return later
    return _for_good(answer.status, message.lower(), told)


def _for_good(status: int, message: str, told: str) -> RemoteError:
    if status in (401, 403):
        return RemoteDenied(f"{told}; check AKASH_API_KEY")
    if status == 402:
        coming = _TOP_UP_COMING.search(message)
        return (TopUpComing if coming else BudgetExhausted)(f"{told}; add credit to the Akash account")
    if status == 404:
        return DeploymentUnknown(told)
    if status >= 500 or status == 408:
        return ServerFault(told)
    if status < 400:
        return RemoteRefused(f"{told}; redirects are not followed, set CALIBGUARD_AKASH_URL to the final URL")
    if "cannot be settled yet" in message:
        return Unsettled(told)
    if "no longer open" in message:
        return BidTaken(told)
    if any(words in message for words in _OVER):
        return DeploymentOver(told)
    return RemoteRefused(told)


def _message(body: bytes, hidden: Iterable[str]) -> str:
    text = body[:4000].decode("utf-8", "replace")
    try:
        told = parse_object(body).get("message")
    except ValueError:
        told = None
    message = told if isinstance(told, str) else text
    for secret in hidden:
        message = message.replace(secret, "...")
    return message
