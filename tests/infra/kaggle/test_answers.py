import json
from datetime import UTC, datetime

import pytest

from infra.errors import (
    AtCapacity,
    BudgetExhausted,
    RemoteAnswerInvalid,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
)
from infra.kaggle.answers import OutputFile, SessionStatus, read_members, read_page, read_quota, read_status
from infra.kaggle.connection import Answer
from infra.kaggle.refusals import BadRequest, KaggleBusy, KernelGone, push_refusal


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    told = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(
        "SaveKernel of Kaggle", status, told, {name.replace("_", "-"): to for name, to in headers.items()}
    )


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        ({"code": 401, "message": "no"}, 401, RemoteDenied),
        ({"code": 403, "message": "Permission 'kernels.get' was denied"}, 403, KernelGone),
        (b"", 404, KernelGone),
        (b"<html>", 400, BadRequest),
        ({"code": 500, "message": "no"}, 200, KaggleBusy),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, 200, KaggleBusy),
        (b"<html>Too many requests</html>", 429, KaggleBusy),
        (b"<html>Sign in</html>", 200, KaggleBusy),
        (b'{"status": "RUNN', 200, KaggleBusy),
        (b"\xff\xfe", 200, KaggleBusy),
        (b"[" * 100_000, 200, KaggleBusy),
        ([], 200, RemoteAnswerInvalid),
        (b"teapot", 418, RemoteRefused),
    ],
)
def test_each_refusal_has_its_remedy(body: object, status: int, expected: type[RemoteError]) -> None:
    with pytest.raises(RemoteError) as caught:
        read_members(answer(body, status))
    assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("told", "expected"), [("7", 7.0), ("", None), ("-1", None), ("soon", None), ("9" * 9, None)]
)
def test_the_pause_that_kaggle_asks_for_is_kept(told: str, expected: float | None) -> None:
    with pytest.raises(KaggleBusy) as caught:
        read_members(answer(b"later", 429, Retry_After=told))
    assert (caught.value.retry_after_s, caught.value.unsent) == (expected, True)


def test_a_server_error_may_have_done_what_was_asked() -> None:
    with pytest.raises(KaggleBusy) as caught:
        read_members(answer(b"oops", 500))
    assert caught.value.unsent is False


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Maximum batch GPU session count of 2 reached.", AtCapacity),
        ("Maximum batch CPU session count of 5 reached.", AtCapacity),
        ("Maximum weekly GPU quota of 30.00 hours reached.", BudgetExhausted),
        ("The title is taken \x1b[2J https://kaggle.com/x?token=canary", RemoteRefused),
    ],
)
def test_the_sentence_of_a_push_decides(sentence: str, expected: type[RemoteError]) -> None:
    error = push_refusal(sentence)
    assert type(error) is expected
    assert "canary" not in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, SessionStatus("QUEUED")),
        ({"status": None}, SessionStatus("QUEUED")),
        ({"status": "RUNNING"}, SessionStatus("RUNNING")),
        ({"status": "running"}, SessionStatus("RUNNING")),
        ({"status": "KernelWorkerStatus.COMPLETE"}, SessionStatus("COMPLETE")),
        ({"status": "KERNEL_WORKER_STATUS_ERROR", "failure_message": "no"}, SessionStatus("ERROR", "no")),
        ({"status": 2}, SessionStatus("2")),
        ({"status": ["COMPLETE"]}, SessionStatus("['COMPLETE']")),
    ],
)
def test_status_words_stay_words(members: dict[str, object], expected: SessionStatus) -> None:
    assert read_status(members) == expected


def test_only_three_words_are_an_end() -> None:
    ends = ["COMPLETE", "ERROR", "CANCEL_ACKNOWLEDGED", "COMPLETED", "2", "LETE", "E"]
    assert [SessionStatus(word).state for word in ends] == ["ended"] * 3 + ["unknown"] * 4
    assert [word for word in ends if SessionStatus(word).succeeded] == ["COMPLETE"]


@pytest.mark.parametrize("names", [("fileName", "nextPageToken"), ("file_name", "next_page_token")])
def test_a_page_is_read_in_both_spellings(names: tuple[str, str]) -> None:
    page: dict[str, object] = {"files": [{names[0]: "a", "url": "https://b"}], "log": "[]", names[1]: "2"}
    assert read_page(page) == ([OutputFile("a", "https://b")], "[]", "2")
    assert read_page({}) == ([], "", "")


@pytest.mark.parametrize(
    "page", [{"files": {"a": 1}}, {"files": [1]}, {"files": [{"fileName": "a"}]}, {"nextPageToken": 2}]
)
def test_a_page_of_another_shape_is_refused(page: dict[str, object]) -> None:
    with pytest.raises(RemoteAnswerInvalid):
        read_page(page)


def test_a_quota_counts_what_is_reserved() -> None:
    told = {"timeUsed": "36000s", "timeReserved": "3600.500s", "totalTimeAllowed": "108000s"}
    quota = read_quota({"gpuQuota": told, "quotaRefreshTime": "2026-12-05T00:00:00Z"})
    assert quota is not None
    assert quota.left_s == 68399.5
    assert quota.renewed_at == datetime(2026, 12, 5, tzinfo=UTC)
    assert read_quota({}) is None
    with pytest.raises(RemoteAnswerInvalid):
        read_quota({"gpuQuota": {"timeUsed": "a while"}})
