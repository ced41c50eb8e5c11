import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

from deployments.stack import Stack, running_stack
from infra.store.s3_connection import S3Credentials
from infra.store.seaweedfs import seaweedfs

# No test is timed: a busy machine must not fail one.
settings.register_profile("calibguard", deadline=None)
settings.load_profile("calibguard")

# What a shell starts in the background, or nohup, is deaf to a signal, and so are its children; ours hear it.
# With a handler that does nothing pytest stays deaf, and its children are not.
for sign in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(sign) == signal.SIG_IGN:
        signal.signal(sign, lambda *_: None)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A real Prefect server and worker with the deployments registered."""
    state = tmp_path_factory.mktemp("stack")
    with running_stack(state, CALIBGUARD_STORE_URL=str(state / "store")) as running:
        yield running
        APILogWorker.drain_all(
            timeout=10
        )  # both would go on trying to reach the server for a minute after it is gone
        EventsWorker.drain_all(timeout=10)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Credentials]:
    """A real SeaweedFS with the bucket ``tests``, for the whole session."""
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs"), bucket="tests") as credentials:
        yield credentials


@pytest.fixture
def prefect_api(stack: Stack) -> Iterator[str]:
    """Prefect in this process talks to the stack's server."""
    # The heartbeat's thread delays the end of every run by a second; nothing here waits for it.
    with temporary_settings({PREFECT_API_URL: stack.api_url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        yield stack.api_url
