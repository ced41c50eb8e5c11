"""S3 behind a network that loses replies and goes away."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from infra.errors import ObjectExists, StoreUnavailable, VersionConflict
from infra.store.interface import ObjectStore
from infra.store.s3 import S3Store
from infra.store.s3_connection import RetryPolicy, S3Credentials, connect
from tests.infra.store.fault_proxy import FaultProxy, fault_proxy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART = 8 << 20
PATIENT = RetryPolicy(total_s=20.0, first_pause_s=0.05, longest_pause_s=0.2)


@pytest.fixture(scope="module")
def module_proxy(s3_server: S3Credentials) -> Iterator[FaultProxy]:
    assert s3_server.endpoint_url
    with fault_proxy(s3_server.endpoint_url) as running:
        yield running


@pytest.fixture
def proxy(module_proxy: FaultProxy) -> FaultProxy:
    module_proxy.sprung = 0
    return module_proxy


@pytest.fixture(scope="module")
def far_client(s3_server: S3Credentials, module_proxy: FaultProxy) -> "S3Client":
    return connect(replace(s3_server, endpoint_url=module_proxy.url))


@pytest.fixture
def far_store(far_client: "S3Client") -> S3Store:
    """A store that is reached through the proxy."""
    return S3Store(far_client, bucket="tests", prefix=uuid.uuid4().hex, retries=PATIENT)


@pytest.mark.parametrize("times", [1, 4])
def test_creation_whose_reply_is_lost_is_success(far_store: S3Store, proxy: FaultProxy, times: int) -> None:
    proxy.spoil("PUT /tests/", fault="lose reply", times=times)
    stored = far_store.create("a", b"mine")
    assert proxy.sprung == times
    assert (far_store.head("a"), far_store.read("a")) == (stored, b"mine")


def test_creation_that_lost_and_whose_reply_is_lost_is_refused(far_store: S3Store, proxy: FaultProxy) -> None:
    far_store.create("a", b"theirs")
    proxy.spoil("PUT /tests/", fault="lose reply")
    with pytest.raises(ObjectExists):
        far_store.create("a", b"mine")
    assert proxy.sprung == 1


@pytest.mark.parametrize("times", [1, 4])
def test_swap_whose_reply_is_lost_is_success(far_store: S3Store, proxy: FaultProxy, times: int) -> None:
    first = far_store.create("pointer", b"1")
    proxy.spoil("PUT /tests/", fault="lose reply", times=times)
    second = far_store.swap("pointer", b"2 nonce", expected=first.version)
    assert proxy.sprung == times
    assert (far_store.head("pointer"), far_store.read("pointer")) == (second, b"2 nonce")


def test_stale_swap_whose_reply_is_lost_is_refused(far_store: S3Store, proxy: FaultProxy) -> None:
    first = far_store.create("pointer", b"1")
    far_store.swap("pointer", b"2 theirs", expected=first.version)
    proxy.spoil("PUT /tests/", fault="lose reply")
    with pytest.raises(VersionConflict):
        far_store.swap("pointer", b"2 mine", expected=first.version)
    assert far_store.read("pointer") == b"2 theirs"


def test_delete_whose_reply_is_lost_is_success(far_store: S3Store, proxy: FaultProxy) -> None:
    version = far_store.create("a", b"1").version
    proxy.spoil("DELETE /tests/", fault="lose reply")
    far_store.delete("a", expected=version)
    assert (proxy.sprung, far_store.head("a")) == (1, None)


def test_upload_whose_completion_is_lost_is_success(
    far_store: S3Store, proxy: FaultProxy, leftovers: Callable[[ObjectStore], list[str]]
) -> None:
    path = far_store.url.removeprefix("s3:/")
    proxy.spoil(f"POST {path}/big?uploadId=", fault="lose reply")
    stored, _ = far_store.create_stream("big", [bytes(PART), b"tail"])
    assert proxy.sprung == 1
    assert far_store.head("big") == stored
    assert stored.size == PART + 4
    assert leftovers(far_store) == []


def test_read_whose_reply_is_cut_is_repeated(far_store: S3Store, proxy: FaultProxy) -> None:
    far_store.create("a", b"0123456789")
    proxy.spoil("GET /tests/", fault="cut reply")
    assert far_store.read("a") == b"0123456789"
    proxy.spoil("GET /tests/", fault="cut reply")
    assert far_store.read_range("a", start=2, length=3) == b"234"
    assert proxy.sprung == 2


def test_outage_in_mid_stream_is_survived_in_both_directions(far_store: S3Store, proxy: FaultProxy) -> None:
    body = [bytes([number]) * PART for number in range(3)]

    def with_outage(chunks: Iterator[bytes]) -> Iterator[bytes]:
        for number, chunk in enumerate(chunks):
            yield chunk
            if number == 1:
                proxy.go_down()
                proxy.come_back_after(1.0)

    stored, _ = far_store.create_stream("big", with_outage(iter(body)))
    assert stored.size == 3 * PART
    assert b"".join(with_outage(far_store.stream("big", chunk_size=PART))) == b"".join(body)


def test_outage_longer_than_the_patience_is_told_as_retryable(
    s3_server: S3Credentials,
    far_client: "S3Client",
    proxy: FaultProxy,
) -> None:
    store = S3Store(far_client, bucket="tests", retries=RetryPolicy(total_s=0.1))
    proxy.go_down()
    try:
        with pytest.raises(
            StoreUnavailable, match=r"s3://tests .*'run/a'.*gave up after \d+ tries"
        ) as caught:
            store.read("run/a")
    finally:
        proxy.come_up()
    assert caught.value.retryable
    assert s3_server.secret_access_key.get_secret_value() not in str(caught.value)
    assert "http" not in str(caught.value)
