import pytest
from prefect.client.orchestration import get_client
from prefect.states import Cancelling

from infra.remote.records import RemoteRecords
from tests.infra.workers.conftest import Bench

ENDED = ("Completed", "Failed", "Cancelled", "Crashed", "Lost", "WrongAccelerator")
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
        (DONE, "Completed", "all 9 photos"),
        ("beat(1); end(False, 'failed', 'a defect')", "Failed", "a defect"),
        ("end(False, 'wrong_accelerator', 'no GPU')", "WrongAccelerator", "no GPU"),
        ("beat(1); sys.exit(3)", "Lost", "left no manifest"),
        ("end(True, 'invented', 'what')", "Lost", "do not agree"),
    ],
    ids=["done", "defect", "wrong machine", "dead agent", "forged word"],
)
def test_the_runs_end_is_what_the_agent_says(bench: Bench, script: str, state: str, words: str) -> None:
    run = bench.run(bench.batch(script))
    with bench.worker():
        found, message = bench.await_state(run, *ENDED)
    assert (found, words in message) == (state, True), message
    assert bench.kaggle.kernels_alive() == []
    (record,) = RemoteRecords(bench.store).all_jobs()
    assert record.closed is not None


def test_a_cancelled_run_ends_its_kernel(bench: Bench) -> None:
    run = bench.run(bench.batch(LASTING))
    with bench.worker():
        bench.await_state(run, "Running")
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run, Cancelling())
        state, message = bench.await_state(run, *ENDED)
    assert state == "Cancelled", message
    assert bench.kaggle.kernels_alive() == []


def test_a_worker_that_is_terminated_ends_its_kernel(bench: Bench) -> None:
    run = bench.run(bench.batch(LASTING))
    with bench.worker():
        bench.await_state(run, "Running")  # the block's end sends SIGTERM
    state, message = bench.await_state(run, *ENDED, "WorkerStopped", patience_s=5)
    assert (state, bench.kaggle.kernels_alive()) == ("WorkerStopped", []), message


def test_a_killed_workers_kernel_is_adopted_by_the_next(bench: Bench) -> None:
    digest = bench.batch(LASTING)
    run = bench.run(digest)
    with bench.worker() as worker:
        bench.await_state(run, "Running")
        worker.kill()
    with bench.worker():
        bench.store.delete(f"batches/{digest}/0/control")  # the agent ends; somebody must tell the run
        state, message = bench.await_state(run, *ENDED, patience_s=240)
    assert (state, "told to" in message) == ("Lost", True), message  # nobody had cancelled the run
    assert bench.kaggle.kernels_alive() == []


def test_nothing_of_the_workers_environment_reaches_the_kernel(bench: Bench) -> None:
    run = bench.run(bench.batch(DONE))
    with bench.worker(PREFECT_API_KEY="canary-key", PREFECT_API_AUTH_STRING="canary:auth"):
        bench.await_state(run, *ENDED)
    assert "canary" not in str(bench.kaggle.journal)
