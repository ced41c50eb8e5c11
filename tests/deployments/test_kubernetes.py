"""The base job template for a cluster of one's own: complete, and without a secret in it."""

import json
import re
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

TEMPLATE = Path(__file__).parent.parent.parent / "deployments" / "kubernetes" / "base-job-template.json"


def test_every_variable_of_the_template_is_declared_and_used() -> None:
    template = json.loads(TEMPLATE.read_text())
    used = set(re.findall(r"{{ (\w+) }}", json.dumps(template["job_configuration"])))
    assert used == set(template["variables"]["properties"])


def test_a_pod_is_tried_once_and_ends_by_itself() -> None:
    # the parent starts a batch again, elsewhere if need be; Kubernetes must not do it behind its back
    job = json.loads(TEMPLATE.read_text())["job_configuration"]["job_manifest"]["spec"]
    assert (job["backoffLimit"], job["template"]["spec"]["restartPolicy"]) == (0, "Never")
    assert job["activeDeadlineSeconds"] == "{{ max_seconds }}"


@pytest.mark.usefixtures("prefect_api")
def test_a_prefect_server_takes_the_template() -> None:
    pool = WorkPoolCreate(
        name="kubernetes-test", type="kubernetes", base_job_template=json.loads(TEMPLATE.read_text())
    )
    with get_client(sync_client=True) as client:
        client.create_work_pool(pool)
        assert client.read_work_pool("kubernetes-test").base_job_template == pool.base_job_template
        client.delete_work_pool("kubernetes-test")
