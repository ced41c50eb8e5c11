from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.errors import (
    AtCapacity,
    BudgetExhausted,
    CreateAmbiguous,
    DestroyFailed,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
    RemoteUnavailable,
)
from infra.kaggle.api import KaggleApi
from infra.kaggle.connection import KaggleAccess
from infra.kaggle.patience import Patience
from infra.kaggle.provider import KaggleProvider
from infra.remote.provider import Handle, Provider
from tests.fake_kaggle.faults import Fault, seeded_faults
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import FakeKaggle
from tests.infra.kaggle.accounts import LIMITS, Opened, account, job, provider
from tests.waiting import ENDLESS, wait_until

_LONG = f"print('at work', flush=True)\n{ENDLESS}"


def test_a_job_runs_is_observed_harvested_and_destroyed(kaggle: FakeKaggle) -> None:
    rented: Provider = provider(kaggle, "print('\\x1b[31mred\\x1b[0m')")
    opened = Opened()
    wanted = job()
    handle = rented.create(wanted, opened)
    assert opened.handles == [handle]
    assert handle == Handle(wanted.name, f"owner/{wanted.name}/1")
    wait_until(lambda: rented.observe(handle).state == "ended", within_s=30, what="the end")
    assert rented.observe(handle).detail == "COMPLETE"
    assert rented.harvest(handle) == "[31mred[0m\n"
    assert list(rented.find()) == [handle]
    rented.destroy(handle)
    rented.destroy(handle)
    assert (list(rented.find()), kaggle.kernels_left()) == ([], [])
    assert rented.observe(handle).state == "gone"
    assert rented.harvest(handle) == ""


def test_a_push_is_private_has_a_gpu_and_ends_after_the_agents_last_word(kaggle: FakeKaggle) -> None:
    provider(kaggle).create(job(minutes=10), Opened())
    (asked,) = kaggle.journal.all("SaveKernel")
    told = asked.members
    assert told["isPrivate"] is True
    assert told["enableInternet"] is True
    assert told["machineShape"] == "NvidiaTeslaT4"
    assert 710 <= int(str(told["sessionTimeoutSeconds"])) <= 720  # it stops after 600 and tells how
    assert told["newTitle"] == str(told["slug"]).removeprefix("owner/").replace("-", " ")
    assert b"canary" not in asked.body  # the script alone carries the batch's URL


def test_no_job_is_longer_than_kaggle_allows(kaggle: FakeKaggle) -> None:
    provider(kaggle).create(job(minutes=24 * 60), Opened())
    (asked,) = kaggle.journal.all("SaveKernel")
    assert asked.members["sessionTimeoutSeconds"] == 12 * 3600


def test_a_script_that_fails_has_ended_and_says_how(kaggle: FakeKaggle) -> None:
    rented = provider(kaggle, "raise SystemExit(3)")
    handle = rented.create(job(), Opened())
    wait_until(lambda: rented.observe(handle).state == "ended", within_s=30, what="the end")
    assert rented.observe(handle).detail == "ERROR: Your notebook exited with code 3"


def test_destroying_asks_for_the_sessions_end_and_then_deletes(kaggle: FakeKaggle) -> None:
    rented = provider(kaggle, _LONG)
    handle = rented.create(job(), Opened())
    (session,) = kaggle.sessions()
    rented.destroy(handle)
    methods = kaggle.journal.calls()
    assert methods.index("CancelKernelSession") < methods.index("DeleteKernel")
    assert kaggle.journal.all("CancelKernelSession")[0].members == {"kernelSessionId": session.id}
    assert session.state == "CANCEL_ACKNOWLEDGED"


@pytest.mark.parametrize("method", ["zip", "CancelKernelSession"])
def test_destroying_does_not_depend_on_the_sessions_number(kaggle: FakeKaggle, method: str) -> None:
    rented = provider(kaggle, _LONG)
    handle = rented.create(job(), Opened())
    kaggle.faults.add(Fault(method, "denied"))
    rented.destroy(handle)
    assert kaggle.kernels_left() == []


def test_destroying_ends_the_whole_process_group(kaggle: FakeKaggle, tmp_path: Path) -> None:
    note = tmp_path / "child.pid"
    spawning = f"""
import pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {ENDLESS!r}])
pathlib.Path({str(note)!r}).write_text(str(child.pid))
{ENDLESS}
"""
    rented = provider(kaggle, spawning)
    handle = rented.create(job(), Opened())
    wait_until(lambda: note.is_file() and note.read_text(), within_s=30, what="a child of the script")
    rented.destroy(handle)
    assert kaggle.kernels_alive() == []
    wait_until(lambda: not _runs(note.read_text()), within_s=60, what="the end of the child")


def _runs(pid: str) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.is_file() and "Z (zombie)" not in status.read_text()


def test_the_log_of_a_session_that_runs_is_harvested(kaggle: FakeKaggle) -> None:
    rented = provider(kaggle, _LONG)
    handle = rented.create(job(), Opened())
    wait_until(lambda: rented.harvest(handle), within_s=30, what="the first line")
    assert rented.harvest(handle) == "at work\n"


def test_a_queued_session_is_queued_and_an_unknown_word_unknown(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path, queue_s=600) as kaggle:
        rented = provider(kaggle)
        handle = rented.create(job(), Opened())
        assert rented.observe(handle).state == "queued"
        kaggle.faults.add(Fault("GetKernelSessionStatus", "answer", answer={"status": "ASTRAL\x1b[2J"}))
        assert rented.observe(handle).state == "unknown"


@pytest.mark.parametrize(
    ("slots", "quota_s", "expected"), [(0, 1000.0, AtCapacity), (2, 0.0, BudgetExhausted)]
)
def test_refusals_with_status_200_are_told_apart(
    tmp_path: Path, slots: int, quota_s: float, expected: type[RemoteError]
) -> None:
    with running_fake_kaggle(tmp_path, slots=slots, quota_s=quota_s) as kaggle:
        with pytest.raises(expected):
            provider(kaggle).create(job(), opened := Opened())
        assert (opened.handles, kaggle.kernels_left()) == ([], [])


@pytest.mark.parametrize("name", ["invalidDatasetSources", "invalidTags", "invalidSomethingNew"])
def test_a_push_that_kaggle_takes_with_complaints_is_undone(kaggle: FakeKaggle, name: str) -> None:
    wanted = job()
    kaggle.kernels.save({"newTitle": wanted.name.replace("-", " "), "text": _LONG})
    rented = provider(kaggle)
    told = {"ref": f"/code/owner/{wanted.name}", "versionNumber": 1, "kernelId": 7, name: ["a/b"]}
    kaggle.faults.add(
        Fault("GetKernelSessionStatus", "denied"),  # it does not exist yet
        Fault("SaveKernel", "answer", answer=told),
    )
    with pytest.raises(RemoteRefused, match=name):
        rented.create(wanted, Opened())
    assert kaggle.kernels_left() == []


@pytest.mark.parametrize("act", ["reset_after", "500", "html", "cut", "hang_after"])
def test_a_push_whose_fate_is_unknown_leaves_nothing_behind(kaggle: FakeKaggle, act: str) -> None:
    kaggle.faults.add(Fault("SaveKernel", act))  # type: ignore[arg-type]
    with pytest.raises(CreateAmbiguous, match="deleted"):  # so the next try takes another name
        provider(kaggle, _LONG).create(job(), opened := Opened())
    assert (opened.handles, kaggle.kernels_left(), kaggle.kernels_alive()) == ([], [], [])
    assert len(kaggle.journal.all("SaveKernel")) == 1


def test_a_push_that_cannot_be_undone_is_ambiguous_and_found_by_name(kaggle: FakeKaggle) -> None:
    kaggle.faults.add(Fault("SaveKernel", "reset_after"), *[Fault("DeleteKernel", "500")] * 100)
    rented = provider(kaggle, _LONG, patience=Patience(0.1, 0.01, 0.01, 0.5, 0.1))
    wanted = job()
    with pytest.raises(CreateAmbiguous, match=f"calibguard kaggle delete --owner owner --slug {wanted.name}"):
        rented.create(wanted, Opened())
    assert [handle.name for handle in rented.find()] == [wanted.name]


@pytest.mark.parametrize("act", ["429_json", "429_html"])
def test_a_push_that_was_certainly_not_taken_is_sent_again(kaggle: FakeKaggle, act: str) -> None:
    kaggle.faults.add(
        Fault("SaveKernel", act, retry_after_s=0),  # type: ignore[arg-type]
        Fault("SaveKernel", act),  # type: ignore[arg-type]
    )
    provider(kaggle).create(job(), Opened())
    assert len(kaggle.kernels_left()) == 1


def test_a_second_session_is_never_started_under_one_name(kaggle: FakeKaggle) -> None:
    rented, wanted = provider(kaggle, _LONG), job()
    rented.create(wanted, Opened())
    with pytest.raises(RemoteRefused, match="exists already"):
        rented.create(wanted, Opened())
    assert kaggle.kernels_alive() == [wanted.name]


def test_another_name_in_the_answer_is_ambiguous_and_not_deleted(kaggle: FakeKaggle) -> None:
    told = {"ref": "/code/owner/what-the-user-made", "versionNumber": 4, "kernelId": 7}
    kaggle.faults.add(Fault("SaveKernel", "answer", answer=told))
    with pytest.raises(CreateAmbiguous, match="what-the-user-made"):
        provider(kaggle).create(job(), Opened())
    assert kaggle.journal.all("DeleteKernel") == []


def test_kernels_of_other_names_are_never_touched(kaggle: FakeKaggle) -> None:
    kaggle.kernels.save({"newTitle": "the users own work", "text": "pass"})
    rented = provider(kaggle)
    assert list(rented.find()) == []
    with pytest.raises(ValueError, match="no name of a job at Kaggle"):
        rented.destroy(Handle("the-users-own-work", "owner/the-users-own-work/1"))
    akash = "cg-a-0123456789abcdef0123-0"
    with pytest.raises(ValueError, match="not touched"):
        rented.destroy(Handle(akash, f"owner/{akash}/1"))
    with pytest.raises(ValueError, match="the handle of"):
        rented.destroy(Handle("cg-k-0123456789abcdef0123-0", "owner/cg-k-0123456789abcdef0123-1/1"))
    assert kaggle.kernels_left() == ["the-users-own-work"]


def test_all_of_ours_are_found_over_many_pages(kaggle: FakeKaggle) -> None:
    names = sorted(job().name for _ in range(230))
    kaggle.kernels.slots = 300
    for name in names:
        kaggle.kernels._push(name, name, gpu=False, mounts={}, asked={"text": "pass"})
    assert sorted(handle.name for handle in provider(kaggle).find()) == names


def test_reads_survive_what_passes(kaggle: FakeKaggle) -> None:
    rented = provider(kaggle, "print('done')")
    handle = rented.create(job(), Opened())
    wait_until(lambda: not kaggle.kernels_alive(), within_s=30, what="the end")
    reads = ["GetKernelSessionStatus", "ListKernelSessionOutput", "ListKernels", "DeleteKernel"]
    for seed in range(8):
        kaggle.faults.add(*seeded_faults(seed, methods=reads, count=4))
        assert rented.observe(handle).state == "ended"
        assert rented.harvest(handle) == "done\n"
        assert list(rented.find()) == [handle]
    rented.destroy(handle)
    assert kaggle.kernels_left() == []


def test_an_outage_that_lasts_is_an_outage(kaggle: FakeKaggle) -> None:
    impatient = Patience(retry_s=0.2, first_pause_s=0.01)
    kaggle.faults.add(*[Fault("GetKernelSessionStatus", "500")] * 200)
    with pytest.raises(RemoteUnavailable, match="answered 500"):
        provider(kaggle, patience=impatient).observe(Handle(name := job().name, f"owner/{name}/1"))


def test_what_cannot_be_destroyed_says_how_to_do_it_by_hand(kaggle: FakeKaggle) -> None:
    rented = provider(kaggle, _LONG, patience=Patience(0.1, 0.01, 0.01, 0.5, 0.1))
    handle = rented.create(job(), Opened())
    kaggle.faults.add(*[Fault("DeleteKernel", "answer", answer={"errorMessage": "not now"})])
    with pytest.raises(DestroyFailed, match=f"not now.*calibguard kaggle delete .*{handle.name}"):
        rented.destroy(handle)
    kaggle.faults.add(Fault("DeleteKernel", "answer", answer={}))  # said to be done, and it is not
    with pytest.raises(DestroyFailed, match="still there"):
        rented.destroy(handle)
    rented.destroy(handle)


def test_a_kernel_whose_token_is_accepted_no_more_says_how_to_end_it_by_hand(kaggle: FakeKaggle) -> None:
    handle = provider(kaggle, _LONG).create(job(), Opened())
    api = KaggleApi(KaggleAccess(token=SecretStr("canary-token"), url=kaggle.url), limits=LIMITS)
    with pytest.raises(DestroyFailed) as failed:
        KaggleProvider(api, script=lambda _job: "").destroy(handle)
    text = str(failed.value)
    assert "check KAGGLE_API_TOKEN" in text
    assert text.endswith(f"; run `calibguard kaggle delete --owner owner --slug {handle.name}`")
    assert "canary" not in text
    assert kaggle.kernels_alive() == [handle.name]


def test_a_token_that_kaggle_does_not_know_is_denied(kaggle: FakeKaggle) -> None:
    api = KaggleApi(KaggleAccess(token=SecretStr("canary-token"), url=kaggle.url), limits=LIMITS)
    with pytest.raises(RemoteDenied, match="KAGGLE_API_TOKEN") as caught:
        KaggleProvider(api, script=lambda _job: "").create(job(), Opened())
    assert "canary" not in str(caught.value)
    with pytest.raises(RemoteDenied):
        KaggleProvider(api, script=lambda _job: "").check("cuda")


def test_user_name_and_key_do_as_well(kaggle: FakeKaggle) -> None:
    rented = KaggleProvider(account(kaggle, basic=True), script=lambda _job: "pass")
    rented.check("cuda")
    rented.create(job(), Opened())
    assert all(asked.authorization.startswith("Basic ") for asked in kaggle.journal.all())


def test_too_little_quota_is_said_before_anything_is_created(tmp_path: Path) -> None:
    with running_fake_kaggle(tmp_path, quota_s=899) as kaggle:
        with pytest.raises(BudgetExhausted, match=r"renewed at 20..-..-.. ..:.. UTC"):
            provider(kaggle).check("cuda")
        provider(kaggle).check("none")
        kaggle.faults.add(Fault("GetAcceleratorQuotaStatistics", "answer", answer={}))
        provider(kaggle).check("cuda")


def test_a_job_whose_deadline_has_passed_is_not_started(kaggle: FakeKaggle) -> None:
    with pytest.raises(RemoteRefused, match="until the deadline"):
        provider(kaggle).create(job(minutes=0.5), Opened())
    assert kaggle.journal.all("SaveKernel") == []


def test_a_session_is_ended_by_kaggle_when_its_time_is_up(tmp_path: Path) -> None:
    now = 0.0
    with running_fake_kaggle(tmp_path, clock=lambda: now) as kaggle:
        rented = provider(kaggle, _LONG)
        handle = rented.create(job(minutes=10), Opened())
        wait_until(lambda: rented.observe(handle).state == "running", within_s=30, what="the start")
        now = 721.0
        wait_until(lambda: rented.observe(handle).state == "ended", within_s=30, what="the end")
