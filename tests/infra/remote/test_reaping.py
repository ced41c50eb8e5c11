"""What nobody watches is found and seen to; what somebody watches, or is not ours, is left alone."""

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from infra.errors import RemoteUnavailable, StoreUnavailable, WatchTaken
from infra.remote.names import remote_name
from infra.remote.provider import Handle
from infra.remote.reaping import Reaped, Reaper
from infra.remote.records import Asker, Closed, Intent, Opened, RemoteRecord, RemoteRecords
from infra.remote.renting import Renter
from infra.remote.watching import RunState
from infra.store.lease import leased
from tests.rented import Agent, FakeTime, FolderProvider, Run, SigningStore

NOW = datetime.now(UTC)
FLOW = uuid.uuid4()


def intent(agent: Agent, *, asked_by: Asker | None = FLOW) -> Intent:
    flow_run = uuid.uuid4()
    return Intent(
        name=str(remote_name("kaggle", flow_run, 0)),
        kind="kaggle",
        flow_run_id=flow_run,
        batch=agent.prefix,
        deadline=NOW + timedelta(hours=1),
        most_usd=None,
        worker="a dead worker",
        at=NOW,
        asked_by=asked_by,
    )


def machine(provider: FolderProvider, name: str) -> Handle:
    """A machine that runs under a name."""
    (provider.folder / "alive" / name).mkdir(parents=True)
    return Handle(name, f"machine of {name}")


@pytest.fixture
def orphan(renter: Renter, provider: FolderProvider, agent: Agent) -> Intent:
    """A machine on record as opened, whose worker is gone."""
    asked = intent(agent)
    assert renter.records.intend(asked)
    renter.records.open(machine(provider, asked.name), Opened(id="1", at=NOW))
    return asked


def spoilt(
    renter: Renter, provider: FolderProvider, agent: Agent, *, member: str, lost: bool = False
) -> tuple[str, str]:
    """A machine that runs, of whose record one member is rubbish or lost; gives its name and that key."""
    records, asked = renter.records, intent(agent)
    key = f"remote/{asked.name}/{member}"
    records.intend(asked)
    records.open(machine(provider, asked.name), Opened(id="1", at=NOW))
    records.store.delete(key)
    if not lost:
        records.store.create(key, b'{"format": 1, "na')
    return asked.name, key


def reaper(renter: Renter, run: Run, **more: Callable[[RemoteRecord], None]) -> Reaper:
    return Reaper(renter, lambda _id: run, **more)


def ended(state: RunState = "ended") -> Run:
    return Run(states=[state])


@pytest.mark.parametrize("state", ["ended", "missing"])
def test_a_machine_whose_run_is_over_is_destroyed_and_closed(
    state: RunState, renter: Renter, orphan: Intent, provider: FolderProvider, agent: Agent
) -> None:
    (reaped,) = reaper(renter, ended(state)).reap()
    assert (reaped.name, reaped.due, reaped.done) == (orphan.name, "destroy", True)
    assert (provider.alive(), renter.records.open_names(), agent.may_go_on()) == ([], [], False)
    assert list(reaper(renter, ended(state)).reap()) == []


def test_a_machine_whose_run_waits_is_adopted(
    renter: Renter, orphan: Intent, provider: FolderProvider
) -> None:
    adopted: list[str] = []
    run = Run()
    (reaped,) = reaper(renter, run, adopt=lambda record: adopted.append(record.intent.name)).reap()
    assert (reaped.due, reaped.done, adopted) == ("adopt", True, [orphan.name])
    assert (provider.alive(), run.outcomes) == ([orphan.name], [])


def test_a_machine_whose_run_waits_is_only_reported_where_nobody_can_watch(
    renter: Renter, orphan: Intent, provider: FolderProvider
) -> None:
    (reaped,) = reaper(renter, Run()).reap()
    assert (reaped.due, reaped.done, provider.alive()) == ("adopt", False, [orphan.name])
    assert "a dead worker watches it no more" in reaped.why


def test_while_the_server_is_silent_nothing_is_destroyed(
    renter: Renter, orphan: Intent, provider: FolderProvider
) -> None:
    (reaped,) = reaper(renter, Run(states=["unknown"])).reap()
    assert (reaped.due, reaped.done) == ("ask again", False)
    assert provider.alive() == [orphan.name]


def test_at_a_server_that_never_knew_the_run_nothing_is_destroyed_and_it_is_said_what_to_do(
    renter: Renter, orphan: Intent, provider: FolderProvider
) -> None:
    (reaped,) = reaper(renter, Run(states=["foreign"])).reap()
    assert (reaped.due, reaped.done, reaped.in_words) == ("ask again", False, "left for the next time")
    assert f"flow run {orphan.flow_run_id} of flow {orphan.asked_by}" in reaped.why
    assert "point PREFECT_API_URL at the server that a dead worker asked" in reaped.why
    assert f"`cloud delete {orphan.name}`" in reaped.why
    assert provider.alive() == [orphan.name]


@pytest.mark.parametrize("state", ["live", "cancelling", "unknown", "foreign"])
def test_a_machine_that_nobody_watches_ends_by_its_deadline_whatever_the_server_says(
    state: RunState, renter: Renter, orphan: Intent, provider: FolderProvider, clock: FakeTime
) -> None:
    past_s = orphan.deadline.timestamp() + renter.patience.overtime_s - clock.at
    clock.sleep(past_s - 60)
    assert [one.due for one in reaper(renter, Run(states=[state])).find()] != ["destroy"]
    clock.sleep(61)
    run = Run(states=[state])
    (reaped,) = reaper(renter, run).reap()
    assert (reaped.due, reaped.done, provider.alive()) == ("destroy", True, [])
    assert reaped.why == f"nobody watches it, and its deadline was {orphan.deadline:%Y-%m-%d %H:%M} UTC"
    assert [outcome.cause for outcome in run.outcomes] == ["deadline"]


def test_a_batch_that_was_finished_before_its_deadline_is_settled_as_done(
    renter: Renter, orphan: Intent, agent: Agent, clock: FakeTime
) -> None:
    agent.finish()
    clock.sleep(orphan.deadline.timestamp() + renter.patience.overtime_s + 1 - clock.at)
    run = Run()
    assert [one.done for one in reaper(renter, run).reap()] == [True]
    assert [outcome.cause for outcome in run.outcomes] == ["done"]


def test_a_machine_that_a_dead_command_asked_for_is_destroyed_and_no_server_is_asked(
    renter: Renter, provider: FolderProvider, agent: Agent
) -> None:
    asked = intent(agent, asked_by="command")
    renter.records.intend(asked)
    renter.records.open(machine(provider, asked.name), Opened(id="1", at=NOW))
    (reaped,) = reaper(renter, Run(states=["unknown"])).reap()
    assert (reaped.due, reaped.done, provider.alive()) == ("destroy", True, [])
    assert reaped.why == "the command that asked for it is gone"


def test_a_machine_that_somebody_watches_is_left_alone(
    renter: Renter, orphan: Intent, provider: FolderProvider, store: SigningStore, clock: FakeTime
) -> None:
    key = renter.records.watch_key(orphan.name)
    with leased(store, key, owner="worker two", lease_s=60, now=clock.now, taken=WatchTaken):
        (found,) = reaper(renter, ended()).find()
        assert (found.due, found.why) == ("nothing", "worker two watches it")
        assert [one.in_words for one in reaper(renter, ended()).reap()] == ["left alone"]
    assert provider.alive() == [orphan.name]


def test_an_intent_whose_machine_is_found_by_name_counts_as_opened(
    renter: Renter, provider: FolderProvider, agent: Agent
) -> None:
    asked = intent(agent)
    renter.records.intend(asked)
    machine(provider, asked.name)
    (reaped,) = reaper(renter, ended()).reap()
    assert (reaped.done, provider.alive()) == (True, [])
    record = renter.records.find(asked.name)
    assert record is not None
    assert record.opened is not None
    assert record.closed is not None


def test_an_intent_without_a_machine_is_closed_and_its_run_may_start_again(
    renter: Renter, provider: FolderProvider, agent: Agent
) -> None:
    asked, run = intent(agent), Run()
    renter.records.intend(asked)
    outcome = renter.adopt(asked.name, run)
    assert outcome is not None
    assert (outcome.state.type, run.outcomes) == ("CRASHED", [outcome])
    assert renter.records.open_names() == []


def test_an_adopted_job_is_seen_through(
    renter: Renter, orphan: Intent, provider: FolderProvider, agent: Agent, clock: FakeTime
) -> None:
    clock.events = {1: agent.beat, 2: agent.finish}
    run = Run()
    outcome = renter.adopt(orphan.name, run)
    assert outcome is not None
    assert (outcome.cause, run.names, run.ran, provider.alive()) == ("done", [orphan.name], 1, [])


def test_a_machine_that_turns_up_under_a_closed_record_is_destroyed(
    renter: Renter, provider: FolderProvider, agent: Agent
) -> None:
    asked = intent(agent)
    renter.records.intend(asked)
    renter.records.close(asked.name, Closed(cause="lost", sentence="ambiguous", at=NOW))
    machine(provider, asked.name)
    (reaped,) = reaper(renter, Run()).reap()
    assert (reaped.why, reaped.done, provider.alive()) == ("its record is closed", True, [])


def test_a_machine_without_a_record_is_destroyed_and_a_foreign_one_is_not(
    renter: Renter, provider: FolderProvider
) -> None:
    name = str(remote_name("kaggle", uuid.uuid4(), 0))
    for alive in (name, "my-notebook", str(remote_name("akash", uuid.uuid4(), 0))):
        machine(provider, alive)
    (reaped,) = reaper(renter, Run()).reap()
    assert (reaped.name, name in provider.alive(), len(provider.alive())) == (name, False, 2)


def test_a_machine_that_is_created_while_the_reaper_looks_is_left_alone(
    renter: Renter, provider: FolderProvider, agent: Agent, store: SigningStore, clock: FakeTime
) -> None:
    asked = intent(agent)

    class Slow(FolderProvider):
        def find(self) -> Iterator[Handle]:
            yield from super().find()
            machine(provider, asked.name)  # after the listing; its intent was written before

    with leased(
        store, renter.records.watch_key(asked.name), owner="two", lease_s=60, now=clock.now, taken=WatchTaken
    ):
        renter.records.intend(asked)
        slow = Renter(Slow(provider.folder), renter.records, "worker one", renter.patience, renter.clock)
        assert [one.in_words for one in reaper(slow, ended()).reap()] == ["left alone"]
    assert provider.alive() == [asked.name]


def test_what_cannot_be_ended_is_said_and_left_for_the_next_time(
    renter: Renter, orphan: Intent, provider: FolderProvider
) -> None:
    provider.undying = 3
    (reaped,) = reaper(renter, ended()).reap()
    assert (reaped.done, provider.alive()) == (False, [orphan.name])
    (again,) = reaper(renter, ended()).reap()
    assert (again.done, provider.alive()) == (True, [])


def test_what_cannot_be_ended_and_is_on_no_record_is_said_with_the_command(
    renter: Renter, provider: FolderProvider
) -> None:
    name = str(remote_name("kaggle", uuid.uuid4(), 0))
    machine(provider, name)
    provider.undying = 3
    (reaped,) = reaper(renter, ended()).reap()
    assert not reaped.done
    assert f"run `cloud delete {name}`" in reaped.why


def test_a_list_that_breaks_off_is_an_error_after_all_that_is_on_record(
    renter: Renter, orphan: Intent, provider: FolderProvider, agent: Agent
) -> None:
    asked = intent(agent)
    renter.records.intend(asked)  # whether there is a machine is for the list to say

    class Away(FolderProvider):
        def find(self) -> Iterator[Handle]:
            raise RemoteUnavailable("whose deployment 17 is is not known")

    away = Renter(Away(provider.folder), renter.records, "worker one", renter.patience, renter.clock)
    with pytest.raises(RemoteUnavailable, match="deployment 17"):
        list(reaper(away, ended()).reap())
    assert provider.alive() == []
    assert [str(name) for name in renter.records.open_names()] == [asked.name]


@pytest.mark.parametrize(
    ("member", "lost"),
    [
        ("intent.json", False),
        ("opened.json", False),
        ("closed.json", False),
        ("watch.json", False),
        ("intent.json", True),
    ],
)
def test_a_record_that_cannot_be_read_costs_its_own_job_alone_and_its_machine_is_left(
    member: str, lost: bool, renter: Renter, orphan: Intent, provider: FolderProvider, agent: Agent
) -> None:
    bad, key = spoilt(renter, provider, agent, member=member, lost=lost)
    other = intent(agent)
    renter.records.intend(other)
    renter.records.open(machine(provider, other.name), Opened(id="2", at=NOW))
    reaped = {one.name: one for one in reaper(renter, ended()).reap()}
    assert set(reaped) == {bad, orphan.name, other.name}
    assert [reaped[name].done for name in (bad, orphan.name, other.name)] == [False, True, True]
    assert (reaped[bad].due, reaped[bad].in_words) == ("by hand", "left to you")
    assert key in reaped[bad].why
    assert f"`cloud delete {bad}`" in reaped[bad].why
    assert provider.alive() == [bad]


def test_a_record_that_cannot_be_read_is_told_also_where_no_machine_is_listed(
    renter: Renter, provider: FolderProvider, agent: Agent
) -> None:
    bad, key = spoilt(renter, provider, agent, member="intent.json")
    provider.destroy(Handle(bad, "1"))
    (found,) = reaper(renter, ended()).find()
    assert (found.name, found.due, key in found.why) == (bad, "by hand", True)


def test_a_store_that_cannot_be_reached_is_an_error_and_nothing_is_ended(
    renter: Renter, orphan: Intent, provider: FolderProvider
) -> None:
    class Away(SigningStore):
        def read(self, key: str) -> bytes:
            raise StoreUnavailable("the store answers no more")

    away_records = RemoteRecords(Away(provider.folder.parent / "store"))
    away = Renter(provider, away_records, "worker one", renter.patience, renter.clock)
    with pytest.raises(StoreUnavailable, match="no more"):
        list(reaper(away, ended()).reap())
    assert provider.alive() == [orphan.name]


def test_two_reapers_at_once_end_everything_once(
    renter_of: Callable[..., Renter], provider: FolderProvider, agent: Agent, store: SigningStore
) -> None:
    records = RemoteRecords(store)
    for _ in range(20):
        asked = intent(agent)
        records.intend(asked)
        records.open(machine(provider, asked.name), Opened(id="1", at=NOW))
    runs = [ended(), ended()]
    reapers = [reaper(renter_of(f"worker {index}"), run) for index, run in enumerate(runs)]
    with ThreadPoolExecutor(2) as threads:
        reaped: list[list[Reaped]] = list(threads.map(lambda one: list(one.reap()), reapers))
    assert (provider.alive(), records.open_names()) == ([], [])
    assert {one.name for half in reaped for one in half if one.due == "destroy" and one.done} == {
        path.name for path in (provider.folder / "dead").iterdir()
    }
    assert sum(len(run.outcomes) for run in runs) == 20
