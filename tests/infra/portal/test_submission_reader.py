"""Zips as tools write them are read, and those that want to be read in two ways are not."""

import io
import zipfile
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_zip import NO_COMPRESSION_32, stream_zip

from infra.errors import SubmissionZipRefused
from infra.portal.server.submission_reader import read_submission
from tests.infra.portal.hostile_zips import FILES, GOOD, HOSTILE
from tests.infra.portal.submissions import zipped


def read(body: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "submission.zip"
    path.write_bytes(body)
    files = read_submission(path, wanted=FILES, max_file_bytes=1000)
    return {name: body[file.offset : file.offset + file.size] for name, file in files.items()}


def written(write: Callable[[zipfile.ZipFile], None], *, base: bytes = b"") -> bytes:
    target = io.BytesIO(base)
    with zipfile.ZipFile(target, "a" if base else "w") as archive:
        write(archive)
    return target.getvalue()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_zip_is_refused_for_its_reason(name: str, tmp_path: Path) -> None:
    body, reason = HOSTILE[name]
    with pytest.raises(SubmissionZipRefused, match=reason) as refused:
        read(body, tmp_path)
    assert str(refused.value).isprintable()


def test_there_are_no_fewer_hostile_zips_than_the_aim() -> None:
    assert len(HOSTILE) >= 18


def test_a_zip_of_the_standard_library_is_read_to_the_byte(tmp_path: Path) -> None:
    assert read(GOOD, tmp_path) == FILES


def test_a_zip_with_entries_in_another_order_is_read(tmp_path: Path) -> None:
    assert read(zipped(dict(reversed(FILES.items()))), tmp_path) == FILES


def test_a_zip_as_we_pack_submissions_is_read(tmp_path: Path) -> None:
    members = (
        (name, datetime(1980, 1, 1), 0o100644, NO_COMPRESSION_32(len(body), zlib.crc32(body)), (body,))
        for name, body in FILES.items()
    )
    assert read(b"".join(stream_zip(members, extended_timestamps=False)), tmp_path) == FILES


def test_a_zip_whose_entries_carry_extra_fields_is_read(tmp_path: Path) -> None:
    def write(archive: zipfile.ZipFile) -> None:
        for name, body in FILES.items():
            entry = zipfile.ZipInfo(name)
            entry.extra = b"UT\x05\x00\x01\x00\x00\x00\x00"
            entry.comment = b"by a tool"
            archive.writestr(entry, body)

    assert read(written(write), tmp_path) == FILES


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(GOOD) - 1), value=st.integers(0, 255), cut=st.booleans())
def test_a_zip_with_one_byte_changed_is_refused_or_holds_the_same_photos(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int, *, cut: bool
) -> None:
    body = GOOD[:position] if cut else GOOD[:position] + bytes([value]) + GOOD[position + 1 :]
    try:
        found = read(body, tmp_path_factory.getbasetemp())
    except SubmissionZipRefused:
        return
    assert found == FILES
