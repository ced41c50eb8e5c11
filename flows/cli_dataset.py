"""Commands that find, fetch and measure the data set; no Prefect server is needed."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from tasks.adapters import kaggle_account, pairs_folder, photos_folder, settings
from tasks.dataset import (
    FALLBACK_MAX_PAIRS,
    DatasetMissing,
    Downloaded,
    MountedDataset,
    dimensions,
    download,
    mounted_dataset,
)
from tasks.domain.dataset import DimensionRow, bucket_counts

commands = typer.Typer()
group = typer.Typer(no_args_is_help=True, help="The data set: training pairs and test photos.")
commands.add_typer(group, name="dataset")

Root = Annotated[Path, typer.Option(help="Folder of mounts that is looked through.")]
_MOUNTS = Path("/kaggle/input")


@group.command()
def find(root: Root = _MOUNTS) -> None:
    """Look for the data set where Kaggle mounts inputs, in any layout. Exit status 1 when it is not there."""
    _show(mounted_dataset(root))


@group.command("download")
def fetch(
    competition: Annotated[str, typer.Option(help="The competition's name in its URL.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder that takes the data set; default: the data root.")
    ] = None,
    max_pairs: Annotated[
        int, typer.Option(min=0, help="Training pairs at most; 0 for all, 36 to 40 GB.")
    ] = FALLBACK_MAX_PAIRS,
    photos: Annotated[bool, typer.Option(help="Fetch the test photos too.")] = True,
    seed: Annotated[int, typer.Option(help="Another seed draws other pairs.")] = 42,
    root: Root = _MOUNTS,
    anyway: Annotated[bool, typer.Option("--anyway", help="Also where the data set is mounted.")] = False,
) -> None:
    """Fetch the data set from Kaggle where it is not mounted; run it again to go on after a failure.

    The disk is checked first, what is there is left alone, and a file that was cut short is resumed.
    """
    if not anyway and (mounted := _mounted(root)):
        _show(mounted)
        return
    fetched = _fetched(competition, to or settings().require("data_root"), max_pairs or None, photos, seed)
    print(f"{fetched.pairs} pairs and {fetched.photos} test photos, {fetched.bytes / 1e6:.1f} MB")
    print(f"AUTOHDR_DATA_ROOT={fetched.root.absolute()}")


@group.command("dimensions")
def show_dimensions(
    folder: Annotated[
        Path | None, typer.Option(help="Folder of photos or pairs; default: both of the data root.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Count photos by size and bucket; of training pairs, each pair counts once."""
    folders = [folder] if folder else [pairs_folder(None), photos_folder(None)]
    counted = {str(one): dimensions(one) for one in folders}
    if as_json:
        print(json.dumps({name: _document(*found) for name, found in counted.items()}, indent=1))
        return
    for name, (rows, unreadable) in counted.items():
        print(name)
        Console().print(_table(rows))
        if unreadable:
            print(f"{unreadable} files cannot be read as photos")


def _mounted(root: Path) -> MountedDataset | None:
    try:
        return mounted_dataset(root)
    except DatasetMissing:
        return None


def _show(found: MountedDataset) -> None:
    print(f"training pairs: {found.pairs or 'not there'}")
    print(f"test photos: {found.photos or 'not there'}")
    if found.root:
        print(f"AUTOHDR_DATA_ROOT={found.root}")


def _fetched(competition: str, to: Path, most_pairs: int | None, photos: bool, seed: int) -> Downloaded:
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        bar = shown.add_task("fetching", total=None)
        return download(
            kaggle_account(),
            competition,
            to,
            most_pairs=most_pairs,
            photos=photos,
            seed=seed,
            min_free_mb=settings().min_free_disk_mb,
            progress=lambda done, total: shown.update(bar, completed=done, total=total),
        )


def _table(rows: tuple[DimensionRow, ...]) -> Table:
    table = Table("bucket", "size", "photos")
    counts = bucket_counts(rows)
    for bucket, count in counts.items():
        table.add_row(bucket, "", str(count), style="bold")
        for row in rows:
            if row.bucket == bucket:
                table.add_row("", f"{row.width}x{row.height}", str(row.count))
    table.add_row("all", "", str(sum(counts.values())), style="bold")
    return table


def _document(rows: tuple[DimensionRow, ...], unreadable: int) -> dict[str, object]:
    return {
        "sizes": [asdict(row) for row in rows],
        "buckets": bucket_counts(rows),
        "unreadable": unreadable,
    }
