"""When trying another pool is of no use."""

from datetime import UTC, datetime

import pytest

from tasks.batch_taking import BatchOutcome
from tasks.domain.batches import AgentManifest, Reason
from tasks.remote_rendering import BatchRun, ends_all


def outcome(reason: Reason | None) -> BatchOutcome:
    now, manifest = datetime.now(UTC), None
    if reason is not None:
        manifest = AgentManifest(
            format=1,
            digest="0" * 64,
            attempt=0,
            ok=reason == "done",
            reason=reason,
            sentence="because",
            device=None,
            compute_capability=None,
            python="3.11.7",
            versions={},
            code="0" * 64,
            shards=(),
            fetch_s=0,
            render_s=0,
            upload_s=0,
            started=now,
            finished=now,
        )
    return BatchOutcome(taken=(), refused=(), missing=(0,), manifest=manifest)


@pytest.mark.parametrize(
    ("reason", "is_cancelled", "ends"),
    [
        ("failed", False, True),
        ("inputs_damaged", False, True),
        ("cancelled", False, False),  # by its host, or called off by a worker that was told to stop
        ("cancelled", True, True),
        (None, True, True),
        (None, False, False),
        ("deadline", False, False),
        ("wrong_accelerator", False, False),
        ("store_refused", False, False),
    ],
)
def test_only_a_wish_or_a_defect_keeps_a_batch_from_other_pools(
    reason: Reason | None, *, is_cancelled: bool, ends: bool
) -> None:
    run = BatchRun(batch="0" * 64, attempt=0, told="as told", is_cancelled=is_cancelled)
    assert ends_all(run, outcome(reason)) == ends
