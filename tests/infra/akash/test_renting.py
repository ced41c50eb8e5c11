from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from infra.akash.sdl import stack_sdl
from infra.errors import (
    AtCapacity,
    BudgetExhausted,
    CreateAmbiguous,
    DestroyFailed,
    RemoteAnswerInvalid,
    RemoteDenied,
    RemoteError,
    RemoteRefused,
    RemoteUnavailable,
)
from infra.remote.provider import Handle
from tests.akash_cases import COMMANDS, STACK, created, job, provider_at, with_terms
from tests.fake_akash.faults import UNSETTLED, Fault
from tests.fake_akash.market import Offer
from tests.fake_akash.running import running_fake_akash
from tests.fake_akash.service import FakeAkash, matched
from tests.waiting import wait_until

RUN = UUID("0123456789abcdef0123456789abcdef")


def _deployed(akash: FakeAkash, name: str) -> str:
    """The dseq of a deployment that is made behind the provider's back."""
    akash.market.balance += 1
    with akash.market.lock:
        return akash.market.create(stack_sdl(replace(STACK, name=name)), deposit=0.5, limit_h=None).dseq


def test_a_lease_is_made_of_the_cheapest_bid_runs_the_agent_and_ends_confirmed(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS) as akash:
        provider = provider_at(akash)
        provider.check("cuda")
        handle = created(provider)
        assert akash.market.deployments[handle.id].leases[0].bid.offer.provider == "akash1cheap"
        wait_until(akash.pids, within_s=60, what="the container")
        assert provider.observe(handle).state == "running"
        provider.destroy(handle)
        assert (akash.deployments_alive(), akash.pids()) == ([], [])
        assert provider.observe(handle).state == "gone"
        provider.destroy(handle)


def test_top_up_is_off_before_there_is_a_lease_and_never_asked_about(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS) as akash:
        handle = created(provider_at(akash))
        calls = akash.journal.calls()
        assert calls.index("create") < calls.index("settings") < calls.index("lease")
        assert "settings_read" not in calls
        assert akash.market.top_up == {handle.id: False}
        funds = akash.market.deployments[handle.id].funds
        assert funds <= Decimal("0.72") * 1_000_000  # 0.60 USD for an hour and a fifth


def test_a_top_up_that_stays_on_keeps_us_from_leasing(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, faults=[Fault("settings", "ignored")]) as akash:
        with pytest.raises(RemoteAnswerInvalid, match=r"automatic top-up .* is said to be on"):
            created(provider_at(akash))
        assert "lease" not in akash.journal.calls()
        assert akash.deployments_alive() == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault("create", status=400, message="Invalid SDL: no"), RemoteRefused, "400 to POST .*Invalid SDL"),
        (Fault("create", status=401, message="bad key"), RemoteDenied, "check AKASH_API_KEY"),
        (Fault("create", status=402, message="Not enough"), BudgetExhausted, "add credit"),
        (Fault("create", status=404, message="gone"), RemoteRefused, "404"),
        (Fault("create", status=502, message="bad gateway"), CreateAmbiguous, "may exist.*502"),
        (Fault("create", "reset_after"), CreateAmbiguous, "no whole answer"),
        (Fault("create", "hang_after"), CreateAmbiguous, "no whole answer after 2 s"),
        (Fault("create", "cut"), CreateAmbiguous, "may exist"),
        (Fault("create", "answer", answer={"data": {"dseq": 5}}), CreateAmbiguous, "dseq"),
        (Fault("create", "answer", answer=b"<html>"), CreateAmbiguous, "JSON object"),
        (Fault("lease", status=400, message="no such thing"), RemoteRefused, "no such thing"),
        (matched(), AtCapacity, "already been matched or closed.*ask again"),
        (Fault("lease", "answer", answer={"data": {}}), RemoteAnswerInvalid, "deployment: Field required"),
        (Fault("bids", "answer", answer={"data": "none"}), RemoteAnswerInvalid, "must hold a list"),
        (Fault("settings", status=403, message="no"), RemoteDenied, "403"),
    ],
)
def test_each_failure_has_its_error_and_leaves_nothing_that_costs(
    tmp_path: Path, fault: Fault, error: type[RemoteError], words: str
) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS, faults=[fault]) as akash:
        provider = provider_at(akash)
        with pytest.raises(error, match=words):
            created(provider)
        for left in provider.find():
            provider.destroy(left)
        assert akash.deployments_alive() == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("create", status=429, message="rate_limited", retry_after_s=0),
        Fault("create", "html", status=429),
        Fault("create", status=402, message="Not enough balance; a top-up is on the way"),
        Fault("balances", status=500),
        Fault("balances", "html", status=503),
        Fault("bids", "reset_before"),
        Fault("bids", "cut"),
        Fault("settings", "reset_after"),
        Fault("lease", status=500),
        Fault("lease", "reset_after"),
        Fault("lease", "bid_taken"),
    ],
)
def test_passing_trouble_passes_with_one_deployment(tmp_path: Path, fault: Fault) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS, faults=[fault]) as akash:
        handle = created(provider_at(akash))
        assert akash.leases_alive() == [handle.id]
        assert len(akash.market.deployments) == 1


def test_a_wallet_that_is_being_set_up_is_waited_for(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS, not_activated=3) as akash:
        created(provider_at(akash))
        assert akash.journal.calls().count("create") == 4


def test_after_a_taken_bid_the_next_cheapest_is_leased(tmp_path: Path) -> None:
    faults = [Fault("lease", "bid_taken"), Fault("lease", "bid_taken")]
    with running_fake_akash(tmp_path, commands=COMMANDS, faults=faults) as akash:
        handle = created(provider_at(akash))
        assert akash.market.deployments[handle.id].leases[0].bid.offer.provider == "akash1dear"


@pytest.mark.parametrize(
    "offers",
    [
        (),
        (Offer("akash1greedy", "1000.000000000000000001"),),
        (Offer("akash1foreign", "1", denom="uakt"),),
        (Offer("akash1pascal", "10", model="p100"),),
        (Offer("akash1late", "350", after_s=60),),
        (Offer("akash1denied", "350"),),
    ],
)
def test_without_a_good_bid_nothing_is_leased_and_nothing_left(
    tmp_path: Path, offers: tuple[Offer, ...]
) -> None:
    terms = with_terms(denied=lambda: frozenset({"akash1denied"}))
    with running_fake_akash(tmp_path, offers=offers) as akash:
        with pytest.raises(AtCapacity, match=r"no machine at Akash for at most 0\.600 USD an hour"):
            created(provider_at(akash, terms=terms))
        assert akash.deployments_alive() == []
        assert float(akash.market.balance) == 20.0
        assert "lease" not in akash.journal.calls()


@pytest.mark.parametrize(("amount", "leased"), [("1000.000000000000000001", False), ("1000", True)])
def test_the_price_of_a_bid_is_held_against_the_cap_whatever_the_market_lets_through(
    tmp_path: Path, amount: str, leased: bool
) -> None:
    def show_bid(handle: Handle) -> None:
        bid = {
            "id": {"owner": "o", "dseq": handle.id, "gseq": 1, "oseq": 1, "provider": "akash1x"},
            "state": "open",
            "price": {"denom": "uact", "amount": amount},
        }
        akash.faults.add(*[Fault("bids", "answer", answer={"data": [{"bid": bid}]})] * 100)

    with running_fake_akash(tmp_path, offers=()) as akash:
        with pytest.raises(AtCapacity):
            provider_at(akash).create(job(), show_bid)
        assert ("lease" in akash.journal.calls()) == leased


def test_a_lease_that_costs_more_than_the_cap_is_ended_at_once(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS) as akash:
        provider = provider_at(akash)
        handle = created(provider)
        view = provider.console.deployment(handle.id).model_dump(mode="json", by_alias=True)
        view["leases"][0]["price"]["amount"] = "99999"
        akash.faults.add(Fault("lease", "answer", answer={"data": view}))
        with pytest.raises(RemoteAnswerInvalid, match=r"should cost at most .* and costs 99999 uact a block"):
            created(provider)
        assert akash.deployments_alive() == [handle.id]


def test_a_lost_reply_is_found_again_by_the_name_of_its_group(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, faults=[Fault("create", "reset_after")]) as akash:
        provider = provider_at(akash)
        with pytest.raises(CreateAmbiguous):
            provider.create(job(RUN, attempt=3), lambda handle: None)
        (dseq,) = akash.deployments_alive()
        assert list(provider.find()) == [Handle("cg-a-0123456789abcdef0123-3", dseq)]


def test_the_create_is_never_sent_twice_when_it_may_have_been_obeyed(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, faults=[Fault("create", status=500)]) as akash:
        with pytest.raises(CreateAmbiguous):
            created(provider_at(akash))
        assert akash.journal.calls().count("create") == 1


def test_the_handle_is_told_before_anything_else_can_fail(tmp_path: Path) -> None:
    opened: list[Handle] = []
    faults = [Fault("settings", status=400, message="no")]
    with running_fake_akash(tmp_path, faults=faults) as akash:
        with pytest.raises(RemoteRefused):
            provider_at(akash).create(job(), opened.append)
        assert [handle.id for handle in opened] == list(akash.market.deployments)
        assert akash.deployments_alive() == []


class _Interrupt(BaseException):
    pass


def test_an_interrupt_while_the_handle_is_told_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(handle: Handle) -> None:
        raise _Interrupt

    with running_fake_akash(tmp_path) as akash:
        with pytest.raises(_Interrupt):
            provider_at(akash).create(job(), interrupted)
        assert akash.deployments_alive() == []


@pytest.mark.parametrize("hours", [0.0, -1.0, 49.0])
def test_a_lease_without_time_or_for_more_than_two_days_is_refused(tmp_path: Path, hours: float) -> None:
    with running_fake_akash(tmp_path) as akash:
        with pytest.raises(RemoteRefused, match="a lease lasts up to 48 hours"):
            created(provider_at(akash), job(hours=hours))
        assert akash.journal.all() == []


def test_an_account_without_the_deposit_is_not_asked_for_a_lease(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, balance_usd="0.60") as akash:
        provider = provider_at(akash)
        provider.check("cuda")
        with pytest.raises(BudgetExhausted, match=r"deposit of 0\.720 USD and the Akash account has 0\.60"):
            created(provider)
        assert "create" not in akash.journal.calls()


def test_a_used_up_budget_refuses_with_figures(tmp_path: Path) -> None:
    terms = with_terms(monthly_budget_usd=Decimal(5), spent_usd=lambda name: Decimal("4.80"))
    with running_fake_akash(tmp_path) as akash:
        with pytest.raises(BudgetExhausted, match=r"4\.800 USD of this month's 5\.000 USD .* are spent"):
            provider_at(akash, terms=terms).check("cuda")
        assert akash.journal.all() == []


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("close", status=400, message=UNSETTLED)] * 3,
        [Fault("close", status=500), Fault("close", "reset_before"), Fault("close", "html", status=429)],
        [Fault("close", "ignored"), Fault("close", "ignored")],
        [Fault("close", "reset_after"), Fault("deployment", status=502)],
        [Fault("deployment", "answer", answer={"data": None})],
    ],
)
def test_the_end_is_insisted_on_until_it_is_seen(tmp_path: Path, faults: list[Fault]) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS) as akash:
        provider = provider_at(akash)
        handle = created(provider)
        akash.faults.add(*faults)
        provider.destroy(handle)
        assert (akash.deployments_alive(), akash.faults.left()) == ([], 0)


@pytest.mark.parametrize(
    "fault",
    [Fault("close", "ignored"), Fault("close", status=400, message=UNSETTLED), Fault("close", status=401)],
)
def test_an_end_that_does_not_come_says_how_to_do_it_by_hand(tmp_path: Path, fault: Fault) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS) as akash:
        provider = provider_at(akash)
        handle = created(provider)
        akash.faults.add(*[fault] * 500)
        with pytest.raises(DestroyFailed) as failed:
            provider.destroy(handle)
        text = str(failed.value)
        assert f"`calibguard akash down {handle.id}`" in text
        assert f'curl -X DELETE -H "x-api-key: $AKASH_API_KEY" {akash.url}/v1/deployments/{handle.id}' in text
        assert "CANARY" not in text


def test_find_yields_ours_alone_page_by_page(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, offers=()) as akash:
        provider = provider_at(akash)
        ours = [_deployed(akash, job(RUN, attempt=number).name) for number in range(103)]
        _deployed(akash, "my-own-website")
        _deployed(akash, "cg-k-0123456789abcdef0123-0")
        assert [handle.id for handle in provider.find()] == ours
        asked = len(akash.journal.all("public"))
        assert [handle.id for handle in provider.find()] == ours
        assert len(akash.journal.all("public")) == asked


def test_a_deployment_whose_name_is_not_to_be_learnt_is_told_after_the_others(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, offers=()) as akash:
        first, second = (_deployed(akash, job(RUN, attempt=number).name) for number in range(2))
        akash.faults.add(Fault("public", status=404, message="not indexed yet"))
        found = provider_at(akash).find()
        assert next(found).id == second
        with pytest.raises(RemoteUnavailable, match=f"whose these deployments are is not known: {first}"):
            next(found)


def test_nobody_listening_is_unavailable_and_nothing_was_created(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path) as akash:
        provider = provider_at(akash)
    with pytest.raises(RemoteUnavailable, match="Akash cannot be reached"):
        provider.check("cuda")


def test_a_wrong_key_is_denied(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path) as akash, pytest.raises(RemoteDenied, match="check AKASH_API_KEY"):
        provider_at(akash, key="wrong").check("cuda")
