import hashlib
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from infra.akash.sdl import stack_sdl
from infra.errors import AtCapacity, BudgetExhausted, DestroyFailed, PresignUnsupported, RemoteRefused
from infra.remote.records import RemoteRecord, RemoteRecords
from infra.settings import SettingMissing, Settings
from infra.store.opening import configured_store
from infra.store.s3_connection import S3Credentials
from tasks import akash as commands
from tasks.akash import TrainingEnd, TrainingRun, up
from tasks.training import OutputUnusable
from tests.akash_cases import SHORT, STACK, job, provider_at
from tests.akash_training import COMMANDS, ENVIRONMENT, settings_for
from tests.fake_akash.faults import Fault
from tests.fake_akash.running import running_fake_akash
from tests.fake_akash.service import API_KEY, FakeAkash
from tests.script_host import script_host
from tests.waiting import ENDLESS

WELL = "import os, pathlib; pathlib.Path(os.environ['CALIBGUARD_OUTPUT'], 'best.bin').write_bytes(b'w' * 99)"


@pytest.fixture
def akash(tmp_path: Path) -> Iterator[FakeAkash]:
    with running_fake_akash(tmp_path / "akash", commands=COMMANDS, environment=ENVIRONMENT) as running:
        yield running


def run_of(script: str, folder: Path, *, max_usd_per_hour: str | None = None) -> TrainingRun:
    return TrainingRun(
        script_sha256=hashlib.sha256(script.encode()).hexdigest(),
        max_hours=0.5,
        max_usd_per_hour=Decimal(max_usd_per_hour) if max_usd_per_hour else None,
        output=folder / "output",
        poll_s=0.2,
        patience=SHORT,
    )


def trained(
    script: str, akash: FakeAkash, s3: S3Credentials, folder: Path, *, promised: str | None = None
) -> tuple[TrainingEnd, list[str], Settings]:
    said: list[str] = []
    with script_host(script) as url:
        settings = settings_for(akash, s3, folder, script_url=url)
        end = up(run_of(promised or script, folder), settings, say=said.append)
    return end, said, settings


def records(settings: Settings) -> list[RemoteRecord]:
    return list(RemoteRecords(configured_store(settings)).all_jobs())


def test_a_script_is_run_its_output_fetched_and_the_lease_ended(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    end, said, settings = trained(WELL, akash, s3_server, tmp_path)
    assert (end.outcome.cause, end.may_run) == ("done", False)
    assert [path.name.rpartition("_")[2] for path in end.files] == ["output.tar", "log.txt"]
    assert end.cost_usd is not None
    assert 0 < end.cost_usd < Decimal("0.01")
    assert (akash.deployments_alive(), akash.pids()) == ([], [])
    assert "at most 0.500 USD until" in said[0]
    (record,) = records(settings)
    assert record.closed is not None
    assert (record.intent.name, record.closed.cost_usd) == (end.name, end.cost_usd)
    assert record.intent.asked_by == "command"
    assert not [text for text in (*said, str(end), end.files[1].read_text()) if "CANARY" in text]


def test_no_secret_is_left_in_the_store(akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path) -> None:
    _, _, settings = trained(WELL, akash, s3_server, tmp_path)
    store = configured_store(settings)
    keys = [found.key for found in store.list("")]
    assert len(keys) > 5
    assert not [key for key in keys if b"CANARY" in store.read(key) or API_KEY.encode() in store.read(key)]
    assert not [key for key in keys if b"Signature=" in store.read(key)]


def test_a_script_of_another_digest_is_not_run_and_the_lease_ended(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    end, _, _ = trained(WELL, akash, s3_server, tmp_path, promised="# the script that was read")
    assert end.outcome.state.type == "FAILED"
    assert "it was not run" in end.outcome.sentence
    assert akash.deployments_alive() == []


def test_a_lease_that_is_lost_is_told_and_its_deployment_ended(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    def lose(words: str) -> None:
        if "sign of life" in words:
            akash.lose_lease(akash.leases_alive()[0])

    with script_host(ENDLESS) as url:
        settings = settings_for(akash, s3_server, tmp_path, script_url=url)
        end = up(run_of(ENDLESS, tmp_path), settings, say=lose)
    assert (end.outcome.cause, end.may_run) == ("lost", False)
    assert "lease_closed_reason_unstable at akash1cheap" in end.outcome.sentence
    assert akash.deployments_alive() == []
    assert [file.name for file in (tmp_path / "state" / "akash" / "denied").iterdir()] == ["akash1cheap"]


@pytest.mark.parametrize("moment", ["at most", "is opened", "sign of life"])
def test_ctrl_c_at_any_moment_leaves_no_lease(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path, moment: str
) -> None:
    def interrupt(words: str) -> None:
        if moment in words:
            raise KeyboardInterrupt

    with script_host(ENDLESS) as url:
        settings = settings_for(akash, s3_server, tmp_path, script_url=url)
        with pytest.raises(KeyboardInterrupt):
            up(run_of(ENDLESS, tmp_path), settings, say=interrupt)
    assert (akash.deployments_alive(), akash.pids()) == ([], [])
    assert all(record.closed for record in records(settings))
    assert not [found.key for found in configured_store(settings).list("batches/") if "spec" in found.key]


def test_a_lease_that_does_not_end_is_told_whatever_else_ended_the_run(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    def interrupt(words: str) -> None:
        if "sign of life" in words:
            for _ in range(1000):
                akash.faults.add(Fault("close", "ignored"))
            raise KeyboardInterrupt

    with script_host(ENDLESS) as url:
        settings = settings_for(akash, s3_server, tmp_path, script_url=url)
        wanted = replace(run_of(ENDLESS, tmp_path), patience=replace(SHORT, destroy_s=0.2))
        with pytest.raises(DestroyFailed, match="may still run and cost"):
            up(wanted, settings, say=interrupt)
    assert len(akash.deployments_alive()) == 1


def test_down_ends_the_others_where_one_does_not_end(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    settings = settings_for(akash, s3_server, tmp_path)
    ours = [provider_at(akash).create(job(), lambda handle: None).id for _ in range(2)]
    akash.faults.add(Fault("close", status=403, message="forbidden"))
    with pytest.raises(DestroyFailed, match=ours[0]):
        list(commands.down(tuple(ours), settings))
    assert akash.deployments_alive() == ours[:1]


def test_a_lease_of_a_lost_reply_is_ended_and_another_one_does_the_work(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    akash.faults.add(Fault("create", "reset_after"))
    with script_host(WELL) as url:
        settings = settings_for(akash, s3_server, tmp_path, script_url=url)
        end = up(run_of(WELL, tmp_path), settings, say=lambda words: None)
    assert (end.outcome.cause, akash.deployments_alive()) == ("done", [])
    assert [record.closed and record.closed.cause for record in records(settings)] == ["lost", "done"]


def test_a_price_cap_of_the_command_beats_that_of_the_settings(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    settings = settings_for(akash, s3_server, tmp_path, script_url="http://127.0.0.1:1/train.py")
    with pytest.raises(AtCapacity, match=r"at most 0\.200 USD an hour"):
        up(run_of(WELL, tmp_path, max_usd_per_hour="0.20"), settings, say=lambda words: None)
    assert akash.deployments_alive() == []


def test_a_month_whose_budget_is_used_up_begins_nothing(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    changes = {"akash_monthly_budget_usd": Decimal("0.40")}
    settings = settings_for(akash, s3_server, tmp_path, script_url="http://127.0.0.1:1/x", **changes)
    with pytest.raises(BudgetExhausted, match=r"0\.000 USD of this month's 0\.400 USD"):
        up(run_of(WELL, tmp_path), settings, say=lambda words: None)
    assert "create" not in akash.journal.calls()


def test_a_run_may_take_what_is_left_of_the_budget_and_no_more(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    with script_host(WELL) as url:
        changes = {"akash_monthly_budget_usd": Decimal("0.5005")}
        settings = settings_for(akash, s3_server, tmp_path, script_url=url, **changes)
        assert up(run_of(WELL, tmp_path), settings, say=lambda words: None).outcome.cause == "done"
    assert commands.month_in_words(settings) == "0.001 USD of this month's 0.501 USD"


def test_a_budget_that_cannot_read_a_record_of_akash_begins_nothing_and_names_it(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    settings = settings_for(akash, s3_server, tmp_path, script_url="http://127.0.0.1:1/x")
    store = configured_store(settings)
    keys = [f"remote/cg-{letter}-{'0' * 20}-0/intent.json" for letter in "ka"]
    store.create(keys[0], b"rubbish")
    assert commands.month_in_words(settings).startswith("0.000 USD")
    store.create(keys[1], b"rubbish")
    with pytest.raises(BudgetExhausted, match=rf"not known.*'{keys[1]}' is not the record it was") as refused:
        up(run_of(WELL, tmp_path), settings, say=lambda words: None)
    assert keys[0] not in str(refused.value)
    assert commands.month_in_words(settings).startswith(f"what this month cost is not known: '{keys[1]}'")
    assert "create" not in akash.journal.calls()


def test_a_lease_whose_record_cannot_be_read_is_shown_and_ended_with_the_others(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    settings = settings_for(akash, s3_server, tmp_path)
    ours = [provider_at(akash).create(job(), lambda handle: None) for _ in range(2)]
    configured_store(settings).create(f"remote/{ours[0].name}/intent.json", b"rubbish")
    assert {row.name: row.recorded for row in commands.alive(settings)} == {
        ours[0].name: True,
        ours[1].name: False,
    }
    assert len(list(commands.down(None, settings))) == 2
    assert akash.deployments_alive() == []


def test_a_folder_as_store_is_refused_before_anything_is_asked_for(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    settings = settings_for(
        akash, s3_server, tmp_path, script_url="http://127.0.0.1:1/x", store_url=str(tmp_path / "store")
    )
    with pytest.raises(PresignUnsupported):
        up(run_of(WELL, tmp_path), settings, say=lambda words: None)
    assert "create" not in akash.journal.calls()


def test_an_output_that_cannot_be_written_is_refused_before_anything_is_asked_for(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    settings = settings_for(akash, s3_server, tmp_path, script_url="http://127.0.0.1:1/x")
    run = run_of(WELL, tmp_path)
    run.output.write_text("a file is in the way")
    with pytest.raises(OutputUnusable, match="File exists"):
        up(run, settings, say=lambda words: None)
    assert "create" not in akash.journal.calls()


@pytest.mark.parametrize("missing", ["akash_api_key", "akash_image", "akash_train_script_url"])
def test_what_is_not_set_is_named(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path, missing: str
) -> None:
    settings = settings_for(akash, s3_server, tmp_path, script_url="http://127.0.0.1:1/x", **{missing: None})
    with pytest.raises(SettingMissing, match=missing):
        up(run_of(WELL, tmp_path), settings, say=lambda words: None)


def test_down_ends_ours_again_and_again_and_leaves_others_alone(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    settings = settings_for(akash, s3_server, tmp_path)
    ours = [provider_at(akash).create(job(), lambda handle: None) for _ in range(3)]
    theirs = stack_sdl(replace(STACK, name="my-own-website"))
    foreign = akash.market.create(theirs, deposit=0.5, limit_h=None).dseq
    assert "is ended, it cost" in next(commands.down((ours[0].id,), settings))
    assert list(commands.down((ours[0].id, "17"), settings)) == [f"{ours[0].id} is over", "17 is over"]
    with pytest.raises(RemoteRefused, match="has no name of ours, so it is left alone"):
        list(commands.down((foreign,), settings))
    assert len(list(commands.down(None, settings))) == 2
    assert akash.deployments_alive() == [foreign]
    assert [row.dseq for row in commands.alive(settings)] == []


def test_the_living_are_shown_with_what_they_cost(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    handle = provider_at(akash).create(job(), lambda handle: None)
    (row,) = commands.alive(settings_for(akash, s3_server, tmp_path))
    assert (row.dseq, row.name, row.recorded) == (handle.id, handle.name, False)
    assert row.cost_usd is not None
    assert row.cost_usd > 0


def test_prices_begin_with_the_cheapest_and_end_with_what_nobody_sells(
    akash: FakeAkash, s3_server: S3Credentials, tmp_path: Path
) -> None:
    shown = commands.prices(settings_for(akash, s3_server, tmp_path))
    assert [one.model for one in shown] == ["t4", "h200"]
    assert shown[0].price is not None
    assert shown[0].price.low == Decimal("0.21")
