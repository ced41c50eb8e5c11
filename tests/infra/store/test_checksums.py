import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.errors import DigestMismatch
from infra.store.checksums import as_base64, composite_sha256, regroup, sha256_of, sha256_of_chunks


@given(st.lists(st.binary(max_size=40)), st.integers(1, 17))
def test_regrouping_keeps_the_bytes_and_fills_all_groups_but_the_last(chunks: list[bytes], size: int) -> None:
    groups = list(regroup(iter(chunks), size=size))
    assert b"".join(groups) == b"".join(chunks)
    assert all(len(group) == size for group in groups[:-1])
    assert all(0 < len(group) <= size for group in groups[-1:])


@given(st.lists(st.binary(max_size=40)))
def test_digest_of_chunks_is_the_digest_of_the_whole(chunks: list[bytes]) -> None:
    assert sha256_of_chunks(chunks) == sha256_of(b"".join(chunks), key="k")


def test_digest_other_than_stated_is_told_with_both() -> None:
    with pytest.raises(DigestMismatch, match=f"'k'.*'{'00' * 32}'.*{hashlib.sha256(b'x').hexdigest()}"):
        sha256_of(b"x", key="k", stated="00" * 32)


def test_composite_checksum_is_the_one_a_server_computed() -> None:
    # Answer of SeaweedFS 4.48 to an upload of 8 MiB of 0x01 and 8 MiB of 0x02, 2026-11-23.
    parts = [as_base64(hashlib.sha256(bytes([byte]) * (8 << 20)).hexdigest()) for byte in (1, 2)]
    assert composite_sha256(parts) == "HnEh6zKgwVPy6UiJpZDtDvLd/liHudJnfVDvBrjeGFw=-2"


def test_base64_is_of_the_bytes_not_of_the_hex() -> None:
    assert base64.b64decode(as_base64("00ff" * 16)) == b"\x00\xff" * 16
