"""Start a fake Kaggle for the length of a block; other processes reach it at its URL."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.fake_kaggle.faults import Fault
from tests.fake_kaggle.files import Competition, SignedUrls
from tests.fake_kaggle.kernels import Kernels
from tests.fake_kaggle.service import FakeKaggle
from tests.fake_kaggle.serving import handler_of
from tests.scripted import FaultScript


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def running_fake_kaggle(
    folder: Path,
    *,
    slots: int = 2,
    faults: Iterable[Fault] = (),
    inputs: Mapping[str, Path] | None = None,
    environment: Mapping[str, str] | None = None,
    competition: Path | None = None,
    clock: Callable[[], float] = time.monotonic,
    queue_s: float = 0.0,
    stale_reads: int = 0,
    quota_s: float = 30 * 3600,
) -> Iterator[FakeKaggle]:
    """Run a fake Kaggle; at the end every process that it started is killed.

    Args:
        folder: Takes the sessions' ``kaggle/working`` and ``kaggle/input``.
        slots: GPU sessions at a time.
        faults: Misbehaviour to come.
        inputs: ``owner/slug`` of a data set, or a competition's slug, and its folder.
        environment: More variables of each script; ``{kaggle}`` becomes its session's root, the folder
            that stands for ``/kaggle``.
        competition: Folder with the files of the one competition there is.
        clock: Seconds; queue, session timeouts and signed URLs go by it.
        queue_s: How long a session is queued.
        stale_reads: How many status reads of an ended session still say RUNNING.
        quota_s: GPU seconds a week.
    """
    kernels = Kernels(
        folder,
        slots=slots,
        quota_s=quota_s,
        queue_s=queue_s,
        stale_reads=stale_reads,
        clock=clock,
        inputs=inputs or {},
        environment=environment or {},
    )
    kaggle = FakeKaggle(
        kernels,
        FaultScript(faults, call_of=lambda fault: fault.method),
        competition=Competition(competition) if competition else None,
        urls=SignedUrls(clock=clock),
    )
    with _Server(("127.0.0.1", 0), handler_of(kaggle)) as server:
        kaggle.url = kaggle.urls.base = f"http://127.0.0.1:{server.server_address[1]}"
        serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield kaggle
        finally:
            kernels.stop()
            server.shutdown()
            serving.join()
