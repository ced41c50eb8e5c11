"""Runbook page: check everything a run needs, as a table with a remedy on every line."""

from prefect import flow
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.domain.schemas import Check
from tasks.preflight import Remote, preflight_checks


@flow(name="preflight", flow_run_name="preflight", persist_result=False)
def preflight(photos: str | None = None, needs: tuple[Remote, ...] = ()) -> State[None]:
    """Run every check and show the table; the run fails when a check does.

    Args:
        photos: Folder of originals; default: both folders of the data root.
        needs: What must be there besides this machine: kaggle, akash (credentials), portal (an answer).
    """
    checks = preflight_checks(photos, needs)
    create_table_artifact([_row(check) for check in checks], key="preflight", description="Preflight")
    failed = [check for check in checks if not check.passed]
    if failed:
        return Failed(message="; ".join(f"{check.name}: {check.found}; {check.remedy}" for check in failed))
    return Completed(message=f"all {len(checks)} checks passed")


def _row(check: Check) -> dict[str, str]:
    return {
        "check": check.name,
        "result": "pass" if check.passed else "FAIL",
        "found": check.found,
        "remedy": "" if check.passed else check.remedy,
    }
