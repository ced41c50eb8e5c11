"""One machine per flow run, ended on every way out, and a record that tells how."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import sleep

import pytest

from infra.errors import (
    AtCapacity,
    BudgetExhausted,
    CreateAmbiguous,
    DestroyFailed,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
    RemoteUnavailable,
    StoreUnavailable,
    WatchTaken,
)
from infra.remote.names import remote_name
from infra.remote.records import RemoteRecord, RemoteRecords
from infra.remote.renting import Order, Renter
from infra.remote.watching import Patience
from infra.store.lease import leased
from tests.rented import SIGNATURE, Agent, FakeTime, FolderProvider, Run, SigningStore, words


def order(agent: Agent) -> Order:
    return Order(uuid.uuid4(), agent.prefix, "none", datetime.now(UTC) + timedelta(hours=2), uuid.uuid4())


def records_of(renter: Renter) -> list[RemoteRecord]:
    return list(renter.records.all_jobs())


def test_a_batch_that_is_done_leaves_a_completed_run_and_no_machine(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider
) -> None:
    asked, run = order(agent), Run()
    clock.events = {1: agent.beat, 3: agent.finish}
    outcome = renter.rent(asked, run)
    name = str(remote_name("kaggle", asked.flow_run_id, 0))
    assert outcome is not None
    assert outcome.state.type == "COMPLETED"
    assert run.outcomes == [outcome]
    assert (run.names, run.ran, provider.alive(), provider.created()) == ([name], 1, [], 1)
    (record,) = records_of(renter)
    assert record.closed is not None
    assert (record.intent.name, record.closed.cause) == (name, "done")
    assert renter.records.open_names() == []


def test_a_batch_that_was_done_before_rents_nothing(
    renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    agent.finish()
    outcome = renter.rent(order(agent), Run())
    assert outcome is not None
    assert (outcome.cause, provider.created(), records_of(renter)) == ("done", 0, [])


@pytest.mark.parametrize(
    ("reason", "cause", "state"),
    [
        ("failed", "bug", "FAILED"),
        ("inputs_damaged", "bug", "FAILED"),
        ("wrong_accelerator", "wrong_accelerator", "CRASHED"),
        ("wrong_engine", "wrong_accelerator", "CRASHED"),
        ("deadline", "deadline", "CRASHED"),
        ("cancelled", "lost", "CRASHED"),
        ("store_refused", "lost", "CRASHED"),
        ("a word of a later version", "bug", "FAILED"),
    ],
)
def test_the_agents_word_decides_between_failed_and_crashed(
    reason: str, cause: str, state: str, renter: Renter, agent: Agent, clock: FakeTime
) -> None:
    clock.events = {1: lambda: agent.finish(reason, "because")}
    outcome = renter.rent(order(agent), Run())
    assert outcome is not None
    assert (outcome.cause, outcome.state.type) == (cause, state)
    assert "because" in outcome.sentence


@pytest.mark.parametrize(
    ("error", "cause", "state"),
    [
        (AtCapacity("2 sessions run"), "capacity", "CRASHED"),
        (BudgetExhausted("30 hours are used"), "budget", "CRASHED"),
        (RemoteDenied("the token is unknown"), "denied", "CRASHED"),
        (RemoteRefused("invalid SDL"), "bug", "FAILED"),
        (RemoteUnavailable("no answer"), "lost", "CRASHED"),
    ],
)
def test_a_machine_that_is_refused_ends_the_run_with_its_class(
    error: RemoteError, cause: str, state: str, renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    provider.refusals = [error] * 1000
    run = Run()
    outcome = renter.rent(order(agent), run)
    assert outcome is not None
    assert (outcome.cause, outcome.state.type) == (cause, state)
    assert (run.outcomes, run.names) == ([outcome], [])
    assert [record.closed.cause for record in records_of(renter) if record.closed] == [cause]


def test_a_machine_is_waited_for_while_none_is_free(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider
) -> None:
    provider.refusals = [AtCapacity("2 sessions run")] * 3
    clock.events = {5: agent.finish}
    outcome = renter.rent(order(agent), Run())
    assert outcome is not None
    assert (outcome.cause, clock.slept[:3], provider.created()) == ("done", [10.0] * 3, 1)
    assert len(records_of(renter)) == 1


def test_a_run_that_is_cancelled_while_no_machine_is_free_gets_none(
    renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    provider.refusals = [AtCapacity("2 sessions run")] * 3
    outcome = renter.rent(order(agent), Run(states=["live", "cancelling"]))
    assert outcome is not None
    assert (outcome.cause, provider.created()) == ("cancelled", 0)


def test_a_cancelled_run_lets_the_agent_stop_and_then_ends_the_machine(
    renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    outcome = renter.rent(order(agent), Run(states=["live", "live", "cancelling"]))
    assert outcome is not None
    assert outcome.state.type == "CANCELLED"
    assert (agent.may_go_on(), provider.alive()) == (False, [])


def test_a_create_whose_reply_was_lost_leaves_one_machine_at_the_end(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider
) -> None:
    provider.refusals, provider.lost_reply = [CreateAmbiguous("no answer came")], True
    clock.events = {4: agent.finish}
    asked = order(agent)
    outcome = renter.rent(asked, Run())
    assert outcome is not None
    assert (outcome.cause, provider.created(), provider.alive()) == ("done", 2, [])
    names = [str(remote_name("kaggle", asked.flow_run_id, attempt)) for attempt in (0, 1)]
    assert [record.intent.name for record in records_of(renter)] == names


def test_a_create_that_could_not_undo_itself_loses_the_run_and_stays_on_record(
    renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    provider.refusals, provider.lost_reply = [DestroyFailed("it is still there")], True
    provider.undying = 99
    outcome = renter.rent(order(agent), Run())
    assert outcome is not None
    assert (outcome.state.name, len(provider.alive())) == ("Lost", 1)
    assert len(renter.records.open_names()) == 1


def test_creates_that_stay_ambiguous_end_the_run_after_three_names(
    renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    provider.refusals = [CreateAmbiguous("no answer came")] * 9
    outcome = renter.rent(order(agent), Run())
    assert outcome is not None
    assert (outcome.state.name, len(records_of(renter))) == ("Lost", 3)
    assert renter.records.open_names() == []


def test_a_machine_that_cannot_be_ended_leaves_the_command_and_an_open_record(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider, store: SigningStore
) -> None:
    provider.undying = 3
    clock.events = {1: agent.finish}
    run = Run()
    outcome = renter.rent(order(agent), run)
    assert outcome is not None
    assert outcome.cause == "done"
    (name,) = renter.records.open_names()
    command = f"cloud delete {name}"
    assert command in run.said[-1]
    assert command in words(store, f"remote/{name}/undestroyed")


def test_a_machine_that_is_ended_at_the_second_try_is_closed(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider
) -> None:
    provider.undying = 2
    clock.events = {1: agent.finish}
    renter.rent(order(agent), Run())
    assert renter.records.open_names() == []


def test_a_run_whose_server_is_away_at_the_end_stays_on_record(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider
) -> None:
    clock.events = {1: agent.finish}
    renter.rent(order(agent), Run(deaf=True))
    assert provider.alive() == []
    (name,) = renter.records.open_names()
    again = Run()
    outcome = renter.adopt(str(name), again)
    assert outcome is not None
    assert (outcome.cause, again.outcomes, renter.records.open_names()) == ("done", [outcome], [])


def test_the_log_is_kept_without_what_would_open_the_store(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider, store: SigningStore
) -> None:
    provider.log = f"fetching https://store.example/spec.json?{SIGNATURE}\nTraceback"
    clock.events = {1: agent.finish}
    renter.rent(order(agent), Run())
    kept = words(store, "remote/")
    assert "fetching https://store.example/spec.json\nTraceback" in kept
    assert SIGNATURE not in kept


def test_the_provider_is_given_a_url_and_the_records_are_not(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider, store: SigningStore
) -> None:
    clock.events = {1: agent.finish}
    renter.rent(order(agent), Run())
    assert SIGNATURE in provider.given()
    assert SIGNATURE not in words(store, "")


def stolen(store: SigningStore, key: str) -> None:
    """Another worker takes the lease over."""
    found = store.head(key)
    assert found is not None
    store.swap(key, b'{"owner": "thief", "expires": 9e12, "nonce": "a"}', expected=found.version)
    sleep(1.0)  # the renewal notices it, every tenth of a second


@pytest.mark.parametrize(("refusals", "machines"), [(0, 1), (9, 0)], ids=["watching", "waiting"])
def test_who_was_taken_over_asks_for_nothing_more_and_ends_nothing(
    refusals: int,
    machines: int,
    renter: Renter,
    agent: Agent,
    clock: FakeTime,
    provider: FolderProvider,
    store: SigningStore,
) -> None:
    asked = order(agent)
    key = renter.records.watch_key(str(remote_name("kaggle", asked.flow_run_id, 0)))
    provider.refusals = [AtCapacity("2 sessions run")] * refusals
    quick = replace(renter, patience=Patience(poll_s=10.0, lease_s=0.3))
    clock.events = {1: lambda: stolen(store, key)}
    run = Run()
    assert quick.rent(asked, run) is None
    assert (run.outcomes, len(provider.alive())) == ([], machines)
    assert len(provider.refusals) == max(0, refusals - 1)


def test_a_defect_of_ours_ends_the_machine_too(
    renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    class Defective(Run):
        def running(self) -> None:
            raise ZeroDivisionError

    agent.beat()
    run = Defective()
    with pytest.raises(ZeroDivisionError):
        renter.rent(order(agent), run)
    assert provider.alive() == []
    assert [outcome.cause for outcome in run.outcomes] == ["bug"]


def test_a_store_that_fails_when_the_machine_is_there_does_not_leave_it_running(
    renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    class Forgetful(RemoteRecords):
        def open(self, *_: object) -> None:
            raise StoreUnavailable("the store does not answer")

    forgetful = replace(renter, records=Forgetful(renter.records.store))
    outcome = forgetful.rent(order(agent), Run())
    assert outcome is not None
    assert (outcome.cause, provider.created(), provider.alive()) == ("lost", 1, [])


@pytest.mark.parametrize("prefix", ["", "runs/a/", "batches/../runs/", "https://store/spec?key=canary"])
def test_a_prefix_that_is_no_batch_fails_the_run(prefix: str, renter: Renter) -> None:
    asked = Order(uuid.uuid4(), prefix, "none", datetime.now(UTC), uuid.uuid4())
    outcome = renter.rent(asked, Run())
    assert outcome is not None
    assert outcome.state.type == "FAILED"
    assert "canary" not in outcome.sentence


@pytest.mark.parametrize("left_s", [-1, 59])
def test_a_run_whose_turn_comes_too_late_asks_for_no_machine_and_may_go_elsewhere(
    left_s: int, renter: Renter, agent: Agent, provider: FolderProvider
) -> None:
    late = replace(order(agent), deadline=renter.clock.moment() + timedelta(seconds=left_s))
    outcome = renter.rent(late, Run())
    assert outcome is not None
    assert (outcome.state.name, provider.created(), records_of(renter)) == ("OutOfTime", 0, [])


def test_a_batch_that_was_never_sent_fails_the_run(renter: Renter, store: SigningStore) -> None:
    outcome = renter.rent(order(Agent(store)), Run())
    assert outcome is not None
    assert (outcome.state.type, renter.records.open_names()) == ("FAILED", [])


@pytest.mark.parametrize(
    "changes", [{"digest": "0" * 64}, {"attempt": 1}, {"ok": "yes"}, {"ok": False}, {"reason": 7}]
)
def test_a_manifest_of_something_else_counts_for_nothing(
    changes: dict[str, object], renter: Renter, agent: Agent, clock: FakeTime
) -> None:
    clock.events = {1: lambda: agent.leave_manifest(**changes)}
    outcome = renter.rent(order(agent), Run())
    assert outcome is not None
    assert outcome.cause == "lost"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"ok": NaN}', b"{" * 100_000])
def test_a_manifest_that_is_none_counts_for_nothing(
    body: bytes, renter: Renter, agent: Agent, clock: FakeTime, store: SigningStore
) -> None:
    clock.events = {1: lambda: store.create(f"{agent.prefix}manifest.json", body)}
    outcome = renter.rent(order(agent), Run())
    assert outcome is not None
    assert outcome.cause == "lost"


def test_a_second_run_of_a_flow_run_takes_the_next_name(
    renter: Renter, agent: Agent, clock: FakeTime, store: SigningStore
) -> None:
    asked = order(agent)
    clock.events = {1: lambda: agent.finish("failed")}
    renter.rent(asked, Run())
    again = replace(asked, batch=Agent(store).send_batch().prefix)
    clock.events = {2: Agent(store, again.batch).finish}
    outcome = renter.rent(again, Run())
    assert outcome is not None
    assert [record.intent.name[-2:] for record in records_of(renter)] == ["-0", "-1"]


def test_a_job_that_somebody_watches_is_not_adopted(
    renter_of: Callable[..., Renter], agent: Agent, store: SigningStore, clock: FakeTime
) -> None:
    name = str(remote_name("kaggle", uuid.uuid4(), 0))
    renter = renter_of()
    with (
        leased(
            store, renter.records.watch_key(name), owner="other", lease_s=60, now=clock.now, taken=WatchTaken
        ),
        pytest.raises(WatchTaken, match="other is at work"),
    ):
        renter.adopt(name, Run())


def test_what_a_machine_cost_and_may_cost_is_on_record(
    renter: Renter, agent: Agent, clock: FakeTime, provider: FolderProvider
) -> None:
    provider.price_usd = Decimal("0.80")
    clock.events = {1: agent.finish}
    run = Run()
    renter.rent(order(agent), run)
    (record,) = records_of(renter)
    assert record.closed is not None
    assert (record.intent.most_usd, record.closed.cost_usd) == (Decimal("1.60"), Decimal("0.80"))
    may, has = (sentence for sentence in run.said if "USD" in sentence)
    assert "may cost 1.60 USD" in may
    assert "has cost 0.8000 USD" in has
