from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.buckets import BUCKETS, CROP_SENSITIVE, HIGH_RISK, NOMINAL_SIZE, Bucket, bucket_of

PIXELS = st.integers(1, 70_000)


@pytest.mark.parametrize(
    ("width", "height", "bucket"),
    [
        (2048, 1367, "standard"),
        (1400, 1367, "standard"),
        (2048, 1368, "near_standard_tall"),
        (2048, 1371, "near_standard_tall"),
        (2048, 1372, "heavy_crop"),
        (2048, 1366, "near_standard_short"),
        (2048, 1365, "near_standard_short"),
        (2048, 1364, "moderate_crop"),
        (2048, 1360, "moderate_crop"),
        (2048, 1359, "heavy_crop"),
        (2048, 1515, "heavy_crop"),
        (2048, 1, "heavy_crop"),
        (1367, 1367, "standard"),
        (1000, 1000, "heavy_crop"),
        (1367, 1368, "portrait_standard"),
        (1367, 2048, "portrait_standard"),
        (1366, 2048, "portrait_cropped"),
        (1368, 2048, "portrait_cropped"),
        (1366, 1367, "portrait_cropped"),
        (1, 2, "portrait_cropped"),
    ],
)
def test_a_size_at_the_edge_falls_into_its_bucket(width: int, height: int, bucket: Bucket) -> None:
    assert bucket_of(width, height) == bucket


@given(width=PIXELS, height=PIXELS)
def test_every_size_falls_into_one_bucket_of_its_orientation(width: int, height: int) -> None:
    bucket = bucket_of(width, height)
    assert bucket in BUCKETS
    assert bucket.startswith("portrait_") == (height > width)


def test_the_buckets_that_the_gates_watch_are_the_runbooks() -> None:
    assert frozenset({"heavy_crop", "portrait_cropped"}) == HIGH_RISK
    assert frozenset({"moderate_crop", "heavy_crop", "portrait_cropped"}) == CROP_SENSITIVE


def test_the_list_of_buckets_is_that_of_the_type() -> None:
    assert get_args(Bucket) == BUCKETS


@pytest.mark.parametrize("bucket", BUCKETS)
def test_the_nominal_size_of_a_bucket_lies_in_it(bucket: Bucket) -> None:
    size = NOMINAL_SIZE[bucket]
    assert bucket_of(size.width, size.height) == bucket
