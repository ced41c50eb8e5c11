"""Remember jobs across restarts: what was accepted, and what came of it.

``jobs/<request id>/job.json`` is written before the client hears of the job, ``answer.json`` when it has
ended; both are created once. A job without an answer is still to be done.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from infra.errors import ObjectExists, ObjectMissing
from infra.store.interface import ObjectStore
from infra.strict_json import parse_object

_REQUESTS = uuid.UUID("6f1c5a86-0d6e-5c0c-9c1e-5b7c3c9d7f11")  # ours; drawn once


@dataclass(frozen=True, slots=True)
class ScoringJob:
    """One accepted score request."""

    request_id: str
    s3_key: str
    team_name: str
    kaggle_username: str
    email: str
    github_repo: str


@dataclass(frozen=True)
class JobRecords:
    """The jobs of one portal."""

    store: ObjectStore

    def accept(self, job: ScoringJob, *, accepted_at: float) -> bool:
        """Record a job for good; False where the same upload has a job of other words.

        The same request again is the same job: its id follows from the upload.
        """
        if (known := self.find(job.request_id)) is not None:
            return known == job
        members = {**asdict(job), "accepted_at": accepted_at}
        try:
            self.store.create(f"jobs/{job.request_id}/job.json", json.dumps(members, indent=1).encode())
        except ObjectExists:
            return self.find(job.request_id) == job
        return True

    def find(self, request_id: str) -> ScoringJob | None:
        """Return a job, None if there is none of that id."""
        try:
            members = parse_object(self.store.read(f"jobs/{request_id}/job.json"))
        except ObjectMissing:
            return None
        members.pop("accepted_at")
        return ScoringJob(**{name: str(word) for name, word in members.items()})

    def finish(self, request_id: str, answer: Mapping[str, object]) -> None:
        """Record what came of a job; it is what clients are told from now on."""
        self.store.create(f"jobs/{request_id}/answer.json", json.dumps(answer).encode())

    def answer(self, request_id: str) -> bytes | None:
        """Return what came of a job as JSON, None while it goes on."""
        try:
            return self.store.read(f"jobs/{request_id}/answer.json")
        except ObjectMissing:
            return None

    def unfinished(self) -> list[str]:
        """Return the ids of all jobs without an answer, in the order of their acceptance."""
        keys = {found.key for found in self.store.list("jobs/")}
        open_ids = {key.split("/")[1] for key in keys if key.endswith("/job.json")}
        open_ids -= {key.split("/")[1] for key in keys if key.endswith("/answer.json")}
        return sorted(open_ids, key=self._accepted_at)

    def _accepted_at(self, request_id: str) -> float:
        accepted_at = parse_object(self.store.read(f"jobs/{request_id}/job.json"))["accepted_at"]
        return accepted_at if isinstance(accepted_at, float) else 0.0


def request_id_of(s3_key: str) -> str:
    """Return the id of the one job that an upload can have."""
    return str(uuid.uuid5(_REQUESTS, s3_key))
