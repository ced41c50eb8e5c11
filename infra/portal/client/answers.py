"""Read what the portal says, strictly: every member that is used has the promised type and range.

Unknown members are ignored, for portals grow; an unknown status word means *not finished*. What the scores
mean, and whether the CSV fits the photos, is not judged here.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from infra.errors import PortalAnswerInvalid, PortalDenied, PortalError, PortalRefused, PortalUnavailable
from infra.portal.judge import JudgeIdentity, judge_from
from infra.strict_json import parse_object
from infra.web.exchange import Answer
from infra.web.remote_text import quoted

JsonObject: TypeAlias = dict[str, object]

_FINISHED = frozenset({"COMPLETED", "COMPLETE"})
_COUNTS = ("total_images", "scored", "missing", "hard_fails")
_TRY_LATER = frozenset({408, 425, 429})
_LONGEST_KEY = 1024


@dataclass(frozen=True)
class Pending:
    """The job goes on."""

    status: str
    done: int | None = None
    total: int | None = None


@dataclass(frozen=True)
class Failed:
    """The judge ended the job without scores."""

    detail: str


@dataclass(frozen=True)
class Scores:
    """What the judge gave."""

    csv: bytes
    summary: Mapping[str, object]
    judge: JudgeIdentity | None
    """None where the portal does not name its judge."""


def refusal(answer: Answer, *, asked: str) -> PortalError | None:
    """The error that an answer's status amounts to, None for 2xx.

    Args:
        answer: What came back.
        asked: The request without secrets, as in ``POST https://host:443/api/score``.
    """
    if 200 <= answer.status < 300:
        return None
    told = f"the portal answered {answer.status} to {asked}{_remark(answer.body)}"
    if answer.status in (401, 403):
        return PortalDenied(f"{told}; check the portal's token")
    if answer.status >= 500 or answer.status in _TRY_LATER:
        return PortalUnavailable(told)
    if answer.status < 400:
        return PortalRefused(f"{told}; redirects are not followed, set the portal's final URL")
    return PortalRefused(told)


def read_object(answer: Answer, *, asked: str) -> JsonObject:
    """Return the JSON object of a 2xx answer.

    Raises:
        PortalAnswerInvalid: The body is no strict JSON object.
    """
    try:
        return parse_object(answer.body)
    except ValueError as error:
        raise PortalAnswerInvalid(
            f"the answer to {asked} must be a JSON object: {error}; it begins {quoted(_text(answer.body))}"
        ) from error


def read_upload(members: JsonObject) -> tuple[str, str]:
    """Return upload URL and key; the URL is not checked here."""
    if detail := _complaint(members):
        raise PortalRefused(f"the portal gives no upload URL: {quoted(detail)}")
    url, key = members.get("upload_url"), members.get("s3_key")
    if not isinstance(url, str) or not url:
        raise PortalAnswerInvalid(f"upload_url must be a text, got a {type(url).__name__}")
    if not isinstance(key, str) or not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise PortalAnswerInvalid(f"s3_key must be 1 to {_LONGEST_KEY} printable characters")
    return url, key


def read_request_id(members: JsonObject) -> str:
    """Return the id of the job that was created, as the portal wrote it."""
    if detail := _complaint(members):
        raise PortalAnswerInvalid(f"the portal complains: {quoted(detail)}")
    return require_request_id(members.get("request_id"))


def require_request_id(found: object) -> str:
    """Return ``found`` if it is a UUID in its usual form.

    Raises:
        PortalAnswerInvalid: It is not.
    """
    if isinstance(found, str):
        try:
            if str(uuid.UUID(found)) == found.lower():
                return found
        except ValueError:
            pass
    raise PortalAnswerInvalid(f"request_id must be a UUID, got {quoted(found)}")


def read_poll(members: JsonObject, *, request_id: str) -> Pending | Failed | Scores:
    """Return how far the job is.

    Raises:
        PortalAnswerInvalid: It is said to be finished, but the result has not the promised shape.
    """
    if members.get("request_id", request_id) != request_id:
        raise PortalAnswerInvalid(
            f"job {request_id} was asked for, the answer is about {quoted(members['request_id'])}"
        )
    status = members.get("status")
    if detail := _complaint(members):
        return Failed(quoted(detail))
    if status == "FAILED":
        return Failed("no reason given")
    if not isinstance(status, str) or status not in _FINISHED:
        return Pending(quoted(status), _count(members.get("done")), _count(members.get("total")))
    if members.get("success", True) is not True:
        return Failed(f"finished with success {quoted(members['success'])}")
    return Scores(_csv(members.get("csv")), _summary(members.get("summary")), _judge(members.get("judge")))


def _complaint(members: JsonObject) -> object:
    return members.get("detail") or members.get("error")


def _csv(csv: object) -> bytes:
    """A cut number is still a number, so the last line must have its end."""
    if not isinstance(csv, str) or not csv.strip():
        raise PortalAnswerInvalid(f"csv must be a text with rows, got {quoted(csv)}")
    if not csv.endswith("\n"):
        raise PortalAnswerInvalid("csv must end with a line break; without one it may have been cut")
    try:
        return csv.encode()
    except UnicodeEncodeError as error:
        raise PortalAnswerInvalid("csv holds half a surrogate pair") from error


def _summary(summary: object) -> Mapping[str, object]:
    if not isinstance(summary, dict):
        raise PortalAnswerInvalid(f"summary must be an object, got a {type(summary).__name__}")
    for name in _COUNTS:
        if _count(found := summary.get(name)) is None:
            raise PortalAnswerInvalid(f"summary.{name} must be a whole number, got {quoted(found)}")
    average = summary.get("avg_score")
    if isinstance(average, bool) or not isinstance(average, int | float) or not 0 <= average <= 1:
        raise PortalAnswerInvalid(f"summary.avg_score must be a number from 0 to 1, got {quoted(average)}")
    photos = summary.get("per_image", [])
    if not isinstance(photos, list) or not all(isinstance(photo, dict) for photo in photos):
        raise PortalAnswerInvalid("summary.per_image must be a list of objects")
    return summary


def _count(number: object) -> int | None:
    return number if isinstance(number, int) and not isinstance(number, bool) and number >= 0 else None


def _judge(judge: object) -> JudgeIdentity | None:
    if judge is None:
        return None
    try:
        return judge_from(judge if isinstance(judge, dict) else {})
    except ValueError as error:
        raise PortalAnswerInvalid(f"judge is not usable: {error}") from error


def _remark(body: bytes) -> str:
    return f": {quoted(_text(body))}" if body else ""


def _text(body: bytes) -> str:
    return body[:2000].decode("utf-8", "replace")
