"""Submits one finished run, as the flow does: ``python -m tests.faults.submitting STORE PORTAL RUN``."""

import sys
from pathlib import Path

from infra.portal.client.connection import Patience, Portal, TeamIdentity
from infra.store.interface import ObjectStore
from infra.store.local import LocalStore
from tasks.domain.score_schemas import ScoredSubmission
from tasks.evidence import read_run
from tasks.ledger import entries
from tasks.submission import judge_of, scored_run

_IDENTITY = TeamIdentity("team", "kaggler", "a@b.example", "https://github.com/team/repo")
_PATIENCE = Patience(request_s=20, upload_s=20, retry_s=20, scoring_s=60, poll_s=0.05, lease_s=2)


def submitted(
    name: str, store: ObjectStore, portal_url: str, *, resubmit: str | None = None
) -> ScoredSubmission:
    """Ask who judges, and have the run scored."""
    portal = Portal(portal_url, judge="portal")
    return scored_run(
        name,
        judge_of(portal, read_run(name, entries(store), store), patience=_PATIENCE),
        asked=portal,
        identity=_IDENTITY,
        store=store,
        resubmit=resubmit,
        patience=_PATIENCE,
    )


if __name__ == "__main__":
    folder, url, run = sys.argv[1:]
    submitted(run, LocalStore(Path(folder)), url)
