"""Header and codec together against everything that decoders are known to get wrong."""

import pytest

from gpu.jpeg.codec import check_output, decode, encode
from gpu.jpeg.header import read_header
from gpu.jpeg.metadata import carry_metadata
from gpu.jpeg.rejection import PhotoRejected
from tests.hostile_images import HostileFile, corruptions, hostile_cases, hostile_files

CASES = hostile_cases()


def rendered(data: bytes) -> bytes:
    """Take a photo all the way through, unchanged."""
    header = read_header(data)
    output = carry_metadata(data, encode(decode(data, header)))
    check_output(output, header.width, header.height)
    return output


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_hostile_photo_gets_its_verdict(case: HostileFile) -> None:
    if case.verdict == "accepted":
        rendered(case.content)
        return
    with pytest.raises(PhotoRejected) as rejection:
        rendered(case.content)
    assert rejection.value.code == case.code


def test_hostile_photos_are_the_same_on_every_run() -> None:
    assert hostile_files() == {case.name: case.content for case in CASES}
    assert len(CASES) >= 66


def test_at_most_3_percent_of_corruptions_pass_without_a_digest() -> None:
    accepted = 0
    for _, data in corruptions(330, seed=0):
        try:
            decode(data, read_header(data))
            accepted += 1
        except PhotoRejected:
            continue
    assert accepted / 330 <= 0.03
