"""Plans a run: routes every photo, cuts shards and claims the run's name in the store."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from gpu.remap.backend import BackendName
from gpu.render import engine_versions, shared_versions
from infra.errors import ObjectExists, ObjectMissing
from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.domain.errors import DomainError, UnusableWarpError
from tasks.domain.methods.method import Method, RouteOptions
from tasks.domain.methods.registry import find_method
from tasks.domain.naming import SUBMISSION_NAME, check_artifact_tag, listing_of, submission_name
from tasks.domain.observations import Observation, listings_of
from tasks.domain.refit import CANDIDATE_NAME
from tasks.domain.schemas import (
    Engine,
    Inventory,
    MethodChoice,
    PhotoRef,
    QuarantinedPhoto,
    RenderRequest,
    RoutedPhoto,
    RunPlan,
)
from tasks.domain.shards import folder_digest, plan_document, plan_shards
from tasks.domain.tables import canonical_json, table_digest
from tasks.failures import step
from tasks.keys import candidate_table_key, plan_key, table_key
from tasks.promoted_table import table_of_run

_NAME_TRIES = 60
SHIPPED = "shipped"
"""Names the table that comes with a method."""


class NothingToRender(DomainError):
    """Every photo was quarantined before rendering."""


class TableUnreadable(DomainError):
    """The table or policy file cannot be read."""


@step("plan run")
def plan_run(
    inventory: Inventory,
    request: RenderRequest,
    engine: Engine,
    observations: Sequence[Observation],
    *,
    run_id: str,
    created: datetime,
) -> RunPlan:
    """Route the photos, cut them into shards, and record the plan under a name of its own."""
    return planned_run(
        inventory,
        request,
        engine,
        observations,
        run_id=run_id,
        created=created,
        store=run_store(),
    )


def planned_run(
    inventory: Inventory,
    request: RenderRequest,
    engine: Engine,
    observations: Sequence[Observation] = (),
    *,
    run_id: str,
    created: datetime,
    store: ObjectStore,
) -> RunPlan:
    """Plan a run and write the plan create-only, which claims its name.

    ``created``, in UTC, stamps the name. Where another run has that second already, this one takes the next
    free second. The same run planned again, as at a retry, gets its first name again. ``observations`` are
    those of ``tasks.observing``, none for a method that needs no pixels.

    Raises:
        DomainError: Unknown method or variant, an unusable table or tag, or nothing left to render.
    """
    if request.artifact_tag is not None:
        check_artifact_tag(request.artifact_tag)
    method, options = chosen_method(request)
    routed, unroutable = _route(inventory.photos, method, options, observations)
    if not routed:
        raise NothingToRender(f"no photo can be rendered; the first: {unroutable[0].reason}")
    variant = method.variant(options)
    for seconds in range(_NAME_TRIES):
        stamp = created + timedelta(seconds=seconds)
        plan = RunPlan(
            name=submission_name(method.family, request.artifact_tag or variant, stamp),
            run_id=run_id,
            created=created.isoformat(),
            request=request.model_copy(update={"variant": variant}),
            engine=engine,
            table_digest=table_digest(method.table(options)),
            input_digest=folder_digest((f"{photo.id}.jpg", photo.sha256) for photo in inventory.photos),
            shards=plan_shards(routed, shard_size=request.shard_size, engine=engine),
            quarantined=(*inventory.quarantined, *unroutable),
            ignored=inventory.ignored,
        )
        if _claim(plan, store):
            store.create(table_key(plan.name), canonical_json(method.table(options)))
            return plan
    raise DomainError(f"the {_NAME_TRIES} names from {created.isoformat()} on are all taken; run again")


def chosen_method(choice: MethodChoice) -> tuple[Method, RouteOptions]:
    """Find the method of a choice and read its table, refusing what it does not know."""
    method = find_method(choice.method)
    named = choice.table if choice.table != SHIPPED else None
    options = method.options(
        variant=choice.variant,
        document=_read_table(named, choice.method) if named else None,
        source=named or "",
        interpolation=choice.interpolation,
        border=choice.border,
    )
    return method, replace(options, table_origin="run" if named and _is_run(named) else "loaded")


def engine_here(backend: BackendName, *, quality: int) -> Engine:
    """Describe the engine of this machine; BackendUnavailable where it has none of that name."""
    return Engine(backend=backend, quality=quality, versions=engine_versions(backend))


def remote_engine(backend: BackendName, *, quality: int) -> Engine:
    """Describe the engine of a run whose photos are rendered elsewhere.

    It states what every machine must share and agents insist on. This machine need not have the back end.
    """
    return Engine(backend=backend, quality=quality, versions=shared_versions())


def _read_table(table: str, method: str) -> bytes:
    """Read a file, the table that a run applied, or the one that a refit's candidate has for the method."""
    if _is_run(table):
        return table_of_run(table, method, run_store())
    if CANDIDATE_NAME.fullmatch(table):
        store = run_store()
        try:
            return store.read(candidate_table_key(table, method))
        except ObjectMissing as error:
            raise TableUnreadable(f"{store.url} has no {table} with a table of {method!r}") from error
    try:
        return Path(table).read_bytes()
    except OSError as error:
        raise TableUnreadable(f"table {table!r} cannot be read: {error.strerror}") from error


def _is_run(table: str) -> bool:
    return SUBMISSION_NAME.fullmatch(table) is not None


def _route(
    photos: Iterable[PhotoRef], method: Method, options: RouteOptions, observations: Iterable[Observation]
) -> tuple[list[RoutedPhoto], list[QuarantinedPhoto]]:
    listings = listings_of(observations)
    routed: list[RoutedPhoto] = []
    unroutable: list[QuarantinedPhoto] = []
    for photo in photos:
        try:
            routed.append(method.choose(photo, options, listings.get(listing_of(photo.id), ())))
        except UnusableWarpError as error:
            unroutable.append(
                QuarantinedPhoto(file_name=f"{photo.id}.jpg", code="unusable_warp", reason=str(error))
            )
    return routed, unroutable


def _claim(plan: RunPlan, store: ObjectStore) -> bool:
    try:
        store.create(plan_key(plan.name), plan_document(plan))
    except ObjectExists:
        return False
    return True
