"""Read what Kaggle says, strictly where it matters and with patience for what it adds.

Unknown members are ignored and unknown status words stay words. Answers come in the RPC API's names
(``nextPageToken``) or in the MCP endpoint's (``next_page_token``); both are read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from infra.errors import RemoteAnswerInvalid
from infra.kaggle.connection import Answer
from infra.kaggle.refusals import KaggleBusy, status_refusal
from infra.remote.provider import RemoteState
from infra.strict_json import parse_json
from infra.web.remote_text import quoted

_SUCCEEDED: Final = frozenset({"COMPLETE"})
_FAILED: Final = frozenset({"ERROR", "CANCEL_ACKNOWLEDGED"})
_STATES: Final[Mapping[str, RemoteState]] = {
    "QUEUED": "queued",
    "RUNNING": "running",
    "CANCEL_REQUESTED": "running",
    "COMPLETE": "ended",
    "ERROR": "ended",
    "CANCEL_ACKNOWLEDGED": "ended",
}
_DURATION: Final = re.compile(r"([0-9]{1,12})(\.[0-9]+)?s")
_PREFIX: Final = re.compile(r"^(KERNELWORKERSTATUS\.|KERNEL_WORKER_STATUS_)")
Members = dict[str, object]


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """What Kaggle says of a session.

    Attributes:
        word: In capitals, as Kaggle has it; nothing said is ``QUEUED``.
        failure: Kaggle's sentence on what went wrong.
    """

    word: str
    failure: str = ""

    @property
    def state(self) -> RemoteState:
        """The word as a state; ``unknown`` for any that is not on our list."""
        return _STATES.get(self.word, "unknown")

    @property
    def succeeded(self) -> bool:
        """Whether the script ended by itself without an error; what it achieved is another matter."""
        return self.word in _SUCCEEDED


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file that a session left; the URL is a credential for some minutes."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Quota:
    """Accelerator time of a week, in seconds."""

    used_s: float
    reserved_s: float
    allowed_s: float
    renewed_at: datetime | None

    @property
    def left_s(self) -> float:
        """What a new session may still use."""
        return max(0.0, self.allowed_s - self.used_s - self.reserved_s)


def read_members(answer: Answer) -> Members:
    """Return the JSON object of an answer that says yes.

    Raises:
        KaggleBusy: The answer is no JSON, as in a sign-in or a rate-limit page; it may be next time.
        RemoteAnswerInvalid: It is JSON of another shape.
        RemoteError: Status or body say no.
    """
    tree = read_tree(answer)
    if isinstance(tree, dict):
        return tree
    raise RemoteAnswerInvalid(
        f"the answer to {answer.asked} must be a JSON object, got {type(tree).__name__}"
    )


def read_tree(answer: Answer) -> object:
    """Return the JSON of an answer that says yes, of whatever shape; see ``read_members``."""
    try:
        tree: object = parse_json(answer.body)
    except ValueError as error:
        _require_yes(answer, {})
        raise KaggleBusy(
            f"the answer to {answer.asked} cannot be read: {error}; it begins {quoted(_text(answer.body))}"
        ) from error
    _require_yes(answer, tree if isinstance(tree, dict) else {})
    return tree


def read_status(members: Members) -> SessionStatus:
    """Return the session's status; a queued one has none on the wire."""
    found = member(members, "status")
    word = _PREFIX.sub("", str(found).strip().upper()) if found else "QUEUED"
    failure = member(members, "failureMessage")
    return SessionStatus(quoted(word)[1:-1], quoted(failure)[1:-1] if failure else "")


def read_page(members: Members) -> tuple[list[OutputFile], str, str]:
    """Return a page's files, the session's log as Kaggle keeps it, and the next page's token."""
    files = [
        OutputFile(name=_text_member(entry, "fileName"), url=_text_member(entry, "url"))
        for entry in entries(members, "files")
    ]
    return files, str(member(members, "log") or ""), next_page(members)


def read_quota(members: Members) -> Quota | None:
    """Return the GPU's quota; None where Kaggle tells none."""
    gpu = member(members, "gpuQuota")
    if not isinstance(gpu, dict):
        return None
    return Quota(
        used_s=_seconds(member(gpu, "timeUsed")),
        reserved_s=_seconds(member(gpu, "timeReserved")),
        allowed_s=_seconds(member(gpu, "totalTimeAllowed")),
        renewed_at=_moment(member(members, "quotaRefreshTime")),
    )


def member(members: Members, name: str) -> object:
    """A member under the RPC API's name or the MCP endpoint's; None where it is neither."""
    snake = re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
    return members.get(name, members.get(snake))


def entries(members: Members, name: str) -> list[Members]:
    """The objects of a list.

    Raises:
        RemoteAnswerInvalid: It is no list of objects.
    """
    found = member(members, name) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise RemoteAnswerInvalid(f"{name} must be a list of objects, got {quoted(found)}")
    return found


def next_page(members: Members) -> str:
    """The next page's token, empty at the end."""
    token = member(members, "nextPageToken") or ""
    if not isinstance(token, str):
        raise RemoteAnswerInvalid(f"nextPageToken must be a text, got {quoted(token)}")
    return token


def _require_yes(answer: Answer, members: Members) -> None:
    """Heed the status, and a status that the body has instead."""
    status, message = answer.status, _text(answer.body)
    error = members.get("error")
    inner = error if isinstance(error, dict) else members
    code = inner.get("code")
    if isinstance(code, int) and not isinstance(code, bool) and code >= 400:
        status = code
    message = str(inner.get("message") or inner.get("status") or message)
    told = answer.headers.get("Retry-After", "")
    retry_after_s = float(told) if told.isascii() and told.isdigit() and len(told) < 6 else None
    if refusal := status_refusal(status, message, asked=answer.asked, retry_after_s=retry_after_s):
        raise refusal


def _text_member(members: Members, name: str) -> str:
    found = member(members, name)
    if not isinstance(found, str) or not found:
        raise RemoteAnswerInvalid(f"{name} must be a text, got {quoted(found)}")
    return found


def _seconds(found: object) -> float:
    match = _DURATION.fullmatch(str(found or "0s"))
    if match is None:
        raise RemoteAnswerInvalid(f"a duration such as '108000s' was expected, got {quoted(found)}")
    return float(f"{match[1]}{match[2] or ''}")


def _moment(found: object) -> datetime | None:
    """Kaggle's times are UTC, also where they do not say so."""
    try:
        moment = datetime.fromisoformat(str(found))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(body: bytes) -> str:
    return body[:2000].decode("utf-8", "replace")
