"""Start a fake Akash for the length of a block; other processes reach it at its URL."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from http.server import ThreadingHTTPServer
from pathlib import Path

from tests.fake_akash.container import Host
from tests.fake_akash.faults import Fault
from tests.fake_akash.market import OFFERS, Market, Offer
from tests.fake_akash.service import FakeAkash
from tests.fake_akash.serving import handler_of
from tests.scripted import FaultScript

_TICK_S = 0.02


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextmanager
def running_fake_akash(
    folder: Path,
    *,
    faults: Iterable[Fault] = (),
    commands: Mapping[str, Sequence[str]] | None = None,
    environment: Mapping[str, str] | None = None,
    offers: Iterable[Offer] = OFFERS,
    clock: Callable[[], float] = time.time,
    balance_usd: str = "20",
    pull_s: float = 0.0,
    check_s: float = 12.0,
    unstable_after: int = 40,
    not_activated: int = 0,
) -> Iterator[FakeAkash]:
    """Run a fake Akash; at the end every process that it started is killed.

    Args:
        folder: Takes a folder with a log for each container.
        faults: Misbehaviour to come.
        commands: First word of an SDL's command, and what this machine runs for it, in front of the other
            words; any other word ends at once, with status 1. ``{port}`` becomes the container's port.
        environment: More variables of each container, ``{port}`` likewise.
        offers: Which providers bid, at what price, and when.
        clock: Seconds since the epoch; a ``SteppingClock`` lets hours pass.
        balance_usd: Money of the account.
        pull_s: Seconds from lease to the first start of the container.
        check_s: Pause between a provider's looks at a service.
        unstable_after: Failed looks in a row after which it closes the lease.
        not_activated: How many creates are answered 409 at first.
    """
    host = Host(folder, commands or {}, environment or {}, pull_s, clock)
    standing = tuple(offers)
    market = Market(
        host, standing, balance=Decimal(balance_usd), check_s=check_s, unstable_after=unstable_after
    )
    akash = FakeAkash(
        market, FaultScript(faults, call_of=lambda fault: fault.call), standing, not_activated=not_activated
    )
    with _Server(("127.0.0.1", 0), handler_of(akash)) as server:
        akash.url = f"http://127.0.0.1:{server.server_address[1]}"
        ended = threading.Event()
        serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        ticking = threading.Thread(target=_tick, args=(market, ended), daemon=True)
        serving.start()
        ticking.start()
        try:
            yield akash
        finally:
            ended.set()
            ticking.join()
            server.shutdown()
            serving.join()
            akash.stop()


def _tick(market: Market, ended: threading.Event) -> None:
    while not ended.wait(_TICK_S):
        with market.lock:
            market.advance()
