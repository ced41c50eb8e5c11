from pathlib import Path

import pytest

from tasks.domain.pairs import TrainingPair
from tasks.inventory import PhotoFolderUnusable
from tasks.pairs import NoPairs, pairs_in
from tests.hostile_images import with_segments
from tests.photos import jpeg


def write(folder: Path, pair_id: str, *, original: bytes | None = None, target: bytes | None = None) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{pair_id}_original.jpg").write_bytes(jpeg() if original is None else original)
    (folder / f"{pair_id}_generated.jpg").write_bytes(jpeg() if target is None else target)


def test_pairs_are_found_with_their_size_sorted_by_id(tmp_path: Path) -> None:
    write(tmp_path, "b_g1", original=jpeg(64, 48), target=jpeg(64, 48, seed=1))
    write(tmp_path, "a_g1")
    (tmp_path / "notes.txt").write_text("mind the step")
    inventory = pairs_in(tmp_path)
    assert inventory.pairs == (
        TrainingPair(id="a_g1", width=320, height=214),
        TrainingPair(id="b_g1", width=64, height=48),
    )
    assert (inventory.quarantined, inventory.ignored) == ((), ("notes.txt",))


def test_what_makes_no_pair_is_quarantined_by_the_file_at_fault_and_the_rest_stays(tmp_path: Path) -> None:
    write(tmp_path, "good_g0")
    write(tmp_path, "size_g0", target=jpeg(64, 48))
    write(tmp_path, "page_g0", original=b"<!DOCTYPE html><html></html>")
    write(tmp_path, "empty_g0", target=b"")
    write(tmp_path, "cut_g0", target=jpeg()[:100])
    write(tmp_path, "tiny_g0", original=jpeg(8, 8), target=jpeg(8, 8))
    (tmp_path / "alone_g0_original.jpg").write_bytes(jpeg())
    (tmp_path / "lost_g0_generated.jpg").write_bytes(jpeg())
    (tmp_path / "kitchen.jpg").write_bytes(jpeg())
    (tmp_path / "bad id_original.jpg").write_bytes(jpeg())
    (tmp_path / "loop_g0_original.jpg").symlink_to(tmp_path / "loop_g0_original.jpg")
    inventory = pairs_in(tmp_path)
    assert [pair.id for pair in inventory.pairs] == ["good_g0"]
    assert {photo.file_name: photo.code for photo in inventory.quarantined} == {
        "size_g0_generated.jpg": "unequal_sizes",
        "page_g0_original.jpg": "not_a_jpeg",
        "empty_g0_generated.jpg": "empty",
        "cut_g0_generated.jpg": "truncated",
        "tiny_g0_original.jpg": "too_small",
        "alone_g0_original.jpg": "no_partner",
        "lost_g0_generated.jpg": "no_partner",
        "kitchen.jpg": "bad_name",
        "bad id_original.jpg": "bad_name",
        "loop_g0_original.jpg": "unreadable",
    }
    assert all(len(photo.reason) > 20 for photo in inventory.quarantined)


def test_a_frame_header_behind_large_metadata_is_found(tmp_path: Path) -> None:
    large = with_segments(jpeg(), *[(0xE5, bytes(60_000))] * 3)
    write(tmp_path, "a_g0", original=large)
    assert pairs_in(tmp_path).pairs == (TrainingPair(id="a_g0", width=320, height=214),)


def test_picture_data_is_not_read(tmp_path: Path) -> None:
    """A header is enough to find a pair; damage further on is the render process's to find."""
    write(tmp_path, "a_g0", original=jpeg()[:2000])
    assert [pair.id for pair in pairs_in(tmp_path).pairs] == ["a_g0"]


def test_a_folder_without_one_pair_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PhotoFolderUnusable, match="does not exist"):
        pairs_in(tmp_path / "nowhere")
    with pytest.raises(NoPairs, match="holds no photo"):
        pairs_in(tmp_path)
    (tmp_path / "a_g0_original.jpg").write_bytes(jpeg())
    with pytest.raises(NoPairs, match=r"the first is 'a_g0_original\.jpg': its partner"):
        pairs_in(tmp_path)
