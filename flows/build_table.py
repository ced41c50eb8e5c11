"""Runbook page: build one table of coefficients from training pairs: global pair, buckets, or sizes.

    choose base > take stock of pairs > search table > keep table

Nothing is promoted here: a render uses the table where it is told to (``-p table=candidate_...``), and the
gates judge what comes of it. Table and build manifest are two objects; ``refit`` makes all tables at once.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from tasks.adapters import pairs_folder, photo_workers
from tasks.domain.schemas import Border, Interpolation
from tasks.domain.search_schemas import Alpha, Optimizer, Profile
from tasks.domain.table_building import BuiltTable, build_request
from tasks.failures import SENTENCES, log_sentences_only
from tasks.provenance import provenance_here
from tasks.table_building import choose_base, keep_table, search_table, take_stock
from tasks.table_summary import outcome, publish_build


@flow(name="build-table", flow_run_name="build-table {method}", persist_result=False)
def build_table(
    pairs: str | None = None,
    method: Literal["calibguard_dim", "dim_bucket_microgrid", "global_grid"] = "calibguard_dim",
    optimizer: Optimizer = "grid",
    base: str | None = None,
    profile: Profile | None = None,
    alphas: list[Alpha] | None = None,
    search_pairs: Annotated[int, Field(ge=1)] | None = None,
    sample_per_dim: Annotated[int, Field(ge=1)] | None = None,
    min_dim_support: Annotated[int, Field(ge=1)] | None = None,
    interpolation: Interpolation | None = None,
    border: Border | None = None,
    seed: int = 42,
) -> State[BuiltTable]:
    """Find the coefficients of a method's table on training pairs, and keep them as a candidate.

    Args:
        pairs: Folder of ``{id}_original.jpg`` with ``{id}_generated.jpg``, or of the whole data set;
            default: the data root.
        method: Method that loads the table.
        optimizer: ``grid`` tries candidates on photos, ``de`` (``calibguard_dim`` only) evolves them, with a
            time limit; both take every pair as it is, exchanged and cropped ones too. ``gn`` fits each
            pair's lens curve, leaves out pairs that show no lens correction, and takes the nearest
            coefficients.
        base: Table that the build starts from, as ``table`` of ``render``.
        profile: What ``grid`` and ``de`` compare photos by: ``mae`` (the pair searches' default), ``legacy``
            (the table build's), ``competition_lite``; ``gn`` compares warps.
        alphas: Each is tried; default: 0, and 0, 0.1, 0.2 for ``calibguard_dim``.
        search_pairs: Pairs that a pair search looks at, in all; default 500.
        sample_per_dim: Pairs of a size that a table build looks at; with ``gn`` no fewer than
            ``min_dim_support``; default 300.
        min_dim_support: Pairs that a size needs to be searched widely, with ``gn`` for a row of its own;
            default 30.
        interpolation: linear, cubic or lanczos4, for the search and as the table's default; default: cubic.
        border: constant, reflect or replicate, likewise; default: reflect.
        seed: Another seed samples other pairs.
    """
    log_sentences_only()
    asked = {
        "optimizer": optimizer,
        "profile": profile,
        "alphas": alphas,
        "search_pairs": search_pairs,
        "sample_per_dim": sample_per_dim,
        "min_dim_support": min_dim_support,
        "interpolation": interpolation,
        "border": border,
        "seed": seed,
    }
    try:
        record = _build(method, pairs, base, asked)
    except SENTENCES as error:
        return Failed(message=str(error))
    return Completed(message=outcome(record), data=record)


def _build(method: str, pairs: str | None, base: str | None, asked: Mapping[str, object]) -> BuiltTable:
    provenance, created = provenance_here(), datetime.now(UTC)
    request = build_request(method, pairs_folder=str(pairs_folder(pairs)), base=base, asked=asked)
    request = choose_base(request)
    inventory = take_stock(request)
    with photo_workers("opencv") as workers:
        built = search_table(inventory, request, workers, created=created)
    record = keep_table(built, inventory, request, provenance=provenance, created=created)
    publish_build(record)
    return record
