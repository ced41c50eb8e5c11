"""Let eight processes write the same keys at the same moment, and report who was told to have won.

Run as a script; reads ``{"url": ..., "s3": {...} or null, "rounds": n, "steps": n}`` from standard input and
prints JSON. ``steps`` is how often each process increments the counter that they share.
"""

import json
import multiprocessing
import sys
import uuid
from collections.abc import Callable
from functools import partial
from multiprocessing.synchronize import Barrier
from typing import Any

from pydantic import SecretStr

from infra.errors import ObjectExists, StoreError, VersionConflict
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3_connection import S3Credentials

PROCESSES = 8


def opened(order: dict[str, Any]) -> ObjectStore:
    keys = order["s3"]
    credentials = keys and S3Credentials(
        access_key_id=keys["access_key_id"],
        secret_access_key=SecretStr(keys["secret_access_key"]),
        endpoint_url=keys["endpoint_url"],
    )
    return open_store(order["url"], s3=credentials)


def won(write: Callable[[], object], *, loses: type[StoreError]) -> bool:
    try:
        write()
    except loses:
        return False
    return True


def race(racer: int, order: dict[str, Any], versions: list[str], start: Barrier, results: Any) -> None:
    """Write in every round; each racer writes something of its own."""
    store = opened(order)
    body = f"racer {racer}".encode()
    outcome: dict[str, list[bool]] = {"create": [], "swap": []}
    for number, version in enumerate(versions):
        create, swap = f"create/{number}", f"swap/{number}"
        start.wait()
        outcome["create"].append(won(partial(store.create, create, body), loses=ObjectExists))
        start.wait()
        outcome["swap"].append(won(partial(store.swap, swap, body, expected=version), loses=VersionConflict))
    start.wait()
    for _ in range(order["steps"]):
        while not won(lambda: increment(store), loses=VersionConflict):
            pass
    results.put((racer, outcome))


def increment(store: ObjectStore) -> None:
    """Add one to the counter by compare-and-swap; the nonce tells two writers of one number apart."""
    found = store.head("counter")
    assert found is not None
    before = json.loads(store.read("counter"))
    if store.head("counter") == found:
        body = json.dumps({"count": before["count"] + 1, "nonce": uuid.uuid4().hex})
        store.swap("counter", body.encode(), expected=found.version)
    else:
        raise VersionConflict("moved between two looks")


def run(order: dict[str, Any]) -> dict[str, Any]:
    store = opened(order)
    store.create("counter", b'{"count": 0}')
    versions = [store.create(f"swap/{number}", b"before").version for number in range(order["rounds"])]
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(PROCESSES), context.SimpleQueue()
    racers = [
        context.Process(target=race, args=(racer, order, versions, start, results))
        for racer in range(PROCESSES)
    ]
    for racer in racers:
        racer.start()
    outcomes = dict(results.get() for _ in racers)
    for racer in racers:
        racer.join()
    return {
        kind: [
            {
                "winners": [racer for racer in range(PROCESSES) if outcomes[racer][kind][number]],
                "stored": store.read(f"{kind}/{number}").decode(),
            }
            for number in range(order["rounds"])
        ]
        for kind in ("create", "swap")
    } | {"counter": json.loads(store.read("counter"))["count"], "increments": PROCESSES * order["steps"]}


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
