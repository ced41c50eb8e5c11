import pytest

from gpu.jpeg.rejection import PhotoRejected
from gpu.jpeg.segments import EOI, SOS, leading_segments, walk_segments
from tests.hostile_images import jpeg, progressive_jpeg, segment


def test_segments_cover_the_stream_without_gap_or_overlap() -> None:
    for photo in (jpeg(), progressive_jpeg()):
        walked = list(walk_segments(photo))
        ends = [2, *(found.end for found in walked)]
        assert [found.start for found in walked] == ends[:-1]
        assert (walked[-1].marker, ends[-1]) == (EOI, len(photo))


def test_stuffed_bytes_and_restarts_belong_to_the_scan() -> None:
    scan = segment(SOS, bytes(10)) + b"\x12\xff\x00\x34\xff\xd0\x56\xff\xff\x00\x78"
    walked = list(walk_segments(b"\xff\xd8" + scan + b"\xff\xff\xff\xd9"))
    assert [(found.marker, found.end) for found in walked] == [
        (SOS, 2 + len(scan) + 2),
        (EOI, 2 + len(scan) + 4),
    ]


def test_leading_segments_stop_before_the_first_scan() -> None:
    photo = jpeg()
    cut_in_the_scan = photo[: photo.index(b"\xff\xda") + 100]
    markers = [found.marker for found in leading_segments(cut_in_the_scan)]
    assert markers == [0xE0, 0xDB, 0xDB, 0xC0, 0xC4, 0xC4, 0xC4, 0xC4]


@pytest.mark.parametrize(
    ("bytes_after_soi", "sentence"),
    [
        (b"\xff\xfe\x00\x01\xff\xd9", "segment length of 2 or more at byte 4, found 1"),
        (b"\x00\xff\xd9", "expected a marker at byte 2, found 00"),
        (b"\xff\xd8\xff\xd9", "expected a segment at byte 2, found FF D8"),
        (b"\xff\xd0\xff\xd9", "expected a segment at byte 2, found FF D0"),
        (b"\xff\xfe\x00\x09abc", "ends within a segment at byte 9"),
        (b"\xff\xff", "ends within a marker at byte 4"),
        (b"", "ends within a marker at byte 2"),
    ],
)
def test_broken_chain_is_told_with_its_place(bytes_after_soi: bytes, sentence: str) -> None:
    with pytest.raises(PhotoRejected, match=sentence):
        list(walk_segments(b"\xff\xd8" + bytes_after_soi))
