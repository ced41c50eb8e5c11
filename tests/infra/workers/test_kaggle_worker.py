import pytest
from prefect.client.orchestration import get_client
from prefect.states import Cancelling

from infra.remote.records import rentals
from tests.infra.workers.conftest import Bench

DONE = """
    beat(1)
    end(True, "done", "all 9 photos")
"""
LASTING = """
    beat(1)
    while goes_on():
        time.sleep(0.1)
    end(False, "cancelled", "told to")
"""


@pytest.mark.parametrize(
    ("script", "state", "words"),
    [
        (DONE, "Completed", "done: all 9 photos"),
        ("beat(1); end(False, 'failed', 'a defect')", "Failed", "failed: a defect"),
        ("end(False, 'wrong_accelerator', 'no GPU')", "Crashed", "no GPU"),
        ("beat(1); sys.exit(3)", "Crashed", "left no manifest"),
        ("end(True, 'invented', 'what')", "Failed", "contradicts itself"),
    ],
    ids=["done", "defect", "wrong machine", "dead agent", "forged word"],
)
def test_the_runs_end_is_what_the_agent_says(bench: Bench, script: str, state: str, words: str) -> None:
    run = bench.run(bench.batch(script))
    with bench.worker():
        found, message = bench.await_state(run, "Completed", "Failed", "Crashed", "Cancelled")
    assert (found, words in message) == (state, True), message
    assert bench.kaggle.kernels_alive() == []
    (rental,) = rentals(bench.store, "kaggle")
    assert rental.closed is not None


def test_a_cancelled_run_ends_its_kernel(bench: Bench) -> None:
    run = bench.run(bench.batch(LASTING))
    with bench.worker():
        bench.await_state(run, "Running")
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, Cancelling())
        state, message = bench.await_state(run, "Cancelled", "Crashed", "Failed", "Completed")
    assert state == "Cancelled", message
    assert bench.kaggle.kernels_alive() == []


def test_a_killed_workers_kernel_is_adopted_by_the_next(bench: Bench) -> None:
    digest = bench.batch(LASTING)
    run = bench.run(digest)
    with bench.worker() as worker:
        bench.await_state(run, "Running")
        worker.kill()
    with bench.worker():
        bench.store.delete(f"batches/{digest}/0/control")  # the agent ends; somebody must tell the run
        state, message = bench.await_state(run, "Cancelled", "Crashed", "Failed", "Completed", patience_s=240)
    assert (state, "told to" in message) == ("Cancelled", True), message
    assert bench.kaggle.kernels_alive() == []


def test_nothing_of_the_workers_environment_reaches_the_kernel(bench: Bench) -> None:
    run = bench.run(bench.batch(DONE))
    with bench.worker(PREFECT_API_KEY="canary-key", PREFECT_API_AUTH_STRING="canary:auth"):
        bench.await_state(run, "Completed", "Failed", "Crashed")
    assert "canary" not in str(bench.kaggle.journal)
