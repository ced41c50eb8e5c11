"""All that an end-to-end run rents from and stores in, on loopback: S3, both fakes, Prefect, workers."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolUpdate

from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3_connection import S3Credentials
from infra.store.seaweedfs import seaweedfs
from tests.fake_akash.faults import Fault as AkashFault
from tests.fake_akash.running import running_fake_akash
from tests.fake_akash.service import API_KEY, FakeAkash
from tests.fake_kaggle.faults import Fault as KaggleFault
from tests.fake_kaggle.running import running_fake_kaggle
from tests.fake_kaggle.service import TOKEN, FakeKaggle
from tests.faults.bench import Bench, bench
from tests.faults.stores import environment

_ROOT: Final = Path(__file__).parents[2]
_QUICK: Final = {
    "poll_seconds": 0.5,
    "last_word_seconds": 5,
    "stop_seconds": 5,
    "capacity_minutes": 1,
    "lease_seconds": 15,
}
"""In place of the pools' own time limits."""
_BUSY: Final = {"error": "Maximum batch GPU session count of 2 reached."}
_SPENT: Final = {"error": "Maximum weekly GPU quota of 30.00 hours reached."}
KAGGLE_FAULTS: Final = (
    KaggleFault("SaveKernel", "answer", answer=_BUSY),
    KaggleFault("SaveKernel", "reset_after"),
    KaggleFault("SaveKernel", "answer", answer=_SPENT),
    KaggleFault("GetKernelSessionStatus", "429_html"),
    KaggleFault("GetKernelSessionStatus", "500"),
)
AKASH_FAULTS: Final = (
    *(AkashFault("bids", "answer", answer={"data": []}) for _ in range(40)),
    AkashFault("create", "reset_after"),
    AkashFault("close", status=400, message="Deployment escrow cannot be settled yet"),
    AkashFault("deployment", "silent_provider"),
)
AGENT_ORDERS: Final = ("wrong_gpu", "crash", "forge", "hang", "truncate", "expire")


@dataclass(frozen=True)
class Site:
    """What an end-to-end run works with."""

    bench: Bench
    kaggle: FakeKaggle
    akash: FakeAkash
    store: ObjectStore
    store_url: str
    s3: S3Credentials

    @property
    def secrets(self) -> dict[str, str]:
        """What may be found nowhere."""
        return {
            "S3 secret key": self.s3.secret_access_key.get_secret_value(),
            "Kaggle token": TOKEN,
            "Akash key": API_KEY,
        }


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    """Run it all for the length of a block."""
    orders = folder / "orders"
    orders.mkdir(parents=True)
    for number, order in enumerate(AGENT_ORDERS):
        (orders / f"{number:02d}-{order}.order").touch()
    agent = {"calibguard-agent": [sys.executable, "-m", "tests.remote_e2e.faulty_agent", "--idle"]}
    of_agents = {
        "CALIBGUARD_STATUS_PORT": "{port}",
        "CALIBGUARD_TEST_ORDERS": str(orders),
        "PYTHONPATH": str(_ROOT),
    }
    with (
        seaweedfs(folder / "s3", bucket="e2e") as s3,
        running_fake_kaggle(folder / "kaggle", faults=KAGGLE_FAULTS, queue_s=0.5, stale_reads=2) as kaggle,
        running_fake_akash(
            folder / "akash", faults=AKASH_FAULTS, commands=agent, environment=of_agents
        ) as akash,
    ):
        url = "s3://e2e/store"
        told = {
            **environment(s3),
            "CALIBGUARD_STORE_URL": url,
            "CALIBGUARD_REMOTE_POOLS": "kaggle,akash",
            "CALIBGUARD_REMOTE_REAP_S": "5",
            "CALIBGUARD_KAGGLE_API_URL": kaggle.url,
            "KAGGLE_API_TOKEN": TOKEN,
            "CALIBGUARD_AKASH_URL": akash.url,
            "CALIBGUARD_AKASH_IMAGE": f"ghcr.io/example/calibguard-agent@sha256:{'0' * 64}",
            "AKASH_API_KEY": API_KEY,
        }
        with bench(folder / "stack", **told) as running:
            _hurry_pools()
            yield Site(running, kaggle, akash, open_store(url, s3=s3), url, s3)


def _hurry_pools() -> None:
    with get_client(sync_client=True) as client:
        for name in ("kaggle", "akash"):
            template = client.read_work_pool(name).base_job_template
            for variable, value in _QUICK.items():
                template["variables"]["properties"][variable]["default"] = value
            client.update_work_pool(name, WorkPoolUpdate(base_job_template=template))
