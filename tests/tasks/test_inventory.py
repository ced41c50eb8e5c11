from pathlib import Path

import pytest

from tasks.inventory import PhotoFolderUnusable, inventory_of
from tests.photos import fill_folder, jpeg


def test_every_photo_is_measured_as_stored(tmp_path: Path) -> None:
    fill_folder(tmp_path, ["a_g0"], width=320, height=214)
    (photo,) = inventory_of(tmp_path).photos
    assert (photo.id, photo.width, photo.height, photo.size) == (
        "a_g0",
        320,
        214,
        (tmp_path / "a_g0.jpg").stat().st_size,
    )


def test_what_cannot_be_rendered_is_quarantined_with_a_reason_and_the_rest_stays(tmp_path: Path) -> None:
    fill_folder(tmp_path, ["good_g0", "good_g1"])
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "page.jpg").write_bytes(b"<!DOCTYPE html><html><body>404</body></html>")
    (tmp_path / "cut.jpg").write_bytes(jpeg()[:-4000])
    (tmp_path / "tiny.jpg").write_bytes(jpeg(1, 1))
    (tmp_path / "kitchen 1.JPG").write_bytes(jpeg())
    (tmp_path / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    inventory = inventory_of(tmp_path)
    assert [photo.id for photo in inventory.photos] == ["good_g0", "good_g1"]
    assert {photo.file_name: photo.code for photo in inventory.quarantined} == {
        "empty.jpg": "empty",
        "page.jpg": "not_a_jpeg",
        "cut.jpg": "truncated",
        "tiny.jpg": "too_small",
        "kitchen 1.JPG": "bad_name",
        "scan.png": "bad_name",
    }
    assert all(len(photo.reason) > 20 for photo in inventory.quarantined)


def test_ids_that_differ_in_case_only_are_both_quarantined(tmp_path: Path) -> None:
    fill_folder(tmp_path, ["Home_g1", "home_g1", "home_g2"])
    inventory = inventory_of(tmp_path)
    assert [photo.id for photo in inventory.photos] == ["home_g2"]
    assert {photo.code for photo in inventory.quarantined} == {"duplicate_id"}
    assert len(inventory.quarantined) == 2


def test_folders_hidden_files_and_other_kinds_are_ignored_by_name(tmp_path: Path) -> None:
    fill_folder(tmp_path, ["a"])
    (tmp_path / ".hidden.jpg").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("mind the step")
    (tmp_path / "more.jpg").mkdir()
    assert inventory_of(tmp_path).ignored == (".hidden.jpg", "more.jpg", "notes.txt")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: None, "does not exist"),
        (lambda folder: folder.write_text("x"), "is a file"),
        (lambda folder: folder.mkdir(), "holds no photo"),
        (lambda folder: fill_folder(folder, ["bad name"]), "none of the 1 photos"),
    ],
)
def test_a_folder_without_a_usable_photo_is_refused_in_one_sentence(
    tmp_path: Path, make: object, sentence: str
) -> None:
    folder = tmp_path / "photos"
    make(folder)  # type: ignore[operator]
    with pytest.raises(PhotoFolderUnusable, match=sentence) as refused:
        inventory_of(folder)
    assert "\n" not in str(refused.value)
