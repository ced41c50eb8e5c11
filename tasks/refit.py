"""Refits atlas and tables from training pairs, measures them on listings they never saw, keeps a candidate.

It promotes nothing: a candidate is used when a render names it, and judged like everything that is rendered.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.errors import ObjectExists
from infra.store.interface import ObjectStore
from tasks.adapters import run_store
from tasks.diagnosis import PairSample, diagnosis_of
from tasks.domain.atlas import LensAtlas
from tasks.domain.atlas_learning import learn_atlas
from tasks.domain.atlas_tables import bucket_table_of, correction_table_of
from tasks.domain.diagnosis import Diagnosis, DiagnosisRequest
from tasks.domain.fitted_pairs import FittedPair
from tasks.domain.ledger import LedgerEntry
from tasks.domain.naming import listing_of
from tasks.domain.pairs import PairInventory, TrainingPair, original_name, sampled
from tasks.domain.refit import (
    MEASURED,
    HeldOutFigures,
    RefitCandidate,
    RefitRequest,
    candidate_name,
    split_listings,
)
from tasks.domain.schemas import MethodChoice, Provenance, QuarantinedPhoto
from tasks.domain.searched_tables import TableLabel
from tasks.domain.tables import (
    TableHeader,
    canonical_json,
    shipped_bucket_table,
    shipped_correction_table,
    table_digest,
)
from tasks.failures import step
from tasks.keys import candidate_key, candidate_table_key
from tasks.ledger import append
from tasks.line_learning import learned_line_rule
from tasks.pair_trials import pair_reader
from tasks.pairs import pairs_in
from tasks.photo_workers import PhotoWorkers
from tasks.planning import SHIPPED
from tasks.promoted_table import reigning_choice, settled
from tasks.records import keep_bytes
from tasks.refitting import Progress, Refit, fitted_pairs

_FAMILY = "refit"
_QUALITY = 95

Tables = Mapping[str, TableHeader]
"""A table for each method, by the method's name."""
Champion = Callable[[], MethodChoice | None]
"""Gives what the champion's run was made with, its own table named."""
InForce = Callable[[DiagnosisRequest], DiagnosisRequest]
"""Names in a request the table that runs of its method take."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What was learned, and how it fared where it could not have been learned by heart."""

    tables: Tables
    figures: tuple[HeldOutFigures, ...]
    used: int


@step("find pairs")
def find_pairs(request: RefitRequest) -> PairInventory:
    """Find the training pairs of a folder."""
    return pairs_in(Path(request.pairs_folder))


@step("fit pairs")
def fit_pairs(inventory: PairInventory, workers: PhotoWorkers, progress: Progress) -> Refit:
    """Fit every pair that was not fitted before."""
    read = pair_reader(Path(inventory.folder))
    return fitted_pairs(inventory.pairs, read=read, workers=workers, store=run_store(), progress=progress)


@step("learn and measure")
def learn_and_measure(
    fits: Refit, request: RefitRequest, workers: PhotoWorkers, *, provenance: Provenance, created: datetime
) -> Learned:
    """Learn without the held-out listings, measure on them, then learn from all (see ``learned_from``)."""
    return learned_from(
        fits,
        request,
        workers,
        in_force=settled,
        champion=reigning_choice,
        provenance=provenance,
        created=created,
    )


@step("keep candidate")
def keep_candidate(
    learned: Learned,
    fits: Refit,
    inventory: PairInventory,
    request: RefitRequest,
    *,
    provenance: Provenance,
    created: datetime,
) -> RefitCandidate:
    """Store tables and candidate, sealed by the ledger."""
    return kept_candidate(
        learned, fits, inventory, request, run_store(), provenance=provenance, created=created
    )


def learned_from(
    fits: Refit,
    request: RefitRequest,
    workers: PhotoWorkers,
    *,
    in_force: InForce,
    champion: Champion,
    provenance: Provenance,
    created: datetime,
) -> Learned:
    """Learn twice: for the figures from a part of the listings, for the candidate from all.

    Figures are measured on pairs that show what a lens does, or that nothing is to be done; a target that was
    cropped or edited otherwise judges no table.

    Args:
        fits: Of all pairs.
        request: What to hold out.
        workers: Look at photos, and measure.
        in_force: Names the table that a candidate is held against.
        champion: Measured too, where it is of another method or variant than those tables are measured with.
        provenance: Of the figures.
        created: When the refit was asked for.

    Raises:
        NothingToLearn: No pair, or none outside the held-out listings, teaches a curve.
        NothingDiagnosed: No held-out pair could be measured.
    """
    label = TableLabel(candidate_name(created), created.date())
    pairs = [one.pair for one in fits.pairs]
    learn, held = split_listings(pairs, held_out=request.held_out, seed=request.seed)
    known = {pair.id for pair in learn}
    fitted = [one for one in fits.pairs if one.pair.id in known]
    read = pair_reader(Path(request.pairs_folder))
    rule = learned_line_rule(fitted, label, read=read, workers=workers)
    figures: tuple[HeldOutFigures, ...] = ()
    sound = {one.pair.id for one in fits.pairs if one.finding.is_sound}
    if judging := [pair for pair in held if pair.id in sound]:
        partial = _tables(learn_atlas(fitted, label, line_rule=rule), label)
        figures = _measured(
            partial,
            judging,
            request,
            workers,
            in_force=in_force,
            champion=champion,
            provenance=provenance,
            created=created,
        )
    atlas = learn_atlas(fits.pairs, label, line_rule=rule)
    return Learned(tables=_tables(atlas, label), figures=figures, used=atlas.pairs_used)


def kept_candidate(
    learned: Learned,
    fits: Refit,
    inventory: PairInventory,
    request: RefitRequest,
    store: ObjectStore,
    *,
    provenance: Provenance,
    created: datetime,
) -> RefitCandidate:
    """Write the tables, then the candidate that names them, then the ledger's seal."""
    listings = {listing_of(one.pair.id) for one in fits.pairs}
    _, held = split_listings([one.pair for one in fits.pairs], held_out=request.held_out, seed=request.seed)
    candidate = RefitCandidate(
        name=candidate_name(created),
        created=created.isoformat(),
        request=request,
        provenance=provenance,
        found=len(fits.pairs),
        fitted=fits.fitted,
        used=learned.used,
        already_corrected=sum(one.finding.verdict == "already_identical" for one in fits.pairs),
        quarantined=(*inventory.quarantined, *_refused(fits.pairs)),
        listings=len(listings),
        listings_held_out=len({listing_of(pair.id) for pair in held}),
        tables={method: table_digest(table) for method, table in learned.tables.items()},
        figures=learned.figures,
    )
    documents = {
        candidate_table_key(candidate.name, method): canonical_json(table)
        for method, table in learned.tables.items()
    }
    documents[candidate_key(candidate.name)] = candidate.model_dump_json(indent=1).encode()
    sealed = {key: keep_bytes(key, document, store) for key, document in documents.items()}
    entry = LedgerEntry(
        event="refitted", name=candidate.name, at=candidate.created, family=_FAMILY, evidence=sealed
    )
    with suppress(ObjectExists):
        append(entry, store)
    return candidate


def _refused(pairs: Sequence[FittedPair]) -> Iterator[QuarantinedPhoto]:
    """Name the pairs that taught nothing by their originals, and say why."""
    for one in pairs:
        finding = one.finding
        if not finding.is_sound:
            code = finding.reason or finding.verdict
            yield QuarantinedPhoto(
                file_name=original_name(one.pair.id), code=code, reason=finding.sentence or code
            )


def _tables(atlas: LensAtlas, label: TableLabel) -> Tables:
    return {
        "shoot_atlas": atlas,
        "calibguard_dim": correction_table_of(atlas, shipped_correction_table(), label).table,
        "dim_bucket_microgrid": bucket_table_of(atlas, shipped_bucket_table(), label).table,
    }


def _measured(
    tables: Tables,
    judging: Sequence[TrainingPair],
    request: RefitRequest,
    workers: PhotoWorkers,
    *,
    in_force: InForce,
    champion: Champion,
    provenance: Provenance,
    created: datetime,
) -> tuple[HeldOutFigures, ...]:
    """Measure each method with the candidate's table and with the one in force, on the same pairs."""
    drawn = sampled(judging, count=request.sample, seed=request.seed, per="bucket")
    sample = PairSample(found=len(judging), pairs=drawn, quarantined=())
    with TemporaryDirectory(prefix="calibguard-refit-") as folder:
        trials = list(_trials(tables, request, Path(folder), in_force, champion()))
        figures = [
            _figures(diagnosis_of(sample, asked, workers, provenance=provenance, created=created), label)
            for asked, label in trials
        ]
    return tuple(sorted(figures, key=lambda one: one.proxy_mean))


def _trials(
    tables: Tables, request: RefitRequest, folder: Path, in_force: InForce, champion: MethodChoice | None
) -> Iterator[tuple[DiagnosisRequest, str]]:
    """Ask for each table of the candidate and for its rival; say whose each is."""
    for method, variant in MEASURED:
        path = folder / f"{method}.json"
        path.write_bytes(canonical_json(tables[method]))
        asked = _diagnosis_request(request, method, variant)
        yield asked.model_copy(update={"table": str(path)}), "candidate"
        yield (standing := in_force(asked)), standing.table or SHIPPED
    if champion is not None and not _is_measured(champion):
        asked = _diagnosis_request(request, champion.method, champion.variant)
        yield asked.model_copy(update=champion.model_dump()), champion.table or SHIPPED


def _is_measured(choice: MethodChoice) -> bool:
    """Tell whether a refit makes and measures tables for this method and variant."""
    return any(choice.method == method and variant in (None, choice.variant) for method, variant in MEASURED)


def _diagnosis_request(request: RefitRequest, method: str, variant: str | None) -> DiagnosisRequest:
    return DiagnosisRequest(
        pairs_folder=request.pairs_folder,
        method=method,
        variant=variant,
        table=None,
        interpolation=None,
        border=None,
        quality=_QUALITY,
        sample=request.sample,
        sample_per="bucket",
        seed=request.seed,
        metric_profile="portal",
    )


def _figures(found: Diagnosis, table: str) -> HeldOutFigures:
    overall = found.groups[0]
    return HeldOutFigures(
        method=found.request.method,
        variant=str(found.request.variant),
        table=table,
        pairs=overall.proxy_score.photos,
        proxy_mean=overall.proxy_score.mean,
        proxy_median=overall.proxy_score.median,
        zero_rate=overall.proxy_score.zero_rate,
        interval=overall.interval,
    )
