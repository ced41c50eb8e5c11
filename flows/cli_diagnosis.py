"""Commands of diagnosis: a method on training pairs before an upload, scored CSVs by fingerprint after it."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from flows.terminal import print_table
from tasks.adapters import pairs_folder, photo_workers, run_store
from tasks.diagnosis import diagnosis_of, kept_diagnosis, sample_of
from tasks.diagnosis_tables import PARTS, Row, group_rows, headline, outcome, worst_rows
from tasks.domain.diagnosis import DiagnosisRequest
from tasks.domain.pairs import PairGroup
from tasks.domain.schemas import Border, Interpolation
from tasks.forensics import Forensics, matched_csvs
from tasks.promoted_table import settled
from tasks.provenance import provenance_here

commands = typer.Typer()


@commands.command()
def diagnose(
    pairs: Annotated[
        str | None, typer.Option(help="Folder of training pairs; default: the data root.")
    ] = None,
    method: Annotated[str, typer.Option(help="Method that chooses each photo's warp.")] = "calibguard_dim",
    variant: Annotated[
        str | None, typer.Option(help="Its profile or policy; default: the first it has.")
    ] = None,
    table: Annotated[
        str | None, typer.Option(help="File, candidate, run or shipped; default: as a render takes.")
    ] = None,
    interpolation: Annotated[Interpolation | None, typer.Option(help="Default: what the table says.")] = None,
    border: Annotated[Border | None, typer.Option(help="Default: what the table says.")] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="JPEG quality to render with.")] = 95,
    sample: Annotated[int, typer.Option(min=0, help="Pairs drawn at most; 0 for all.")] = 40,
    sample_per: Annotated[
        PairGroup, typer.Option(help="Draw so many in all, or of each of these.")
    ] = "bucket",
    seed: Annotated[int, typer.Option(help="Another seed draws other pairs.")] = 42,
    metric_profile: Annotated[str, typer.Option(help="portal, portal_exact or portal_loose.")] = "portal",
    as_json: Annotated[bool, typer.Option("--json", help="Print the record instead of tables.")] = False,
) -> None:
    """Try a method on training pairs before any upload, by bucket, size and route.

    All figures are proxy: those of our own metric, never the judge's. Needs no Prefect server.
    """
    asked = DiagnosisRequest(
        pairs_folder=str(pairs_folder(pairs)),
        method=method,
        variant=variant,
        table=table,
        interpolation=interpolation,
        border=border,
        quality=quality,
        sample=sample or None,
        sample_per=sample_per,
        seed=seed,
        metric_profile=metric_profile,
    )
    request = settled(asked)
    drawn = sample_of(request)
    with photo_workers("opencv") as workers:
        diagnosis = diagnosis_of(
            drawn, request, workers, provenance=provenance_here(), created=datetime.now(UTC)
        )
    key = kept_diagnosis(diagnosis, run_store())
    if as_json:
        print(diagnosis.model_dump_json(indent=1))
        return
    title = headline(diagnosis)
    groups = group_rows(diagnosis)
    figures = [name for name in groups[0] if name not in PARTS]
    print_table(_table(f"{title}; in brackets: left alone", groups, figures))
    print_table(_table("proxy: parts of the similarity", groups, ("by", "group", *PARTS)))
    worst = worst_rows(diagnosis)
    print_table(_table("proxy: worst first", worst, list(worst[0])))
    for photo in diagnosis.quarantined:
        print(f"quarantined: {photo.file_name}: {photo.reason}")
    print(f"{outcome(diagnosis)}; {key}")


@commands.command()
def forensics(
    csvs: Annotated[list[str], typer.Argument(metavar="CSV", help="Scored CSV files of one judge.")],
    artifact: Annotated[
        list[str] | None,
        typer.Option(help="Run to compare with; default: all finished runs of the same photos."),
    ] = None,
    known: Annotated[
        list[str] | None, typer.Option(metavar="CSV=NAME", help="A CSV whose run is known already.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of sentences.")] = False,
) -> None:
    """Tell which scored CSV belongs to which artifact, by the rows that differ, or that nothing tells.

    Artifacts are finished runs of the store; where two CSVs differ in a row, their artifacts must differ in
    that photo.
    """
    found = matched_csvs(csvs, run_store(), artifacts=artifact or (), known=_pairs(known or ()))
    if as_json:
        print(json.dumps(_document(found), indent=1))
        return
    for sentence in found.matching.sentences():
        print(sentence)
    for sentence in found.left_out:
        print(f"left out: {sentence}")


def _pairs(known: Sequence[str]) -> dict[str, str]:
    """Split each ``CSV=NAME`` at its last equals sign: names hold none, paths may."""
    if wrong := [text for text in known if "=" not in text]:
        raise typer.BadParameter(f"CSV=NAME was expected, got {wrong[0]!r}", param_hint="--known")
    return {csv: name for csv, _, name in (text.rpartition("=") for text in known)}


def _document(found: Forensics) -> dict[str, object]:
    matching = found.matching
    return {
        "sentences": matching.sentences(),
        "possible": dict(matching.possible),
        "certain": dict(matching.certain),
        "indistinguishable": [
            {"csvs": csvs, "artifacts": artifacts} for csvs, artifacts in matching.indistinguishable
        ],
        "identical_csvs": matching.identical_csvs,
        "identical_artifacts": matching.identical_artifacts,
        "left_out": found.left_out,
    }


def _table(title: str, rows: Sequence[Row], columns: Sequence[str]) -> Table:
    table = Table(*(Column(name, overflow="fold") for name in columns), title=escape(title))
    for row in rows:
        table.add_row(*(escape(row[name]) for name in columns))
    return table
