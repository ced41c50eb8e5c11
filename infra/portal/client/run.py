"""Bundle what every step of one run needs; it holds no behaviour."""

from dataclasses import dataclass

from infra.portal.client.connection import Patience, Portal
from infra.portal.client.step_record import Attempt
from infra.store.lease import Lease


@dataclass(frozen=True)
class SubmissionRun:
    """One run's work on an attempt, allowed as long as its lease is held."""

    attempt: Attempt
    portal: Portal
    patience: Patience
    lease: Lease
