"""Ask the Console API: once, or, where asking twice does no harm, again until it answers.

Each request has a connection of its own and one limit on all of its time. The key goes into ``x-api-key`` and
never beside an ``Authorization``, which the API refuses; no error repeats it.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_random_exponential

from infra.akash.connection import AkashConnection, Patience
from infra.akash.refusals import NotNow, ReplyLost, Unreached, refusal
from infra.errors import (
    PortalAnswerInvalid,
    PortalReplyLost,
    PortalUnreachable,
    RemoteAnswerInvalid,
    RemoteError,
    RemoteUnavailable,
)
from infra.strict_json import parse_object
from infra.web.exchange import Answer, Request, exchange
from infra.web.remote_text import quoted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """One call of the API.

    Attributes:
        hidden: Secrets of the body, which no error may repeat.
    """

    method: Literal["GET", "POST", "PATCH", "DELETE"]
    path: str
    query: str = ""
    body: Mapping[str, object] | None = field(default=None, repr=False)
    hidden: tuple[str, ...] = field(default=(), repr=False)


def ask(question: Question, connection: AkashConnection, *, total_s: float) -> dict[str, object]:
    """Ask once and return the JSON object of the answer.

    Raises:
        RemoteAnswerInvalid: The answer is of a 2xx status and no strict JSON object.
        RemoteError: As ``infra.akash.refusals`` tells them apart.
    """
    key = connection.api_key.get_secret_value()
    request = Request(
        question.method,
        connection.address.below(question.path, query=question.query),
        json.dumps(question.body).encode() if question.body is not None else b"",
        {"x-api-key": key, "Content-Type": "application/json", "Accept": "application/json"},
    )
    answer = _exchanged(request, total_s)
    if error := refusal(answer, asked=str(request), hidden=(key, *question.hidden)):
        raise error
    try:
        return parse_object(answer.body)
    except ValueError as error:
        raise RemoteAnswerInvalid(f"the answer to {request} must be a JSON object: {error}") from error


def ask_until_answered(
    question: Question, connection: AkashConnection, *, patience: Patience
) -> dict[str, object]:
    """Ask, and again after passing trouble, an unreadable answer included."""
    return insist(
        lambda: ask(question, connection, total_s=patience.request_s),
        on=(RemoteUnavailable, RemoteAnswerInvalid),
        for_s=patience.retry_s,
        patience=patience,
    )


def insist(once: Callable[[], T], *, on: Iterable[type[RemoteError]], for_s: float, patience: Patience) -> T:
    """Try something until it succeeds, fails otherwise than ``on``, or the time is up; then its last error.

    Pauses grow and are drawn by chance, so that many workers do not ask in step; an answer that names a
    pause gets it.
    """
    growing = wait_random_exponential(multiplier=0.5, max=patience.longest_pause_s)

    def pause_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        told = error.retry_after_s if isinstance(error, NotNow) else None
        return growing(state) if told is None else min(told, 4 * patience.longest_pause_s)

    tries = Retrying(
        retry=retry_if_exception_type(tuple(on)),
        wait=pause_s,
        stop=stop_after_delay(for_s),
        reraise=True,
    )
    return tries(once)


def _exchanged(request: Request, total_s: float) -> Answer:
    try:
        return exchange(request, total_s=total_s)
    except PortalUnreachable as error:
        raise Unreached(f"Akash cannot be reached: {error}") from error
    except PortalReplyLost as error:
        raise ReplyLost(f"Akash gave no whole answer: {error}") from error
    except PortalAnswerInvalid as error:
        raise RemoteAnswerInvalid(quoted(error)) from error
