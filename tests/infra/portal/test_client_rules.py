"""Where bytes and credentials may go, and what may be read."""

import socket
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from infra.errors import (
    DigestMismatch,
    PortalAnswerInvalid,
    PortalRefused,
    PortalUnavailable,
    PortalUnreachable,
    SubmissionAmbiguous,
    SubmissionUnsettled,
    UploadUrlRefused,
)
from infra.portal.client.connection import Archive, Patience, Portal
from infra.portal.client.submission import adopt_request_id, submit
from infra.store.local import LocalStore
from infra.strict_json import parse_object
from infra.web.address import WebAddress, upload_address, web_address
from infra.web.exchange import Request, exchange
from infra.web.remote_text import quoted
from tests.infra.portal.fake_judge import (
    CSV,
    Act,
    Commit,
    announced_flood,
    compressed,
    drop_after_commit,
    fake_judge,
    flood,
    forever,
    says,
    status,
)
from tests.infra.portal.submissions import QUICK, SOON_TIRED, TEAM, archive_of, zipped

ARCHIVE = archive_of(zipped({"home0_g0.jpg": b"photo"}))
JSON_CHARACTERS = '{}[]":,0123456789eE+-NaInfity\\u'
JUDGE = web_address("https://judge.example")


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_an_allowed_upload_host_is_pinned_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolves_to(monkeypatch, "93.184.216.34")
    address = upload_address(
        "https://bucket.example/key?sig=a%2Fb", portal=JUDGE, upload_hosts=["bucket.example"]
    )
    assert address == WebAddress(
        "https", "bucket.example", 443, "/key", "sig=a%2Fb", pinned_ip="93.184.216.34"
    )


@pytest.mark.parametrize("hidden", ["127.0.0.1", "10.0.0.8", "169.254.169.254", "100.64.0.1", "0.0.0.0"])  # noqa: S104
def test_an_allowed_name_that_rebinds_to_an_inner_address_gets_nothing(
    monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    resolves_to(monkeypatch, "93.184.216.34", hidden)
    with pytest.raises(UploadUrlRefused, match="not a public address"):
        upload_address("https://bucket.example/key", portal=JUDGE, upload_hosts=["bucket.example"])


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://bucket.example:8443/key", ["bucket.example"]),
        ("https://bucket.example/key", ["bucket.example:8443"]),
        ("https://sub.bucket.example/key", ["bucket.example"]),
        ("https://bucket.example.evil/key", ["bucket.example"]),
        ("https://bucket.example/key", []),
    ],
)
def test_a_host_that_only_resembles_an_allowed_one_is_refused(url: str, hosts: list[str]) -> None:
    with pytest.raises(UploadUrlRefused, match="not an allowed upload host"):
        upload_address(url, portal=JUDGE, upload_hosts=hosts)


def test_an_address_on_the_list_is_allowed_as_it_stands() -> None:
    address = upload_address("https://10.0.0.8:9000/key", portal=JUDGE, upload_hosts=["10.0.0.8:9000"])
    assert (address.host, address.port, address.pinned_ip) == ("10.0.0.8", 9000, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://judge.example",
        "ftp://judge.example",
        "https://me@judge.example",
        "https://judge.example?a",
        "",
    ],
)
def test_a_portal_at_an_unsafe_url_is_a_mistake(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        Portal(url, judge="judge")


def test_a_pinned_request_goes_to_its_address_under_its_name() -> None:
    with fake_judge() as running:
        address = WebAddress("http", "judge.example", running.port, "/api/score", "", pinned_ip="127.0.0.1")
        assert exchange(Request("GET", address), total_s=5).status == 200
        assert f"host: judge.example:{running.port}" in running.headers[0][1].lower()


def whole_without_length(connection: socket.socket, commit: Commit) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + commit())


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (whole_without_length, "announces no length"),
        (flood, "longer than"),
        (announced_flood, "longer than"),
        (compressed, "compressed"),
    ],
)
def test_an_answer_whose_end_or_size_cannot_be_trusted_is_refused(act: Act, why: str) -> None:
    with fake_judge({"poll": [act]}) as running:
        request = Request("GET", web_address(running.url).below("api/score"))
        with pytest.raises(PortalAnswerInvalid, match=why):
            exchange(request, total_s=30)


def test_the_token_goes_to_the_portal_and_never_to_the_upload_host(store: LocalStore) -> None:
    with fake_judge() as running:
        portal = Portal(running.url, judge="fake", token=SecretStr("portal-canary"))
        submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        carriers = {step for step, head in running.headers if "portal-canary" in head}
        assert carriers == {"upload-url", "post", "poll"}
    assert "portal-canary" not in repr(portal)


def test_each_request_has_a_connection_of_its_own(store: LocalStore) -> None:
    with fake_judge() as running:
        submit(ARCHIVE, TEAM, portal=Portal(running.url, judge="fake"), store=store, patience=QUICK)
        assert all("connection: close" in head.lower() for _, head in running.headers)


def test_the_zip_arrives_to_the_byte_with_its_length(store: LocalStore) -> None:
    body = zipped({"home0_g0.jpg": b"photo" * 50_000})
    with fake_judge() as running:
        archive = archive_of(body, chunk=7_000)
        submit(archive, TEAM, portal=Portal(running.url, judge="fake"), store=store, patience=QUICK)
        assert running.zips == [body]
        head = next(head.lower() for step, head in running.headers if step == "put")
        assert "content-type: application/zip" in head
        assert "transfer-encoding" not in head


@pytest.mark.parametrize("size", [len(b"photo") - 1, len(b"photo"), len(b"photo") + 1])
def test_a_zip_that_is_not_the_promised_one_does_not_arrive_whole(store: LocalStore, size: int) -> None:
    archive = Archive(lambda: iter([b"ph", b"oto"]), size, sha256="0" * 64, behaviour_digest="1" * 64)
    with fake_judge() as running:
        with pytest.raises(DigestMismatch, match="broken off"):
            submit(archive, TEAM, portal=Portal(running.url, judge="fake"), store=store, patience=QUICK)
        assert running.zips == []
        assert running.jobs == []


def test_a_closed_port_is_known_to_have_received_nothing(store: LocalStore) -> None:
    with fake_judge() as running:
        closed = Portal(running.url, judge="fake")
    with pytest.raises(PortalUnreachable, match="no connection"):
        submit(ARCHIVE, TEAM, portal=closed, store=store, patience=SOON_TIRED)
    with fake_judge() as running:
        submit(ARCHIVE, TEAM, portal=Portal(running.url, judge="fake"), store=store, patience=QUICK)


def test_without_503_among_the_repeated_statuses_it_is_ambiguous(store: LocalStore) -> None:
    careful = Patience(poll_s=0.02, repeated_statuses=frozenset({429}))
    with fake_judge({"post": [status(503)]}) as running, pytest.raises(SubmissionAmbiguous):
        submit(ARCHIVE, TEAM, portal=Portal(running.url, judge="fake"), store=store, patience=careful)


def test_an_adopted_request_id_settles_an_ambiguous_submission(store: LocalStore) -> None:
    with fake_judge({"post": [drop_after_commit]}) as running:
        portal = Portal(running.url, judge="fake")
        with pytest.raises(SubmissionAmbiguous):
            submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        where = {"judge": "fake", "behaviour_digest": ARCHIVE.behaviour_digest, "store": store}
        with pytest.raises(PortalAnswerInvalid, match="UUID"):
            adopt_request_id("no id", judge="fake", behaviour_digest=ARCHIVE.behaviour_digest, store=store)
        adopt_request_id(running.jobs[0], **where)  # type: ignore[arg-type]
        answer = submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        assert (answer.request_id, answer.csv) == (running.jobs[0], CSV.encode())
        with pytest.raises(ValueError, match="no ambiguous score request"):
            adopt_request_id(running.jobs[0], **where)  # type: ignore[arg-type]


def test_an_attempt_that_is_not_settled_cannot_be_resubmitted(store: LocalStore) -> None:
    with fake_judge({"put": [status(400)]}) as running:
        portal = Portal(running.url, judge="fake")
        with pytest.raises(Exception, match="400"):
            submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        with pytest.raises(SubmissionUnsettled, match="not settled"):
            submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK, resubmit="again")


def test_after_a_refusal_for_good_the_next_run_uploads_anew(store: LocalStore) -> None:
    with fake_judge({"post": [status(503), status(404, b'{"detail": "nothing under this key"}')]}) as running:
        portal = Portal(running.url, judge="fake")
        with pytest.raises(PortalRefused, match="nothing under this key"):
            submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        assert running.steps == ["upload-url", "put", "post", "post"]
        submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        assert running.steps[4:] == ["upload-url", "put", "post", "poll"]


def test_after_an_outage_the_next_run_does_not_upload_again(store: LocalStore) -> None:
    with fake_judge({"post": [forever(status(503))]}) as running:
        portal = Portal(running.url, judge="fake")
        with pytest.raises(PortalUnavailable, match="503"):
            submit(ARCHIVE, TEAM, portal=portal, store=store, patience=SOON_TIRED)
        running.acts.clear()
        submit(ARCHIVE, TEAM, portal=portal, store=store, patience=QUICK)
        assert running.steps.count("put") == 1


def test_progress_is_told_where_the_portal_tells_it(store: LocalStore) -> None:
    seen: list[tuple[int, int]] = []
    acts = {"poll": [says({"status": "RUNNING", "done": done, "total": 9}) for done in (0, 4)]}
    with fake_judge(acts) as running:
        submit(
            ARCHIVE,
            TEAM,
            portal=Portal(running.url, judge="fake"),
            store=store,
            patience=QUICK,
            progress=lambda done, total: seen.append((done, total)),
        )
    assert seen == [(0, 9), (4, 9)]


def test_a_submission_leaves_no_thread_behind(store: LocalStore) -> None:
    before = threading.active_count()
    with fake_judge() as running:
        submit(ARCHIVE, TEAM, portal=Portal(running.url, judge="fake"), store=store, patience=QUICK)
    assert not [thread for thread in threading.enumerate() if thread.name == "lease renewal"]
    assert threading.active_count() <= before + 6  # the fake judge's own, which end by themselves


@given(text=st.text(max_size=500))
def test_remote_text_becomes_one_printable_line_of_200_characters(text: str) -> None:
    shown = quoted(text)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 200


@given(body=st.binary(max_size=200) | st.text(JSON_CHARACTERS, max_size=60).map(str.encode))
def test_whatever_arrives_is_an_object_or_a_value_error(body: bytes) -> None:
    try:
        assert isinstance(parse_object(body), dict)
    except ValueError:
        return
