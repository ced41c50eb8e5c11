"""Runs that are really rendered, with scores of a judge that a test makes up; no portal, no Prefect."""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from infra.portal.client.step_record import flight_key
from infra.portal.client.submission import ScoredAnswer
from infra.portal.judge import JudgeIdentity
from infra.store.interface import ObjectStore
from tasks.domain.gates.records import GatePolicy
from tasks.domain.schemas import Provenance
from tasks.domain.score_schemas import Judge
from tasks.evidence import read_run
from tasks.gate_evidence import Deadline
from tasks.inventory import inventory_of
from tasks.ledger import entries
from tasks.packing import assembled_zip, kept_manifest, manifest_of
from tasks.photo_workers import PhotoWorkers
from tasks.planning import engine_here, planned_run
from tasks.promotion import Verdict, decided
from tasks.rendering import rendered_shard
from tasks.score_keeping import keep_scores
from tasks.submission import checked_upload
from tests.judged import bucket_table, pair_table
from tests.photos import fill_folder, listing_ids
from tests.render_requests import request_for

JUDGE: Final = Judge(name="portal", version="1", metric_profile="portal", target_set_digest="a" * 64)
NOON: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class JudgedStore:
    """A store that fills up; its clock moves on by a minute with each thing that happens."""

    store: ObjectStore
    folder: Path
    workers: PhotoWorkers
    photos: int = 6
    now: datetime = field(default=NOON)

    def tick(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now

    def render(self, tag: str, pair: tuple[float, float], *, method: str = "dim_bucket_microgrid") -> str:
        """Render a run that leaves its manifest; its name."""
        originals = fill_folder(self.folder / "originals", listing_ids(self.photos))
        request = request_for(
            originals, method, None, table=_table(self.folder, pair, method), artifact_tag=tag
        )
        engine = engine_here("opencv", quality=95)
        inventory = inventory_of(originals)
        created = self.tick()
        plan = planned_run(inventory, request, engine, run_id=tag, created=created, store=self.store)
        shards = [rendered_shard(shard, engine, originals, self.workers, self.store) for shard in plan.shards]
        self.store.create(f"runs/{plan.name}/contact_sheet.jpg", b"sheet")
        zipped = assembled_zip(plan, shards, self.store)
        kept_manifest(manifest_of(plan, shards, zipped, b"sheet", _provenance(tag), created), self.store)
        return plan.name

    def submit(self, name: str) -> bool:
        """Check a run before its upload; whether it may be uploaded."""
        return checked_upload(name, JUDGE, GatePolicy(), self.store, now=self.tick()).upload

    def score(
        self,
        name: str,
        scores: Sequence[float],
        *,
        again_for: str | None = None,
        judge: Judge | None = JUDGE,
    ) -> None:
        """Keep made-up scores of a run, one for each photo in the order of ids."""
        run = read_run(name, entries(self.store), self.store)
        rows = [f"{photo.id},{score:.2f}\n" for photo, score in zip(run.photos, scores, strict=True)]
        csv = "".join(["image_id,score\n", *rows]).encode()
        request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{name} {again_for}"))
        flight = flight_key(JUDGE.key, run.manifest.submission.behaviour_digest)
        self.store.create(f"{flight}/attempts/001/intent.json", b"{}")
        answer = replace(
            _answer(request_id, csv, scores), judge=JudgeIdentity(**judge.model_dump()) if judge else None
        )
        keep_scores(run, JUDGE, answer, self.store, again_for=again_for, now=self.tick())

    def judged(
        self, tag: str, pair: tuple[float, float], scores: Sequence[float], *, method: str | None = None
    ) -> str:
        """Render, submit and score a run."""
        name = self.render(tag, pair, method=method or "dim_bucket_microgrid")
        assert self.submit(name)
        self.score(name, scores)
        return name

    def decide(self, name: str, *, nonce: str = "nonce", deadline: Deadline | None = None) -> Verdict:
        """Decide with a judge that scores nothing twice."""
        return decided(
            name,
            JUDGE,
            policy=GatePolicy(),
            store=self.store,
            now=self.tick(),
            nonce=nonce,
            judge_rescores=False,
            deadline=deadline,
        )


def _table(folder: Path, pair: tuple[float, float], method: str) -> str | None:
    """Write a table of one pair; methods that know no pairs take the shipped one."""
    tables = {"global_grid": pair_table, "dim_bucket_microgrid": bucket_table}
    return str(tables[method](folder, pair)) if method in tables else None


def _answer(request_id: str, csv: bytes, scores: Sequence[float]) -> ScoredAnswer:
    summary: dict[str, object] = {
        "total_images": len(scores),
        "scored": len(scores),
        "missing": 0,
        "hard_fails": 0,
        "avg_score": round(sum(scores) / len(scores) / 100, 6),
    }
    document = json.dumps(summary, indent=1, sort_keys=True).encode()
    return ScoredAnswer(
        request_id=request_id,
        attempt="flights",
        csv=csv,
        csv_sha256=hashlib.sha256(csv).hexdigest(),
        summary=summary,
        summary_json=document,
        summary_sha256=hashlib.sha256(document).hexdigest(),
        judge=None,
    )


def _provenance(tag: str) -> Provenance:
    return Provenance(
        git_commit=None,
        git_dirty=None,
        command="a test",
        flow_run_id=tag,
        parameters={},
        python="3",
        platform="any",
    )
