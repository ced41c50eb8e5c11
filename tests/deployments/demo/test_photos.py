"""The demo's photos: names, sizes, listings, and the same bytes for the same seed."""

import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image

from deployments.demo.lenses import LENSES
from deployments.demo.photos import DemoPhoto, _plan, draw_photos, draw_target_set
from infra.portal.server.target_set import read_target_set


def _draw(folder: Path, *, seed: int = 7, processes: int = 1) -> tuple[DemoPhoto, ...]:
    return draw_photos(folder, count=4, seed=seed, processes=processes, long_side=128)


def _contents(photos: tuple[DemoPhoto, ...]) -> dict[str, bytes]:
    return {photo.path.name: photo.path.read_bytes() for photo in photos}


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_processes(tmp_path: Path) -> None:
    alone = draw_photos(tmp_path / "a", count=6, seed=1, processes=1, long_side=96)
    shared = draw_photos(tmp_path / "b", count=6, seed=1, processes=2, long_side=96)
    assert _contents(alone) == _contents(shared)


def test_another_seed_gives_other_photos(tmp_path: Path) -> None:
    first, second = _contents(_draw(tmp_path / "a")), _contents(_draw(tmp_path / "b", seed=8))
    assert not set(first.values()) & set(second.values())


def test_a_complete_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    before = [photo.path.stat().st_mtime_ns for photo in _draw(tmp_path / "photos")]
    assert [photo.path.stat().st_mtime_ns for photo in _draw(tmp_path / "photos")] == before


def test_a_damaged_or_missing_photo_is_drawn_anew(tmp_path: Path) -> None:
    photos = _draw(tmp_path / "photos")
    whole = _contents(photos)
    photos[0].path.write_bytes(whole[photos[0].path.name][:-100])
    photos[1].path.unlink()
    assert _contents(_draw(tmp_path / "photos")) == whole


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"request": 1}', b"\xff"])
def test_an_unusable_record_means_drawing_anew(record: bytes, tmp_path: Path) -> None:
    whole = _contents(_draw(tmp_path / "photos"))
    (tmp_path / "photos.json").write_bytes(record)
    assert _contents(_draw(tmp_path / "photos")) == whole


def test_the_folder_holds_the_photos_and_nothing_else(drawn: tuple[DemoPhoto, ...]) -> None:
    assert sorted(drawn[0].path.parent.iterdir()) == sorted(photo.path for photo in drawn)


def test_names_are_those_of_a_property_and_a_number(drawn: tuple[DemoPhoto, ...]) -> None:
    assert all(re.fullmatch(r"[a-z]+\d+_g\d+\.jpg", photo.path.name) for photo in drawn)
    assert len({photo.photo_id for photo in drawn}) == len(drawn) == 14


@pytest.mark.parametrize("count", [2, 3, 8, 9, 40, 48])
def test_any_count_is_spread_over_listings_of_two_to_seven_photos_with_one_lens_each(count: int) -> None:
    for seed in range(12):
        listings = _plan(count, seed, 64)
        sizes = [len(listing.shots) for listing in listings]
        assert sum(sizes) == count
        assert min(sizes) >= 2
        assert max(sizes) <= 7


def test_photos_of_a_listing_share_a_lens_of_the_database(drawn: tuple[DemoPhoto, ...]) -> None:
    lenses = defaultdict(set)
    for photo in drawn:
        lenses[photo.listing].add(photo.lens)
        assert 10 <= photo.lens.equivalent_mm(photo.focal_mm) <= 24
    assert len(lenses) > 1
    assert all(len(used) == 1 and used <= set(LENSES) for used in lenses.values())


def test_photos_and_targets_are_plain_jpegs_of_the_size_they_tell(drawn: tuple[DemoPhoto, ...]) -> None:
    for photo in drawn:
        for path in (photo.path, photo.target):
            assert path is not None
            height, width, space, sampling = simplejpeg.decode_jpeg_header(path.read_bytes())
            assert (width, height, space, sampling) == (photo.size.width, photo.size.height, "YCbCr", "420")
    assert {photo.size.width > photo.size.height for photo in drawn} == {True, False}


def test_every_photo_shows_something_that_its_target_shows_elsewhere(drawn: tuple[DemoPhoto, ...]) -> None:
    for photo in drawn:
        assert photo.target is not None
        bowed, straight = (np.asarray(Image.open(path), float) for path in (photo.path, photo.target))
        assert 60 < bowed.mean() < 220
        assert bowed.std() > 20
        assert np.abs(bowed - straight).mean() > 3.0  # grey levels; noise and JPEG alone stay below 1


@pytest.mark.parametrize(("count", "long_side"), [(1, 128), (4, 32)])
def test_too_few_or_too_small_photos_are_refused(count: int, long_side: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 photos of 64 pixels"):
        draw_photos(tmp_path / "photos", count=count, long_side=long_side)


def test_a_target_set_is_one_that_our_portal_scores_against(tmp_path: Path) -> None:
    folder = draw_target_set(tmp_path / "set", 4, long_side=64)
    photos = read_target_set(folder).photos
    assert len(photos) == 4
    assert all(photo.original_sha256 != photo.target_sha256 for photo in photos.values())
    assert {path.name for path in folder.iterdir()} == {
        "test-originals",
        "test-originals.json",
        "test-targets",
    }


def test_a_complete_target_set_is_not_drawn_again(tmp_path: Path) -> None:
    def written() -> list[int]:
        folder = draw_target_set(tmp_path / "set", 2, long_side=64)
        return [path.stat().st_mtime_ns for path in sorted(folder.glob("*/*.jpg"))]

    assert written() == written() != []
