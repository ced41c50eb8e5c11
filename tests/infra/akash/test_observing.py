from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.akash.answers import Deployment
from infra.akash.denylist import Denylist
from infra.akash.watching import sight
from infra.errors import RemoteError
from infra.remote.watching import Look, Patience, Watch
from tests.akash_cases import COMMANDS, created, job, now_by, provider_at, with_terms
from tests.fake_akash.clock import SteppingClock
from tests.fake_akash.faults import Fault
from tests.fake_akash.market import OFFERS, Offer
from tests.fake_akash.running import running_fake_akash
from tests.waiting import wait_until

_MADE = datetime(2026, 11, 1, tzinfo=UTC)
_DSEQ = str(int(_MADE.timestamp() * 1000))
_ENDED = ("closed", "insufficient_funds")


def _view(
    *,
    state: str = "active",
    escrow: str = "open",
    lease: str | None = "active",
    status: dict[str, Any] | None = None,
    reason: str | None = None,
    transferred: str = "0",
) -> Deployment:
    one = {
        "id": {"owner": "akash1me", "dseq": _DSEQ, "gseq": 1, "oseq": 1, "provider": "akash1host"},
        "state": lease,
        "price": {"denom": "uact", "amount": "1000.000"},
        "status": status,
        "reason": reason,
    }
    return Deployment.model_validate(
        {
            "deployment": {"id": {"owner": "akash1me", "dseq": _DSEQ}, "state": state},
            "leases": [one] if lease else [],
            "escrow_account": {
                "state": {"state": escrow, "transferred": [{"denom": "uact", "amount": transferred}]}
            },
        }
    )


def _services(available: int) -> dict[str, Any]:
    return {"services": {"gpu": {"available": available, "total": 1}}}


@pytest.mark.parametrize(
    ("view", "state", "detail"),
    [
        (_view(lease=None), "queued", "no lease yet"),
        (_view(status=_services(0)), "running", "gpu: 0 of 1 available"),
        (_view(status=_services(1)), "running", "gpu: 1 of 1 available"),
        (_view(status={"services": {}}), "running", "the provider has no service yet"),
        (_view(), "unknown", "provider akash1host cannot be reached"),
        (_view(lease="paused"), "unknown", "lease paused"),
        (_view(state="paused"), "unknown", "deployment paused"),
        (
            _view(lease="closed", reason="lease_closed_reason_unstable"),
            "gone",
            "the lease ended: lease_closed_reason_unstable at akash1host",
        ),
        (_view(lease="insufficient_funds"), "gone", "the lease ended: insufficient_funds at akash1host"),
        (_view(state="closed", escrow="closed", lease=None), "gone", "deployment closed, escrow closed"),
        (
            _view(escrow="overdrawn", status=_services(1)),
            "gone",
            "deployment active, escrow overdrawn: active at akash1host",
        ),
    ],
)
def test_each_picture_has_its_state(view: Deployment, state: str, detail: str) -> None:
    observed = sight(view, now=_MADE).observed
    assert (observed.state, observed.detail) == (state, detail)


@pytest.mark.parametrize(("minutes", "state"), [(3, "queued"), (4, "gone")])
def test_a_deployment_that_nobody_leased_is_given_up(minutes: float, state: str) -> None:
    now = _MADE + timedelta(minutes=minutes)
    assert sight(_view(lease=None), now=now).observed.state == state
    assert sight(_view(status=_services(0)), now=now).observed.state == "running"


def test_a_lease_whose_agent_never_starts_is_given_up_long_before_the_deadline() -> None:
    watch, at, outcome = Watch((_MADE + timedelta(hours=2)).timestamp(), Patience()), _MADE, None
    while outcome is None:
        at += timedelta(seconds=20)
        seen = sight(_view(status=_services(0)), now=at).observed
        outcome = watch.take(Look(at.timestamp(), seen))
    assert outcome.cause == "lost"
    assert at - _MADE < timedelta(minutes=16)


_words = st.text(max_size=20) | st.sampled_from(["active", "closed", "open", "insufficient_funds", "paused"])


@given(
    state=_words,
    escrow=_words,
    lease=st.none() | _words,
    reason=st.none() | st.text(max_size=200),
    available=st.none() | st.integers(0, 3),
)
def test_nothing_but_a_known_end_is_an_end(
    state: str, escrow: str, lease: str | None, reason: str | None, available: int | None
) -> None:
    status = None if available is None else _services(available)
    view = _view(state=state, escrow=escrow, lease=lease, reason=reason, status=status)
    observed = sight(view, now=_MADE).observed
    ended = state == "closed" or escrow in ("closed", "overdrawn") or (state == "active" and lease in _ENDED)
    assert (observed.state == "gone") == ended
    assert observed.state != "ended"
    assert observed.detail.isprintable()
    assert len(observed.detail) <= 200


@pytest.mark.parametrize(
    ("view", "hours", "cost"),
    [
        (_view(status=_services(1)), 2, "1.20"),
        (_view(status=_services(1), transferred="1500000"), 2, "1.50"),
        (_view(lease=None), 2, "0"),
        (_view(state="closed", lease="closed", transferred="250000.5"), 9, "0.2500005"),
    ],
)
def test_what_a_lease_has_cost_is_price_times_time_or_what_was_paid(
    view: Deployment, hours: int, cost: str
) -> None:
    assert sight(view, now=_MADE + timedelta(hours=hours)).observed.cost_usd == Decimal(cost)


def test_a_silent_provider_is_unknown_and_gone_only_after_ten_minutes(tmp_path: Path) -> None:
    clock = SteppingClock()
    denied: list[str] = []
    with running_fake_akash(tmp_path, commands=COMMANDS, clock=clock) as akash:
        provider = provider_at(akash, terms=with_terms(deny=denied.append))
        handle = created(provider)
        wait_until(akash.pids, within_s=60, what="the container")
        akash.silent.add(handle.id)
        assert provider.observe(handle).state == "unknown"
        clock.advance(590)
        assert provider.observe(handle).state == "unknown"
        akash.silent.clear()
        assert provider.observe(handle).state == "running"
        akash.silent.add(handle.id)
        assert provider.observe(handle).state == "unknown"
        clock.advance(590)
        assert (provider.observe(handle).state, denied) == ("unknown", [])
        clock.advance(11)
        assert (provider.observe(handle).state, denied) == ("gone", ["akash1cheap"])


def test_a_crash_loop_ends_as_unstable_and_the_provider_is_denied_for_a_day(tmp_path: Path) -> None:
    clock = SteppingClock(speed=200)
    denylist = Denylist(tmp_path / "denied", now=now_by(clock))
    terms = with_terms(denied=denylist, deny=denylist.add)
    with running_fake_akash(tmp_path, clock=clock, commands={"calibguard-agent": ["false"]}) as akash:
        provider = provider_at(akash, terms=terms)
        lost = created(provider, job(hours=24))
        wait_until(lambda: provider.observe(lost).state == "gone", within_s=60, what="the unstable end")
        assert "lease_closed_reason_unstable at akash1cheap" in provider.observe(lost).detail
        assert akash.market.deployments[lost.id].leases[0].container.starts > 2
        assert akash.deployments_alive() == [lost.id]  # its escrow is still held: it has to be ended
        provider.destroy(lost)
        assert denylist() == {"akash1cheap"}
    with running_fake_akash(tmp_path / "next", clock=clock, commands=COMMANDS) as akash:
        handle = created(provider_at(akash, terms=terms), job(hours=24))
        assert akash.market.deployments[handle.id].leases[0].bid.offer.provider == "akash1middling"
    clock.advance(25 * 3600)
    assert denylist() == frozenset()


def test_an_escrow_that_runs_dry_is_gone_and_cost_no_more_than_the_deposit(tmp_path: Path) -> None:
    clock = SteppingClock()
    with running_fake_akash(tmp_path, commands=COMMANDS, clock=clock) as akash:
        provider = provider_at(akash)
        handle = created(provider)
        deposit = akash.market.deployments[handle.id].deposit
        clock.advance(47 * 3600)
        assert akash.leases_alive() == []
        observed = provider.observe(handle)
        assert (observed.state, observed.cost_usd) == ("gone", deposit)
        assert "overdrawn" in observed.detail


def test_the_console_ends_a_lease_by_itself_after_the_hours_it_was_told(tmp_path: Path) -> None:
    clock = SteppingClock()
    cheap = (Offer("akash1penny", "1"),)
    with running_fake_akash(tmp_path, commands=COMMANDS, clock=clock, offers=cheap) as akash:
        handle = created(provider_at(akash), job(hours=1.5))
        clock.advance(2 * 3600 - 60)
        assert akash.leases_alive() == [handle.id]
        clock.advance(120)
        assert akash.leases_alive() == []


def test_a_deployment_that_nobody_knows_is_gone(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path) as akash:
        provider = provider_at(akash)
        handle = created(provider)
        with akash.market.lock:  # its clock ticks in a thread
            akash.market.close(handle.id)
            del akash.market.deployments[handle.id]
        assert provider.observe(handle).state == "gone"
        assert provider.cost_usd(handle) is None
        provider.destroy(handle)


_TROUBLE = st.lists(
    st.sampled_from(
        [
            Fault("create", status=429, retry_after_s=0),
            Fault("create", status=402),
            Fault("create", status=500),
            Fault("create", "reset_after"),
            Fault("create", "reset_before"),
            Fault("bids", status=500),
            Fault("bids", status=404),
            Fault("lease", "bid_taken"),
            Fault("lease", status=400, message="no"),
            Fault("lease", "reset_after"),
            Fault("settings", "ignored"),
            Fault("settings", "cut"),
            Fault("close", status=400, message="Deployment escrow cannot be settled yet"),
            Fault("close", "ignored"),
            Fault("close", "reset_after"),
            Fault("deployment", status=502),
            Fault("public", status=500),
            Fault("balances", "html", status=503),
        ]
    ),
    max_size=6,
)


@given(trouble=_TROUBLE)
@settings(max_examples=30)
def test_whatever_goes_wrong_no_lease_is_left(
    trouble: list[Fault], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What may still be there after a lost reply is found by its name and ended."""
    folder = tmp_path_factory.mktemp("akash")
    with running_fake_akash(folder, commands=COMMANDS, faults=trouble, offers=OFFERS[:1]) as akash:
        provider = provider_at(akash)
        try:
            provider.destroy(created(provider))
        except RemoteError:
            for handle in provider.find():
                provider.destroy(handle)
        assert (akash.deployments_alive(), akash.pids()) == ([], [])
        assert akash.market.balance > 19
