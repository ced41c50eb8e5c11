"""F13: what goes wrong on a machine, and what its run becomes; on a real Prefect server."""

from collections.abc import Callable

import pytest
from prefect.states import Cancelled, Cancelling, Running

from infra.errors import (
    AtCapacity,
    BudgetExhausted,
    CreateAmbiguous,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
)
from infra.remote.provider import RemoteState
from tests.infra.workers.desk import Desk
from tests.rented import Agent

Play = Callable[[Agent, Desk], None]


def says(state: RemoteState) -> Play:
    """The agent lives for a moment, leaves no manifest, and that is what the provider says from then on."""

    def play(agent: Agent, desk: Desk) -> None:
        agent.beat()
        desk.machines.says = state

    return play


def leaves(body: bytes) -> Play:
    """The agent's manifest has this content."""

    def play(agent: Agent, desk: Desk) -> None:
        desk.store.create(f"{agent.prefix}manifest.json", body)

    return play


FAULTS: dict[str, tuple[Play, str, str]] = {
    "segfault": (says("gone"), "CRASHED", "Lost"),
    "hang": (lambda agent, _desk: agent.beat(), "CRASHED", "Lost"),
    "out of memory": (says("ended"), "CRASHED", "Lost"),
    "exit(0) without a manifest": (says("ended"), "CRASHED", "Lost"),
    "zero-byte manifest": (leaves(b""), "CRASHED", "Lost"),
    "manifest cut off": (leaves(b'{"ok": true, "rea'), "CRASHED", "Lost"),
    "manifest of another batch": (lambda agent, _: agent.leave_manifest(digest="0" * 64), "CRASHED", "Lost"),
    "wrong fingerprint": (lambda agent, _: agent.finish("wrong_engine"), "CRASHED", "WrongAccelerator"),
    "our defect": (lambda agent, _: agent.finish("failed", "IndexError"), "FAILED", "Failed"),
    "done": (lambda agent, _: agent.finish(), "COMPLETED", "Completed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_machine_gives_the_run_its_class_and_leaves_no_machine(fault: str, desk: Desk) -> None:
    play, kind, name = FAULTS[fault]
    agent = desk.agent()
    run = desk.run(agent)
    desk.machines.on_create = lambda _job: play(agent, desk)
    desk.work()
    state = desk.state(run)
    assert (state.type.value, state.name) == (kind, name), state.message
    assert (desk.machines.alive(), desk.records.open_names()) == ([], [])


def test_a_run_is_running_from_the_first_sign_of_life_and_names_its_machine(desk: Desk) -> None:
    agent, seen = desk.agent(), []
    run = desk.run(agent)

    def play(_job: object) -> None:
        agent.beat()
        desk.machines.says = None

    class Watched(type(desk.machines)):  # type: ignore[misc]
        def observe(self, handle: object) -> object:
            seen.append(desk.state(run).type.value)
            if len(seen) == 3:
                agent.finish()
            return super().observe(handle)

    desk.machines.on_create = play
    desk.machines.__class__ = Watched
    desk.work()
    assert seen == ["PENDING", "RUNNING", "RUNNING"]
    assert desk.read(run).infrastructure_pid == next(desk.records.all_jobs()).intent.name


@pytest.mark.parametrize(
    ("error", "kind", "name"),
    [
        (AtCapacity("2 sessions run"), "CRASHED", "AtCapacity"),
        (BudgetExhausted("30 hours are used"), "CRASHED", "OverBudget"),
        (RemoteDenied("the token is unknown"), "CRASHED", "Denied"),
        (RemoteRefused("invalid SDL"), "FAILED", "Failed"),
        (CreateAmbiguous("no answer came"), "CRASHED", "Lost"),
    ],
)
def test_a_machine_that_is_not_to_be_had_gives_the_run_its_class(
    error: RemoteError, kind: str, name: str, desk: Desk
) -> None:
    desk.machines.refusals = [error] * 1000
    run = desk.run(desk.agent())
    desk.work()
    state = desk.state(run)
    assert (state.type.value, state.name) == (kind, name)
    assert desk.machines.created() == 0


def test_a_machine_is_waited_for_and_then_does_its_work(desk: Desk) -> None:
    agent = desk.agent()
    desk.machines.refusals = [AtCapacity("2 sessions run")] * 3
    desk.machines.on_create = lambda _job: agent.finish()
    run = desk.run(agent)
    desk.work()
    assert desk.state(run).is_completed()


def test_a_run_that_is_cancelled_while_it_runs_ends_its_machine(desk: Desk) -> None:
    agent = desk.agent()
    run = desk.run(agent)

    def play(_job: object) -> None:
        agent.beat()
        desk.set_state(run, Running())
        desk.set_state(run, Cancelling())

    desk.machines.on_create = play
    desk.work()
    assert (desk.state(run).type.value, agent.may_go_on(), desk.machines.alive()) == ("CANCELLED", False, [])


def test_a_run_that_others_have_ended_keeps_its_state_and_loses_its_machine(desk: Desk) -> None:
    agent = desk.agent()
    run = desk.run(agent)
    desk.machines.on_create = lambda _job: desk.set_state(run, Cancelled(message="by hand"))
    desk.work()
    assert (desk.state(run).message, desk.machines.alive()) == ("by hand", [])


@pytest.mark.parametrize("changes", [{"batch": "../runs"}, {"attempt": -1}, {"deadline": "tomorrow"}])
def test_a_run_that_names_no_batch_fails_with_a_sentence(changes: dict[str, object], desk: Desk) -> None:
    run = desk.run(desk.agent(), **changes)
    desk.work()
    state = desk.state(run)
    assert state.is_failed()
    assert next(iter(changes)) in (state.message or "")
