"""Refits of small pairs of known lenses, in real worker processes."""

from functools import cache
from pathlib import Path

import pytest

from gpu.coordinates import ImageSize
from gpu.curve_space import distance_px
from gpu.lens_curve import LensCurve
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from tasks.domain.atlas_learning import learn_atlas
from tasks.domain.pairs import TrainingPair
from tasks.domain.tables import canonical_json
from tasks.fsck import fsck
from tasks.pair_trials import ReadPair
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tasks.refitting import FIT_VERSION, Progress, Refit, content_digest, fitted_pairs
from tests.fitted_pairs import LABEL
from tests.lens_pairs import filled, pair

SIZE = ImageSize(1024, 683)
LENSES = {"ash": filled(0.0, -0.10, size=SIZE), "birch": filled(0.0, -0.04, size=SIZE)}
PAIRS = tuple(
    TrainingPair(id=f"{name}_g{number}", width=SIZE.width, height=SIZE.height)
    for name in LENSES
    for number in range(3)
)


@cache
def files_of(pair_id: str) -> tuple[bytes, bytes]:
    """The files of a pair: its listing names the lens and its number what it shows."""
    name, _, number = pair_id.partition("_g")
    return pair(LENSES[name], seed=int(number), size=SIZE)


def drawn(pair: TrainingPair) -> tuple[bytes, bytes]:
    return files_of(pair.id)


def quiet(done: int, total: int) -> None:
    """Say nothing."""


def refit(
    store: ObjectStore,
    workers: PhotoWorkers,
    pairs: tuple[TrainingPair, ...] = PAIRS,
    *,
    read: ReadPair = drawn,
    progress: Progress = quiet,
) -> Refit:
    return fitted_pairs(pairs, read=read, workers=workers, store=store, progress=progress)


def kept(store: ObjectStore) -> int:
    return sum(1 for _ in store.list("fits/"))


def test_the_lenses_of_listings_are_found(store: ObjectStore, workers: PhotoWorkers) -> None:
    found = refit(store, workers)
    assert [fitted.pair for fitted in found.pairs] == list(PAIRS)
    for fitted in found.pairs:
        assert fitted.finding.verdict == "radial", fitted.finding.sentence
        truth = LENSES[fitted.listing]
        assert (
            distance_px(LensCurve(fitted.finding.factors), truth, SIZE) < 0.3
        )  # px, at a quarter of the size
    atlas = learn_atlas(found.pairs, LABEL)
    assert [profile.pairs for profile in atlas.profiles] == [3, 3]


def test_a_second_refit_fits_nothing_and_finds_the_same(store: ObjectStore, workers: PhotoWorkers) -> None:
    first, second = refit(store, workers), refit(store, workers)
    assert (first.fitted, second.fitted) == (len(PAIRS), 0)
    assert second.pairs == first.pairs


def test_a_refit_that_was_stopped_goes_on_where_it_was(store: ObjectStore, workers: PhotoWorkers) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refit(store, workers, progress=stop)
    before = kept(store)
    assert before >= 2
    again = refit(store, workers)
    assert again.fitted == len(PAIRS) - before
    assert kept(store) == len(PAIRS)


def test_more_pairs_cost_only_themselves(store: ObjectStore, workers: PhotoWorkers) -> None:
    assert refit(store, workers, PAIRS[:4]).fitted == 4
    assert refit(store, workers).fitted == 2


def test_equal_files_are_fitted_once_whatever_their_names(store: ObjectStore, workers: PhotoWorkers) -> None:
    refit(store, workers, PAIRS[:1])
    twin = PAIRS[0].model_copy(update={"id": "other_g7"})
    found = refit(store, workers, (twin,), read=lambda _: files_of(PAIRS[0].id))
    assert found.fitted == 0
    assert found.pairs[0].pair == twin


def test_a_finding_lies_under_version_and_content(store: ObjectStore, workers: PhotoWorkers) -> None:
    refit(store, workers, PAIRS[:1])
    digest = content_digest(files_of(PAIRS[0].id))
    assert [found.key for found in store.list("fits/")] == [f"fits/{FIT_VERSION}/{digest}.json"]
    swapped = content_digest((files_of(PAIRS[0].id)[1], files_of(PAIRS[0].id)[0]))
    assert swapped != digest


def test_progress_is_told_pair_by_pair(store: ObjectStore, workers: PhotoWorkers) -> None:
    told: list[tuple[int, int]] = []
    refit(store, workers, PAIRS[:3], progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_damaged_pair_costs_itself_and_is_remembered(store: ObjectStore, workers: PhotoWorkers) -> None:
    def damaged(pair: TrainingPair) -> tuple[bytes, bytes]:
        original, target = files_of(pair.id)
        return (original[:5000], target) if pair == PAIRS[1] else (original, target)

    found = refit(store, workers, PAIRS[:3], read=damaged)
    assert [fitted.finding.verdict for fitted in found.pairs] == ["radial", "rejected", "radial"]
    assert found.pairs[1].finding.reason == "truncated"
    assert refit(store, workers, PAIRS[:3], read=damaged).fitted == 0


def test_a_pair_that_cannot_be_read_now_is_tried_again(store: ObjectStore, workers: PhotoWorkers) -> None:
    def gone(pair: TrainingPair) -> tuple[bytes, bytes]:
        raise FileNotFoundError(2, "No such file or directory", str(Path(pair.id)))

    found = refit(store, workers, PAIRS[:1], read=gone)
    assert (found.pairs[0].finding.verdict, found.fitted, kept(store)) == ("lost", 0, 0)
    assert refit(store, workers, PAIRS[:1]).fitted == 1


def test_what_is_found_does_not_depend_on_the_number_of_processes(
    store: ObjectStore, workers: PhotoWorkers, tmp_path: Path
) -> None:
    with open_photo_workers(processes=1, timeout_s=60, memory_mb=2048) as alone:
        one = refit(open_store(str(tmp_path / "alone")), alone)
    many = refit(store, workers)
    assert canonical_json(learn_atlas(one.pairs, LABEL)) == canonical_json(learn_atlas(many.pairs, LABEL))


@pytest.mark.parametrize("damage", [b"", b"{}", b"other"])
def test_a_damaged_finding_is_found_by_fsck_and_fitted_again(
    store: ObjectStore, workers: PhotoWorkers, damage: bytes
) -> None:
    first = refit(store, workers, PAIRS[:1])
    assert fsck(store).is_clean
    (kept_fit,) = list(store.list("fits/"))
    body = store.read(kept_fit.key)
    store.delete(kept_fit.key)
    store.create(kept_fit.key, damage and body.replace(b'"verdict":"radial"', b'"verdict":"lost"') + damage)
    assert [finding.key for finding in fsck(store).findings] == [kept_fit.key]
    second = refit(store, workers, PAIRS[:1])
    assert (second.fitted, second.pairs) == (1, first.pairs)
    assert fsck(store).is_clean


def test_a_finding_under_the_key_of_other_files_is_not_taken(
    store: ObjectStore, workers: PhotoWorkers
) -> None:
    first = refit(store, workers, PAIRS[:2])
    one, other = (found.key for found in store.list("fits/"))
    body = store.read(one)
    store.delete(other)
    store.create(other, body)
    assert [(found.key, found.kind) for found in fsck(store).findings] == [(other, "misplaced")]
    second = refit(store, workers, PAIRS[:2])
    assert (second.fitted, second.pairs) == (1, first.pairs)
