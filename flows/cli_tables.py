"""Commands of tables: build one from training pairs without a Prefect server."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from tasks.adapters import pairs_folder, photo_workers, run_store
from tasks.domain.schemas import Border, Interpolation
from tasks.domain.search_schemas import Optimizer, Profile
from tasks.domain.table_building import build_request
from tasks.pairs import pairs_in
from tasks.promoted_table import settled
from tasks.provenance import provenance_here
from tasks.table_building import built_table, kept_table
from tasks.table_summary import build_rows, outcome

commands = typer.Typer()


@commands.command()
def build_table(
    pairs: Annotated[
        str | None, typer.Option(help="Folder of training pairs; default: the data root.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="calibguard_dim, dim_bucket_microgrid or global_grid.")
    ] = "calibguard_dim",
    optimizer: Annotated[
        Optimizer,
        typer.Option(
            help="gn fits lens curves and leaves out pairs that show none; grid and de try candidates on "
            "every pair as it is, exchanged and cropped ones too."
        ),
    ] = "grid",
    base: Annotated[str | None, typer.Option(help="Table to start from, as the table of a render.")] = None,
    profile: Annotated[Profile | None, typer.Option(help="What grid and de compare photos by.")] = None,
    alpha: Annotated[list[float] | None, typer.Option(help="Alpha to try; may be repeated.")] = None,
    search_pairs: Annotated[int | None, typer.Option(min=1, help="Pairs of a pair search.")] = None,
    sample_per_dim: Annotated[int | None, typer.Option(min=1, help="Most pairs of a size.")] = None,
    min_dim_support: Annotated[
        int | None, typer.Option(min=1, help="Pairs that a size needs for a row of its own.")
    ] = None,
    interpolation: Annotated[Interpolation | None, typer.Option(help="Default: cubic.")] = None,
    border: Annotated[Border | None, typer.Option(help="Default: reflect.")] = None,
    seed: Annotated[int, typer.Option(help="Another seed samples other pairs.")] = 42,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record instead of a table.")] = False,
) -> None:
    """Build a method's table from training pairs into a candidate; nothing is promoted.

    Needs no Prefect server. A render takes the candidate with -p table=candidate_...
    """
    created, store = datetime.now(UTC), run_store()
    asked = {
        "optimizer": optimizer,
        "profile": profile,
        "alphas": alpha or None,
        "search_pairs": search_pairs,
        "sample_per_dim": sample_per_dim,
        "min_dim_support": min_dim_support,
        "interpolation": interpolation,
        "border": border,
        "seed": seed,
    }
    folder = pairs_folder(pairs)
    request = settled(build_request(method, pairs_folder=str(folder), base=base, asked=asked))
    inventory = pairs_in(folder)
    with photo_workers("opencv") as workers:
        built = built_table(inventory, request, workers, store, created=created)
    record = kept_table(built, inventory, request, store, provenance=provenance_here(), created=created)
    if as_json:
        print(record.model_dump_json(indent=1))
        return
    rows = build_rows(record)
    table = Table(*(Column(name, overflow="fold") for name in rows[0]), title=escape(record.name))
    for row in rows:
        table.add_row(*map(escape, row.values()))
    Console().print(table)
    for file in record.quarantined:
        print(f"quarantined: {file.file_name}: {file.reason}")
    print(outcome(record))
