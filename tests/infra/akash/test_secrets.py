"""The API key leaves this machine in one header only; leave for the batch in the stack definition only."""

import logging
from pathlib import Path

import pytest

from infra.akash.provider import AkashProvider
from infra.errors import RemoteError
from tests.akash_cases import COMMANDS, SPEC_URL, job, provider_at
from tests.fake_akash.faults import Call, Fault
from tests.fake_akash.running import running_fake_akash
from tests.fake_akash.service import API_KEY

_CALLS: tuple[Call, ...] = (
    "balances",
    "create",
    "settings",
    "bids",
    "lease",
    "close",
    "deployment",
    "public",
)
_SECRETS = ("CANARY", API_KEY, SPEC_URL)


def _echoes(call: Call) -> list[Fault]:
    """An API that repeats what it was sent, in errors and in answers of the wrong shape."""
    told = f"you sent {API_KEY} and CALIBGUARD_SPEC_URL={SPEC_URL}"
    if call == "create":
        told += f" and {SPEC_URL.partition('?')[2]}"
    return [
        Fault(call, status=400, message=told),
        Fault(call, status=401, message=told),
        Fault(call, "answer", answer={"data": told, "other": told}),
        Fault(call, "answer", answer=told.encode()),
    ]


@pytest.mark.parametrize("call", _CALLS)
def test_no_error_and_no_log_repeats_a_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, call: Call
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_fake_akash(tmp_path, commands=COMMANDS) as akash:
        provider = provider_at(akash)
        for fault in _echoes(call):
            akash.faults.add(fault)
            said = _all_said(provider)
            assert [secret for secret in _SECRETS if secret in said] == []
        assert akash.faults.left() == 0
    assert not [record for record in caplog.messages if any(secret in record for secret in _SECRETS)]


def _all_said(provider: AkashProvider) -> str:
    """What a whole life of a lease gives to read."""
    told = []
    try:
        handle = provider.create(job(), lambda handle: None)
        told.append(repr(provider.observe(handle)))
        told.append(repr(list(provider.find())))
        provider.destroy(handle)
    except RemoteError as error:
        told += [repr(one) for one in (error, error.__cause__, error.__context__)]
    return " ".join(told)


def test_the_key_is_in_its_header_alone_and_the_spec_in_the_create_alone(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path, commands=COMMANDS) as akash:
        provider = provider_at(akash)
        handle = provider.create(job(), lambda handle: None)
        provider.observe(handle)
        assert [found.id for found in provider.find()] == [handle.id]
        provider.destroy(handle)
        asked = akash.journal.all()
    assert {one.headers.get("x-api-key") for one in asked} == {API_KEY}
    for one in asked:
        other = [value for name, value in one.headers.items() if name != "x-api-key"]
        elsewhere = " ".join([one.path, *other, one.body.decode()])
        assert API_KEY not in elsewhere
        assert "authorization" not in one.headers
        assert ("CANARY" in elsewhere) == (one.call == "create")


def test_no_repr_shows_a_secret(tmp_path: Path) -> None:
    with running_fake_akash(tmp_path) as akash:
        console = provider_at(akash).console
        assert API_KEY not in repr(console)
        assert "CANARY" not in repr(job())
