"""How well every method corrects photos it has not seen, in one table; ``make bench-quality``.

    learn on the training pairs  ->  intend a warp for each test photo  ->  score, with targets and truth

Only the last step opens targets and truth. It judges nothing and fails no build; ``tests/bench/README.md``
says how to read the table.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.settings import load_settings
from tasks.domain.errors import DomainError
from tasks.domain.methods.registry import methods
from tasks.domain.schemas import PhotoRef
from tasks.inventory import inventory_of
from tasks.pair_trials import pair_reader
from tasks.pairs import pairs_in
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tests.bench.quality.ablations import ablated
from tests.bench.quality.charts import calibration_chart, error_chart
from tests.bench.quality.entrants import IDENTITY, entrants_of, intentions_of, left_alone
from tests.bench.quality.fits import FITS, Fitted, Training, fitted
from tests.bench.quality.folder import BenchFolder, drawn_folder, whole_listings
from tests.bench.quality.scoring import Cell, scored
from tests.bench.quality.standings import Standing, document_of, standings_of, table_lines

_PHOTO_TIMEOUT_S = 600.0  # for all warps of one photo, on a busy machine
_DRAWN = {"quick": (16, 8), "full": (120, 72)}
"""Training pairs and test photos."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that came of a comparison."""

    standings: list[Standing]
    cells: dict[str, tuple[Cell, ...]]
    fits: list[Fitted]
    notes: list[str]


def compare(
    folder: BenchFolder,
    photos: Sequence[PhotoRef],
    workers: PhotoWorkers,
    *,
    quick: bool,
    ablate: bool = False,
    seed: int,
) -> Comparison:
    """Learn, correct and score; with ``ablate`` also what the plumb-line estimator's parts are worth.

    Raises:
        DomainError: There are no test photos, or the truth cannot be understood.
    """
    notes: list[str] = []
    fits = _learnt(folder, workers, notes, quick=quick, seed=seed)
    intended = [left_alone(photos)]
    entrants = list(entrants_of(methods().values(), fits))
    for entrant in (*entrants, *(ablated(entrants) if ablate else ())):
        _tell(f"choosing warps: {entrant.name}")
        intended.append(intentions_of(entrant, photos, folder.originals, workers))
    _tell(f"scoring {len(intended)} entrants on {len(photos)} photos")
    cells = _judgeable(scored(intended, photos, folder, workers), notes)
    seconds = {each.name: each.seconds for each in intended}
    return Comparison(standings_of(cells, seconds, seed=seed), cells, fits, notes)


def main() -> int:
    """Compare every method on photos that nothing was fitted on."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.quality", description=main.__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder in the runbook's layout; default: one that is drawn"
    )
    parser.add_argument("--json", type=Path, help="file for the figures; charts are put beside it")
    parser.add_argument("--quick", action="store_true", help="few drawn photos, small searches")
    parser.add_argument("--ablate", action="store_true", help="shoot_atlas without each part of its lines")
    parser.add_argument("--seed", type=int, default=7, help="of drawing, sampling and searches (%(default)s)")
    parser.add_argument("--photos", type=int, help="how many test photos at most")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        folder = BenchFolder(arguments.data) if arguments.data else _drawn(arguments)
        photos = whole_listings(
            inventory_of(folder.originals).photos, most=arguments.photos, seed=arguments.seed
        )
        processes = len(os.sched_getaffinity(0))
        with open_photo_workers(processes=processes, timeout_s=_PHOTO_TIMEOUT_S, memory_mb=None) as workers:
            found = compare(
                folder,
                photos,
                workers,
                quick=arguments.quick,
                ablate=arguments.ablate,
                seed=arguments.seed,
            )
        _report(found, folder, arguments.json)
    except (DomainError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    _tell(f"done in {time.monotonic() - started:.0f} s")
    return 0


def _drawn(arguments: argparse.Namespace) -> BenchFolder:
    pairs, photos = _DRAWN["quick" if arguments.quick else "full"]
    photos = arguments.photos or photos
    _tell(f"drawing {pairs} training pairs and {photos} test photos with their targets")
    bench = load_settings().state_dir.resolve() / "bench"
    root = bench / f"quality-{arguments.seed}-{pairs}-{photos}"
    return drawn_folder(root, pairs=pairs, photos=photos, seed=arguments.seed)


def _learnt(
    folder: BenchFolder, workers: PhotoWorkers, notes: list[str], *, quick: bool, seed: int
) -> list[Fitted]:
    try:
        pairs = pairs_in(folder.pairs).pairs
    except DomainError as error:
        notes.append(f"nothing was fitted: {error}")
        return []
    training = Training(pairs, pair_reader(folder.pairs), workers, quick, seed)
    fits = []
    for fit in FITS:
        _tell(f"fitting {fit.name} on {len(pairs)} pairs")
        fits.append(fitted(fit, training))
    notes.extend(f"fit {each.name} failed: {each.problem}" for each in fits if each.problem)
    return fits


def _judgeable(cells: dict[str, tuple[Cell, ...]], notes: list[str]) -> dict[str, tuple[Cell, ...]]:
    """Leave out the photos on which not even leaving the photo alone can be scored."""
    bad = {cell.photo.id: cell.reason for cell in cells[IDENTITY] if cell.scores is None}
    notes.extend(f"photo {photo!r} is left out: {reason}" for photo, reason in bad.items())
    kept = {name: tuple(cell for cell in row if cell.photo.id not in bad) for name, row in cells.items()}
    if not kept[IDENTITY]:
        raise DomainError(
            f"none of {len(bad)} test photos can be scored; the first: {next(iter(bad.values()))}"
        )
    return kept


def _report(found: Comparison, folder: BenchFolder, path: Path | None) -> None:
    for fit in found.fits:
        print(f"fit {fit.name}: {fit.seconds:.1f} s")
    print("\n".join([*found.notes, "", *table_lines(found.standings)]), flush=True)
    if path is None:
        return
    document = document_of(
        found.standings,
        folder=str(folder.root),
        fit_seconds={fit.name: fit.seconds for fit in found.fits},
        notes=found.notes,
    )
    path.write_text(json.dumps(document, indent=1))
    order = [standing.method for standing in found.standings]
    charts = {"errors": error_chart(found.cells, order), "calibration": calibration_chart(found.cells)}
    for name, chart in charts.items():
        if chart is not None:
            path.with_suffix(f".{name}.svg").write_text(chart)


def _tell(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
