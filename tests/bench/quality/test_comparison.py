"""Small drawn folders through the whole comparison, in real worker processes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tasks.domain.methods.method import Method, RouteOptions
from tasks.domain.methods.registry import find_method, methods
from tasks.domain.naming import listing_of
from tasks.domain.schemas import PhotoRef, RoutedPhoto
from tasks.domain.shipped_atlas import shipped_atlas
from tasks.inventory import inventory_of
from tasks.pairs import pairs_in
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tests.bench.quality import __main__ as program
from tests.bench.quality.ablations import ablated
from tests.bench.quality.entrants import IDENTITY, Entrant, entrants_of, intentions_of, left_alone
from tests.bench.quality.fits import FITS, Fit, Fitted, Training, fitted
from tests.bench.quality.folder import BenchFolder, drawn_folder, whole_listings
from tests.bench.quality.scoring import EXACT, scored
from tests.fitted_pairs import STRONG, WEAK, learned, listing
from tests.line_observations import observed_lines, seen_through

GLOBAL = find_method("global_grid")
ATLAS = learned(
    [*(pair for n in range(4) for pair in listing(f"ash{n}", STRONG, 10)), *listing("birch", WEAK, 4)]
)


@pytest.fixture(scope="module")
def workers() -> Iterator[PhotoWorkers]:
    with open_photo_workers(processes=2, timeout_s=120, memory_mb=None) as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> BenchFolder:
    return drawn_folder(tmp_path_factory.mktemp("quality"), pairs=2, photos=2, seed=7, long_side=640)


@pytest.fixture(scope="module")
def photos(folder: BenchFolder) -> tuple[PhotoRef, ...]:
    return inventory_of(folder.originals).photos


def entrant(method: Method, name: str) -> Entrant:
    return Entrant(name, method, RouteOptions(interpolation="cubic"))


def test_the_exact_warp_scores_far_above_identity(
    folder: BenchFolder, photos: tuple[PhotoRef, ...], workers: PhotoWorkers
) -> None:
    cells = scored([left_alone(photos)], photos, folder, workers)
    for alone, exact in zip(cells[IDENTITY], cells[EXACT], strict=True):
        assert alone.scores == (0.0, 0.0, 0.0)
        assert exact.scores is not None
        assert min(exact.scores) > 40.0
        assert exact.rms_px == 0.0
        assert alone.rms_px is not None
        assert alone.rms_px > 1.0


def test_a_method_that_breaks_on_one_photo_costs_its_own_cell_only(
    folder: BenchFolder, photos: tuple[PhotoRef, ...], workers: PhotoWorkers
) -> None:
    def route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
        if photo == photos[0]:
            raise ZeroDivisionError("a slip")
        return GLOBAL.route(photo, options)

    def nowhere(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
        return GLOBAL.route(photo, options).model_copy(update={"border": "nowhere"})

    tried = [
        ("sound", GLOBAL),
        ("slips", replace(GLOBAL, route=route)),
        ("lost", replace(GLOBAL, route=nowhere)),
    ]
    intended = [
        intentions_of(entrant(method, name), photos, folder.originals, workers) for name, method in tried
    ]
    cells = scored(intended, photos, folder, workers)
    assert cells["slips"][0].scores is None
    assert cells["slips"][0].reason == "ZeroDivisionError: a slip"
    assert cells["slips"][1].scores == cells["sound"][1].scores
    assert [cell.scores for cell in cells["lost"]] == [None, None]
    assert "nowhere" in cells["lost"][0].reason
    assert None not in [cell.scores for name in ("sound", EXACT) for cell in cells[name]]


def test_a_fit_that_breaks_is_told_and_gives_no_table(workers: PhotoWorkers) -> None:
    def learn(training: Training) -> dict[str, object]:
        raise ZeroDivisionError("a slip")

    training = Training((), lambda pair: (b"", b""), workers, quick=True, seed=7)
    found = fitted(Fit("slips", learn), training)  # type: ignore[arg-type]  # it gives nothing at all
    assert (found.tables, found.problem) == ({}, "ZeroDivisionError: a slip")


def test_every_variant_enters_with_the_shipped_table_and_with_each_fitted_one() -> None:
    fits = [Fitted("grid", {"calibguard_dim": GLOBAL.table(RouteOptions())}, 1.0)]
    names = [each.name for each in entrants_of(methods().values(), fits)]
    variants = sum(len(method.variants) for method in methods().values())
    assert len(names) == len(set(names)) == variants + 3
    assert "calibguard_dim/aggressive+grid" in names
    assert "zero_guard/zero_guard_v3" in names


def test_the_balanced_method_with_a_fitted_atlas_enters_once_without_each_part() -> None:
    fits = [Fitted("atlas", {"shoot_atlas": shipped_atlas()}, 1.0)]
    entrants = [*entrants_of(methods().values(), fits)]
    names = [each.name for each in ablated(entrants)]
    assert names == [
        f"shoot_atlas/balanced+atlas, no {part}"
        for part in ("pooling", "snap", "prior", "bows", "zoom rule", "lines")
    ]


def test_without_lines_an_ablated_method_takes_what_the_size_makes_likely() -> None:
    fits = [Fitted("atlas", {"shoot_atlas": ATLAS}, 1.0)]
    photo = PhotoRef(id="house_g0", width=2048, height=1367, size=1, sha256="0" * 64)
    seen = tuple(observed_lines(f"house_g{n}", seen_through(WEAK, seed=n), ATLAS) for n in range(3))
    entrants = {each.name: each for each in ablated(entrants_of(methods().values(), fits))}
    routes = {
        name.removeprefix("shoot_atlas/balanced+atlas, no "): each.method.choose(
            photo, each.options, seen
        ).route
        for name, each in entrants.items()
    }
    assert routes["lines"] == "atlas_dimension"
    assert routes["snap"] in {"atlas_pooled", "atlas_photo"}
    assert routes["pooling"] in {"atlas_snap", "atlas_photo"}


def test_training_and_test_share_no_listing(folder: BenchFolder, photos: tuple[PhotoRef, ...]) -> None:
    drawn = inventory_of(folder.root / "train-originals").photos
    assert {photo.id for photo in drawn} & {photo.id for photo in photos}  # as it happens at this seed
    learnt_from = {listing_of(pair.id) for pair in pairs_in(folder.pairs).pairs}
    assert learnt_from
    assert not learnt_from & {listing_of(photo.id) for photo in photos}


def test_fewer_photos_are_whole_listings() -> None:
    photos = [
        PhotoRef(id=f"home{number // 3}_g{number}", width=9, height=9, size=1, sha256="0" * 64)
        for number in range(12)
    ]
    kept = whole_listings(photos, most=6, seed=1)
    assert len(kept) == 6
    assert len({listing_of(photo.id) for photo in kept}) == 2
    assert whole_listings(photos, most=None, seed=1) == tuple(sorted(photos, key=lambda photo: photo.id))


def test_the_program_writes_the_promised_keys_and_the_chart(
    folder: BenchFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder.targets / "broken_g1.jpg").write_bytes(b"no photo")
    (folder.originals / "broken_g1.jpg").write_bytes(next(folder.originals.glob("*.jpg")).read_bytes())
    path = tmp_path / "quality.json"
    arguments = ["--data", str(folder.root), "--json", str(path), "--quick"]
    monkeypatch.setattr("sys.argv", ["quality", *arguments])
    assert program.main() == 0
    document = json.loads(path.read_text())
    assert set(document["fit_seconds"]) == {fit.name for fit in FITS}
    assert [note for note in document["notes"] if "broken_g1" in note]
    means = [each["mean"] for each in document["methods"]]
    assert means == sorted(means)
    best = [each["method"] for each in document["methods"]][-4:]
    assert EXACT in best  # on two drawn photos an atlas of their own lens is as good
    figures = {"mean", "median", "zero_rate", "rms_px_median", "rms_px_p90", "seconds_per_photo"}
    figures |= {"method", "mean_exact", "mean_loose", "coverage_90", "interval", "failed"}
    for each in document["methods"]:
        assert figures <= set(each)
        assert (each["photos"], each["failed"]) == (2, 0)
    assert set(document["worst_photos"]) == {each["method"] for each in document["methods"]}
    assert path.with_suffix(".errors.svg").read_text().startswith("<svg")
    assert f"| {EXACT} | " in capsys.readouterr().out


def test_a_folder_without_photos_is_told_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["quality", "--data", str(tmp_path)])
    assert program.main() == 1
    assert "does not exist; name an existing one" in capsys.readouterr().err
