"""What only S3 does: presigned URLs, pages, parts, credentials."""

import base64
import hashlib
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from infra.errors import StoreDenied, StoreError
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3 import S3Store
from infra.store.s3_connection import S3Credentials
from tests.waiting import wait_until

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BODY = b"the rendered shard"
DIGEST = hashlib.sha256(BODY).hexdigest()


def put(url: str, body: bytes, headers: dict[str, str]) -> int:
    return httpx.put(url, content=body, headers=headers).status_code


def test_presigned_put_signs_length_condition_and_checksum(s3_store: S3Store) -> None:
    leave = s3_store.presign_put("a", sha256=DIGEST, size=len(BODY), expires_s=60)
    query = parse_qs(urlsplit(leave.url).query)
    assert query["X-Amz-SignedHeaders"] == ["content-length;host;if-none-match;x-amz-checksum-sha256"]
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["60"]


def test_presigned_put_stores_the_object_once(s3_store: S3Store) -> None:
    leave = s3_store.presign_put("a", sha256=DIGEST, size=len(BODY), expires_s=60)
    assert put(leave.url, BODY, dict(leave.headers)) == 200
    assert put(leave.url, BODY, dict(leave.headers)) == 412
    assert s3_store.read("a") == BODY
    assert s3_store.create("a", BODY).size == len(BODY)


@pytest.mark.parametrize("left_out", ["if-none-match", "x-amz-checksum-sha256"])
def test_presigned_put_without_a_signed_header_is_refused(s3_store: S3Store, left_out: str) -> None:
    leave = s3_store.presign_put("a", sha256=DIGEST, size=len(BODY), expires_s=60)
    headers = {name: value for name, value in leave.headers.items() if name != left_out}
    assert put(leave.url, BODY, headers) in (400, 403)
    assert s3_store.head("a") is None


def test_presigned_put_of_other_bytes_length_or_key_is_refused(s3_store: S3Store) -> None:
    leave = s3_store.presign_put("a", sha256=DIGEST, size=len(BODY), expires_s=60)
    longer = {**leave.headers, "content-length": str(len(BODY) + 1)}
    assert put(leave.url, BODY[::-1], dict(leave.headers)) in (400, 403)
    assert put(leave.url, BODY + b"x", longer) in (400, 403)
    assert put(leave.url.replace("/a?", "/b?"), BODY, dict(leave.headers)) == 403
    assert list(s3_store.list("")) == []


def md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def test_leave_to_create_takes_any_content_once(s3_store: S3Store) -> None:
    leave = s3_store.presign_create("a", expires_s=60)
    headers = dict(leave.headers) | {"content-md5": md5(BODY)}
    assert put(leave.url, BODY, headers) == 200
    assert put(leave.url, b"other", dict(leave.headers)) == 412
    assert s3_store.read("a") == BODY


def test_leave_to_create_signs_the_condition_and_no_amazon_header(s3_store: S3Store) -> None:
    # Amazon answers 403 to any x-amz header that is sent and not signed, so the holder must need none
    leave = s3_store.presign_create("a", expires_s=60)
    assert parse_qs(urlsplit(leave.url).query)["X-Amz-SignedHeaders"] == ["host;if-none-match"]
    assert put(leave.url, BODY, {}) in (400, 403)
    assert put(leave.url.replace("/a?", "/b?"), BODY, dict(leave.headers)) == 403
    assert list(s3_store.list("")) == []


@pytest.mark.parametrize("kind", ["create", "replace"])
def test_content_damaged_on_the_way_is_refused_by_its_md5(s3_store: S3Store, kind: str) -> None:
    presign = s3_store.presign_create if kind == "create" else s3_store.presign_replace
    leave = presign("a", expires_s=60)
    assert put(leave.url, BODY[::-1], dict(leave.headers) | {"content-md5": md5(BODY)}) == 400
    assert s3_store.head("a") is None


def test_content_cut_short_on_the_way_is_not_stored(s3_store: S3Store) -> None:
    leave = s3_store.presign_create("a", expires_s=60)
    parts = urlsplit(leave.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line:
        head = f"PUT {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\nIf-None-Match: *\r\n"
        line.sendall(f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY[:5])
        line.shutdown(socket.SHUT_WR)
        assert b" 200 " not in line.recv(4096).split(b"\r\n")[0]
    assert s3_store.head("a") is None


def test_leave_to_replace_stores_again_and_again_and_only_this_object(s3_store: S3Store) -> None:
    leave = s3_store.presign_replace("a", expires_s=60)
    assert [put(leave.url, body, dict(leave.headers)) for body in (b"1", b"2")] == [200, 200]
    assert s3_store.read("a") == b"2"
    assert put(leave.url.replace("/a?", "/b?"), BODY, {}) == 403


def test_presigned_urls_expire(s3_store: S3Store) -> None:
    s3_store.create("read", BODY)
    write = s3_store.presign_put("a", sha256=DIGEST, size=len(BODY), expires_s=1)
    read = s3_store.presign_get("read", expires_s=1)
    wait_until(lambda: httpx.get(read).status_code == 403, within_s=10, what="the end of a signature")
    assert put(write.url, BODY, dict(write.headers)) == 403


def test_presigned_get_reads_this_object_only(s3_store: S3Store) -> None:
    s3_store.create("a", BODY)
    s3_store.create("b", b"other")
    url = s3_store.presign_get("a", expires_s=60)
    assert httpx.get(url).content == BODY
    assert httpx.get(url.replace("/a?", "/b?")).status_code == 403
    assert put(url, b"x", {}) == 403


@pytest.mark.parametrize("expires_s", [0, -1, 7 * 24 * 3600 + 1])
def test_expiry_outside_what_can_be_signed_is_refused(s3_store: S3Store, expires_s: int) -> None:
    with pytest.raises(ValueError, match="expires_s"):
        s3_store.presign_get("a", expires_s=expires_s)


def test_presigned_put_is_not_printed(s3_store: S3Store) -> None:
    leave = s3_store.presign_put("a", sha256=DIGEST, size=len(BODY), expires_s=60)
    assert "Signature" not in repr(leave)


@pytest.mark.parametrize("page_size", [1, 3, 7, 1000])
def test_listing_joins_all_pages(s3_client: "S3Client", page_size: int) -> None:
    paged = S3Store(s3_client, bucket="tests", prefix=uuid.uuid4().hex, page_size=page_size)
    keys = [f"p/{number:02d}/x" for number in range(7)] + ["p-", "q/a"]
    for key in keys:
        paged.create(key, b"")
    assert [stored.key for stored in paged.list("")] == sorted(keys)
    assert [stored.key for stored in paged.list("p/")] == keys[:7]


def test_prefix_of_one_store_is_invisible_to_another(s3_client: "S3Client") -> None:
    stem = uuid.uuid4().hex
    one, other = (S3Store(s3_client, bucket="tests", prefix=f"{stem}/{name}") for name in ("run", "run-2"))
    one.create("a", b"1")
    other.create("b", b"2")
    assert [stored.key for stored in one.list("")] == ["a"]


def test_what_other_tools_leave_is_not_listed(s3_client: "S3Client", s3_store: S3Store) -> None:
    prefix = s3_store.url.removeprefix("s3://tests/")
    s3_client.put_object(Bucket="tests", Key=f"{prefix}/folder/", Body=b"")
    s3_client.put_object(Bucket="tests", Key=f"{prefix}/.hidden", Body=b"x")
    assert list(s3_store.list("")) == []


def test_part_that_is_refused_leaves_no_upload(
    s3_client: "S3Client", s3_store: S3Store, leftovers: Callable[[ObjectStore], list[str]]
) -> None:
    prefix = s3_store.url.removeprefix("s3://tests/")
    seen: list[str] = []

    def chunks() -> Iterator[bytes]:
        yield bytes(8 << 20)
        yield bytes(8 << 20)
        seen.extend(leftovers(s3_store))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        s3_store.create_stream("big", chunks())
    assert seen == [f"{prefix}/big"]
    assert leftovers(s3_store) == []


def test_wrong_keys_are_told_without_showing_them(s3_server: S3Credentials) -> None:
    wrong = replace(s3_server, secret_access_key=SecretStr("canary-canary"))
    store = open_store("s3://tests/x", s3=wrong)
    with pytest.raises(StoreDenied, match="check the keys") as caught:
        store.create("a", b"1")
    told = f"{caught.value} {caught.value.__cause__}"
    assert "canary" not in told
    assert wrong.access_key_id not in told


def test_missing_bucket_is_told_on_reading(s3_server: S3Credentials) -> None:
    store = open_store("s3://no-such-bucket/x", s3=s3_server)
    with pytest.raises(StoreError, match="create the bucket"):
        store.read("a")
