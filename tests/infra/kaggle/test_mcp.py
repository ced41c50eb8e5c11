import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.errors import (
    AtCapacity,
    CreateAmbiguous,
    RemoteAnswerInvalid,
    RemoteDenied,
    RemoteRefused,
    RemoteUnavailable,
)
from infra.kaggle.mcp import KaggleMcp, ToolFailed
from infra.kaggle.notebooks import KernelRef, Notebooks, Push
from infra.kaggle.patience import Patience
from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import TOKEN, FakeKaggle
from tests.infra.kaggle.accounts import HASTY
from tests.waiting import ENDLESS, wait_until

_KERNEL = KernelRef("owner", "some-kernel")
_PUSH = Push(source="print('hello')\nopen('out.txt', 'w').write('1')", kind="script", gpu=True)


def endpoint(kaggle: FakeKaggle, token: str = TOKEN) -> KaggleMcp:
    return KaggleMcp(kaggle.mcp_url, SecretStr(token), patience=HASTY)


def test_a_notebook_is_run_asked_and_its_output_listed(kaggle: FakeKaggle) -> None:
    mcp: Notebooks = endpoint(kaggle)
    kernel = mcp.run(_KERNEL, _PUSH, gpu=True)
    assert kernel == KernelRef("owner", "some-kernel", 1)
    wait_until(lambda: mcp.status(kernel).state == "ended", within_s=30, what="the end")
    files, log = mcp.output(kernel)
    assert ([file.name for file in files], log) == (["out.txt"], "hello\n")
    assert kaggle.kernels.kernels["some-kernel"].shape == "NvidiaTeslaT4"
    assert kaggle.kernels.kernels["some-kernel"].private


def test_a_session_is_begun_once_and_in_order(kaggle: FakeKaggle) -> None:
    mcp = endpoint(kaggle)
    for _ in range(2):
        with pytest.raises(ToolFailed):
            mcp.status(_KERNEL)
    methods = [asked.members["method"] for asked in kaggle.journal.all("mcp")]
    assert methods == ["initialize", "notifications/initialized", "tools/list", "tools/call", "tools/call"]


def test_all_pages_of_the_output_are_listed(kaggle: FakeKaggle) -> None:
    mcp = endpoint(kaggle)
    many = "import pathlib\nfor n in range(450): pathlib.Path(f'{n}.txt').touch()"
    kernel = mcp.run(_KERNEL, Push(source=many, kind="script", gpu=False), gpu=False)
    wait_until(lambda: mcp.status(kernel).state == "ended", within_s=30, what="the end")
    assert len({file.name for file in mcp.output(kernel)[0]}) == 450


def test_nothing_can_be_deleted(kaggle: FakeKaggle) -> None:
    with pytest.raises(RemoteRefused, match=r"no tool that deletes.*--transport api"):
        endpoint(kaggle).delete(_KERNEL)
    assert kaggle.journal.all() == []


def test_what_a_tool_does_not_tell_is_said_to_be_untold(kaggle: FakeKaggle) -> None:
    with pytest.raises(ToolFailed, match=r"An error occurred invoking.*--transport api tells more"):
        endpoint(kaggle).status(_KERNEL)


def test_a_full_house_is_told_here_too(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path, slots=0) as kaggle, pytest.raises(AtCapacity):
        endpoint(kaggle).run(_KERNEL, _PUSH, gpu=True)


@pytest.mark.parametrize("act", ["reset_after", "500", "html", "cut"])
def test_a_run_whose_fate_is_unknown_is_ambiguous(kaggle: FakeKaggle, act: str) -> None:
    mcp = endpoint(kaggle)
    with pytest.raises(ToolFailed):
        mcp.status(_KERNEL)  # the session is begun
    kaggle.faults.add(Fault("mcp", act))  # type: ignore[arg-type]
    with pytest.raises(CreateAmbiguous, match="look at Kaggle"):
        mcp.run(_KERNEL, _PUSH, gpu=True)


@pytest.mark.parametrize("act", ["429_json", "429_html", "500", "html", "reset_before", "cut"])
def test_reads_survive_what_passes(kaggle: FakeKaggle, act: str) -> None:
    kaggle.kernels.save({"newTitle": "some kernel", "text": ENDLESS})
    kaggle.faults.add(*[Fault("mcp", act)] * 2)  # type: ignore[arg-type]
    mcp = endpoint(kaggle)
    wait_until(lambda: mcp.status(_KERNEL).word == "RUNNING", within_s=30, what="the start")


def test_an_answer_to_another_question_is_passed_over(kaggle: FakeKaggle) -> None:
    mcp = endpoint(kaggle)
    with pytest.raises(ToolFailed):
        mcp.status(_KERNEL)
    content = {"content": [{"type": "text", "text": '{"status": "COMPLETE"}'}]}
    other = {"jsonrpc": "2.0", "id": 99, "result": {}}
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {}}
    ours = {"jsonrpc": "2.0", "id": 4, "result": content}
    body = "".join(f": ping\r\ndata: {json.dumps(one)}\r\n\r\n" for one in (other, note, ours))
    kaggle.faults.add(Fault("mcp", "answer", answer=body.encode(), kind="text/event-stream"))
    assert mcp.status(_KERNEL).word == "COMPLETE"


@pytest.mark.parametrize("text", ["RUNNING", "[]", '{"status": "RUN'])
def test_an_answer_that_is_no_json_is_refused(kaggle: FakeKaggle, text: str) -> None:
    mcp = endpoint(kaggle)
    with pytest.raises(ToolFailed):
        mcp.status(_KERNEL)
    told = {"jsonrpc": "2.0", "id": 4, "result": {"content": [{"type": "text", "text": text}]}}
    kaggle.faults.add(Fault("mcp", "answer", answer=told))
    with pytest.raises(RemoteAnswerInvalid, match="must answer in JSON"):
        mcp.status(_KERNEL)


def test_a_token_that_is_not_known_is_denied(kaggle: FakeKaggle) -> None:
    with pytest.raises(RemoteDenied) as caught:
        endpoint(kaggle, "canary").status(_KERNEL)
    assert "canary" not in str(caught.value)


def test_nobody_there_is_an_outage() -> None:
    mcp = KaggleMcp("http://127.0.0.1:1/mcp", SecretStr("x"), patience=Patience(0.1, 0.01))
    with pytest.raises(RemoteUnavailable, match="ConnectError"):
        mcp.status(_KERNEL)
