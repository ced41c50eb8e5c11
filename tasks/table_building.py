"""Builds one table from training pairs as the runbook's M1, M5 and M8 ask, and keeps it as a candidate.

It promotes nothing: a candidate is used when a render names it, and judged like everything that is rendered.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from infra.errors import ObjectExists
from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.domain.ledger import LedgerEntry
from tasks.domain.pairs import PairInventory
from tasks.domain.refit import candidate_name
from tasks.domain.schemas import Provenance
from tasks.domain.search_schemas import BuildManifest
from tasks.domain.searched_tables import TableLabel
from tasks.domain.table_building import BuildRequest, BuiltTable
from tasks.domain.tables import TableHeader, canonical_json
from tasks.failures import step
from tasks.keys import build_key, candidate_table_key
from tasks.ledger import append
from tasks.pair_trials import pair_reader
from tasks.pairs import pairs_in
from tasks.photo_workers import PhotoWorkers
from tasks.planning import chosen_method
from tasks.promoted_table import settled
from tasks.records import keep_bytes
from tasks.searching import build_correction_table, search_bucket_pairs, search_global_pair

_FAMILY: Final = "refit"

Built = tuple[TableHeader, BuildManifest]

_BUILDERS: Final[Mapping[str, Callable[..., Built]]] = MappingProxyType(
    {
        "global_grid": search_global_pair,
        "dim_bucket_microgrid": search_bucket_pairs,
        "calibguard_dim": build_correction_table,
    }
)


@step("choose base")
def choose_base(request: BuildRequest) -> BuildRequest:
    """Name the table that the build starts from: the champion's, where none is named."""
    return settled(request)


@step("take stock of pairs")
def take_stock(request: BuildRequest) -> PairInventory:
    """Find the training pairs of a folder."""
    return pairs_in(Path(request.pairs_folder))


@step("search table")
def search_table(
    inventory: PairInventory, request: BuildRequest, workers: PhotoWorkers, *, created: datetime
) -> Built:
    """Search the coefficients (see ``built_table``)."""
    return built_table(inventory, request, workers, run_store(), created=created)


@step("keep table")
def keep_table(
    built: Built,
    inventory: PairInventory,
    request: BuildRequest,
    *,
    provenance: Provenance,
    created: datetime,
) -> BuiltTable:
    """Store table and build manifest, sealed by the ledger."""
    return kept_table(built, inventory, request, run_store(), provenance=provenance, created=created)


def built_table(
    inventory: PairInventory,
    request: BuildRequest,
    workers: PhotoWorkers,
    store: ObjectStore,
    *,
    created: datetime,
) -> Built:
    """Search the coefficients of a method's table; the store keeps what is fitted.

    Raises:
        NothingToLearn: No pair teaches a curve, and optimizer ``gn`` needs one.
    """
    method, options = chosen_method(request)
    base = method.table(options)
    return _BUILDERS[request.method](
        inventory.pairs,
        base,
        request.options,
        TableLabel(candidate_name(created), created.date()),
        read=pair_reader(Path(inventory.folder)),
        workers=workers,
        clock=time.monotonic,
        store=store,
    )


def kept_table(
    built: Built,
    inventory: PairInventory,
    request: BuildRequest,
    store: ObjectStore,
    *,
    provenance: Provenance,
    created: datetime,
) -> BuiltTable:
    """Write the table, then the record of its build, then the ledger's seal."""
    table, manifest = built
    record = BuiltTable(
        name=candidate_name(created),
        created=created.isoformat(),
        request=request,
        provenance=provenance,
        pairs=len(inventory.pairs),
        quarantined=inventory.quarantined,
        manifest=manifest,
    )
    documents = {
        candidate_table_key(record.name, request.method): canonical_json(table),
        build_key(record.name, request.method): record.model_dump_json(indent=1).encode(),
    }
    sealed = {key: keep_bytes(key, document, store) for key, document in documents.items()}
    entry = LedgerEntry(
        event="refitted", name=record.name, at=record.created, family=_FAMILY, evidence=sealed
    )
    with suppress(ObjectExists):
        append(entry, store)
    return record
