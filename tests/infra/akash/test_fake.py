"""What the fake Akash does by itself, so that a test that passes against it means something."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.akash.sdl import stack_sdl
from tests.akash_cases import COMMANDS, STACK
from tests.fake_akash.clock import SteppingClock
from tests.fake_akash.faults import MATCHED, NOT_OPEN
from tests.fake_akash.running import running_fake_akash
from tests.fake_akash.service import API_KEY, FakeAkash
from tests.waiting import wait_until

SDL = stack_sdl(STACK)


def asked(akash: FakeAkash, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
    credentials = {"x-api-key": API_KEY, **headers}
    with httpx.Client(base_url=akash.url, trust_env=False) as client:
        return client.request(method, path, json=body, headers=credentials)


def created(akash: FakeAkash, **more: object) -> dict[str, Any]:
    answer = asked(akash, "POST", "/v1/deployments", {"data": {"sdl": SDL, "deposit": 1.0, **more}})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()["data"]
    return made


def leased(akash: FakeAkash, made: dict[str, Any], provider: str = "akash1cheap") -> httpx.Response:
    named = {"dseq": made["dseq"], "gseq": 1, "oseq": 1, "provider": provider}
    return asked(akash, "POST", "/v1/leases", {"manifest": made["manifest"], "leases": [named]})


def bid_states(akash: FakeAkash, dseq: str) -> dict[str, str]:
    bids = asked(akash, "GET", f"/v1/bids?dseq={dseq}").json()["data"]
    return {one["bid"]["id"]["provider"]: one["bid"]["state"] for one in bids}


def test_bids_trickle_in_and_die_after_five_minutes(tmp_path: Path) -> None:
    clock = SteppingClock(speed=0)
    with running_fake_akash(tmp_path, clock=clock) as akash:
        made = created(akash)
        assert bid_states(akash, made["dseq"]) == {"akash1dear": "open"}
        clock.advance(0.3)
        assert set(bid_states(akash, made["dseq"]).values()) == {"open"}
        assert len(bid_states(akash, made["dseq"])) == 3
        clock.advance(301)
        assert set(bid_states(akash, made["dseq"]).values()) == {"closed"}
        refused = leased(akash, made)
        assert (refused.status_code, refused.json()["message"]) == (400, NOT_OPEN)


def test_a_lease_is_made_once_and_costs_the_other_bidders_theirs(tmp_path: Path) -> None:
    clock = SteppingClock()
    with running_fake_akash(tmp_path, clock=clock, commands=COMMANDS) as akash:
        made = created(akash)
        clock.advance(1)
        assert leased(akash, made).status_code == 200
        again = leased(akash, made, "akash1dear").json()["data"]["leases"]
        assert [one["id"]["provider"] for one in again] == ["akash1cheap"]
        states = {"akash1cheap": "active", "akash1middling": "lost", "akash1dear": "lost"}
        assert bid_states(akash, made["dseq"]) == states
        akash.lose_lease(made["dseq"])
        assert leased(akash, made).json()["message"] == MATCHED


def test_a_deployment_without_a_lease_is_closed_after_ten_minutes(tmp_path: Path) -> None:
    clock = SteppingClock()
    with running_fake_akash(tmp_path, clock=clock) as akash:
        made = created(akash)
        clock.advance(590)
        assert akash.deployments_alive() == [made["dseq"]]
        clock.advance(11)
        assert akash.deployments_alive() == []
        assert akash.market.balance == 20


@pytest.mark.parametrize(("top_up", "hours"), [(None, 48), (True, 48), (False, 1)])
def test_a_lease_is_funded_for_48_hours_unless_that_was_switched_off(
    tmp_path: Path, top_up: bool | None, hours: int
) -> None:
    clock = SteppingClock()
    with running_fake_akash(tmp_path, clock=clock, commands=COMMANDS) as akash:
        made = created(akash)
        clock.advance(1)
        if top_up is not None:
            path = f"/v2/deployment-settings/{made['dseq']}"
            told = asked(akash, "PATCH", path, {"data": {"autoTopUpEnabled": top_up}}).json()
            assert told["data"]["autoTopUpEnabled"] is top_up
        leased(akash, made)
        clock.advance(hours * 3600 - 60)
        assert akash.leases_alive() == [made["dseq"]]
        clock.advance(4 * 3600)
        assert akash.leases_alive() == []
        view = asked(akash, "GET", f"/v1/deployments/{made['dseq']}").json()["data"]
        assert view["escrow_account"]["state"]["state"] == "overdrawn"
        assert view["leases"][0]["state"] == "insufficient_funds"


def test_to_look_at_the_setting_is_to_switch_it_on(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path) as akash:
        made = created(akash)
        asked(akash, "GET", f"/v2/deployment-settings/{made['dseq']}")
        assert akash.market.top_up == {made["dseq"]: True}


def test_the_public_detail_is_thirty_seconds_old(tmp_path: Path) -> None:
    clock = SteppingClock()
    with running_fake_akash(tmp_path, clock=clock) as akash:
        dseq = created(akash)["dseq"]
        path = f"/v1/deployment/akash1fakeowner0000000000000000000000000000/{dseq}"
        assert asked(akash, "GET", path).json()["other"]["groups"][0]["group_spec"]["name"] == STACK.name
        asked(akash, "DELETE", f"/v1/deployments/{dseq}")
        assert asked(akash, "GET", path).json()["status"] == "active"
        clock.advance(31)
        assert asked(akash, "GET", path).json()["status"] == "closed"


def test_the_list_has_neither_groups_nor_lease_status(tmp_path: Path) -> None:
    clock = SteppingClock()
    with running_fake_akash(tmp_path, clock=clock, commands=COMMANDS) as akash:
        made = created(akash)
        clock.advance(1)
        leased(akash, made)
        (one,) = asked(akash, "GET", "/v1/deployments").json()["data"]["deployments"]
        assert "groups" not in str(one)
        assert "status" not in one["leases"][0]
        asked(akash, "DELETE", f"/v1/deployments/{made['dseq']}")
        assert asked(akash, "DELETE", f"/v1/deployments/{made['dseq']}").json() == {"data": {"success": True}}
        assert asked(akash, "GET", "/v1/deployments").json()["data"]["deployments"] == []


def test_a_container_that_ends_is_started_again_later_and_later(tmp_path: Path) -> None:
    clock = SteppingClock()
    commands = {"calibguard-agent": ["sh", "-c", "echo start; exit 0"]}
    with running_fake_akash(tmp_path, clock=clock, commands=commands) as akash:
        made = created(akash)
        clock.advance(1)
        leased(akash, made)
        container = akash.market.deployments[made["dseq"]].leases[0].container
        for starts, pause_s in ((1, 0), (2, 10.5), (3, 20.5), (4, 40.5)):
            clock.advance(pause_s)
            wait_until(lambda starts=starts: container.starts == starts, within_s=60, what="a start")  # type: ignore[misc]
            wait_until(lambda: container.pauses, within_s=60, what="its end")
        assert akash.log(made["dseq"]).count("start") == 4


def test_the_end_of_a_lease_ends_the_whole_process_group(tmp_path: Path) -> None:
    clock = SteppingClock()
    commands = {"calibguard-agent": ["sh", "-c", "sleep 600 & echo $!; wait"]}
    with running_fake_akash(tmp_path, clock=clock, commands=commands) as akash:
        made = created(akash)
        clock.advance(1)
        leased(akash, made)
        wait_until(lambda: akash.pids() and akash.log(made["dseq"]), within_s=60, what="the container")
        grandchild = int(akash.log(made["dseq"]))
        asked(akash, "DELETE", f"/v1/deployments/{made['dseq']}")
        assert akash.pids() == []
        wait_until(lambda: not _runs(grandchild), within_s=60, what="the grandchild's end")


def _runs(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return False


@pytest.mark.parametrize(
    ("headers", "status"),
    [({}, 200), ({"Authorization": "Bearer x"}, 400), ({"x-api-key": "wrong"}, 401)],
)
def test_one_kind_of_credentials_at_a_time(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    with running_fake_akash(tmp_path) as akash:
        assert asked(akash, "GET", "/v1/balances", **headers).status_code == status


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("global: true", "global: false", "zero global services"),
        ("uact", "uakt", "denom must be 'uact'"),
        ("@sha256:", ":", "by its digest"),
        ("cg-a-", "CG_A_", "placement"),
        ("    env:", "    environment:", "unknown"),
        ("version: '2.0'", "version: 2.0", "version must be the text"),
    ],
)
def test_a_stack_that_is_not_right_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in SDL
    with running_fake_akash(tmp_path) as akash:
        body = {"data": {"sdl": SDL.replace(old, new), "deposit": 1.0}}
        answer = asked(akash, "POST", "/v1/deployments", body)
        assert (answer.status_code, akash.deployments_alive()) == (400, [])
        assert words in answer.json()["message"]


@pytest.mark.parametrize(("deposit", "status"), [(None, 400), (0.49, 400), (0.5, 201), (21.0, 402)])
def test_a_deposit_is_neither_too_small_nor_more_than_there_is(
    tmp_path: Path, deposit: float | None, status: int
) -> None:
    with running_fake_akash(tmp_path) as akash:
        body = {"data": {"sdl": SDL, "deposit": deposit}}
        assert asked(akash, "POST", "/v1/deployments", body).status_code == status


def test_what_the_templates_for_people_say_is_a_right_stack(tmp_path: Path) -> None:
    root = Path(__file__).parents[3] / "deployments" / "akash"
    templates = sorted(root.glob("*.sdl.yaml"))
    assert len(templates) == 2
    with running_fake_akash(tmp_path) as akash:
        for template in templates:
            sdl = template.read_text().replace("DIGEST", "0" * 64)
            body = {"data": {"sdl": sdl, "deposit": 1.0}}
            answer = asked(akash, "POST", "/v1/deployments", body)
            assert answer.status_code == 201, (template.name, answer.json())
