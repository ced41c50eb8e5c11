"""Eight processes at one store."""

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.store.s3_connection import S3Credentials

# SeaweedFS lets each loser of a race wait for a second.
ROUNDS = {"local": 25, "s3": 4}
STEPS = {"local": 4, "s3": 1}


@pytest.fixture(scope="module", params=["local", "s3"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    order: dict[str, Any] = {
        "rounds": ROUNDS[request.param],
        "steps": STEPS[request.param],
        "s3": None,
    }
    if request.param == "local":
        order["url"] = str(tmp_path_factory.mktemp("race"))
    else:
        server: S3Credentials = request.getfixturevalue("s3_server")
        order["url"] = f"s3://tests/{uuid.uuid4().hex}"
        order["s3"] = {
            "access_key_id": server.access_key_id,
            "secret_access_key": server.secret_access_key.get_secret_value(),
            "endpoint_url": server.endpoint_url,
        }
    driver = Path(__file__).with_name("race_driver.py")
    done = subprocess.run(
        [sys.executable, str(driver)], input=json.dumps(order).encode(), stdout=-1, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("kind", ["create", "swap"])
def test_exactly_one_process_of_eight_wins_and_its_content_is_stored(
    report: dict[str, Any], kind: str
) -> None:
    assert [len(found["winners"]) for found in report[kind]] == [1] * len(report[kind])
    assert [found["stored"] for found in report[kind]] == [
        f"racer {found['winners'][0]}" for found in report[kind]
    ]


def test_no_increment_of_a_swapped_counter_is_lost(report: dict[str, Any]) -> None:
    assert report["counter"] == report["increments"]
