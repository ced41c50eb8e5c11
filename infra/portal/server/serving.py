"""Run a portal: open its folders, start its workers, listen until told to stop.

Authentication can be left out on loopback and nowhere else. TLS is not spoken here: a portal that others
reach stands behind a proxy that does, and ``public_url`` says how they reach it.
"""

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette

from infra.errors import PortalError
from infra.portal.judge import JudgeIdentity
from infra.portal.server.app import Desk, portal_app
from infra.portal.server.job_records import JobRecords
from infra.portal.server.photo_scoring import load_scorer
from infra.portal.server.scoring_queue import Scoring, ScoringQueue
from infra.portal.server.target_set import read_target_set
from infra.portal.server.uploads import UploadLimits, Uploads
from infra.store import durable
from infra.store.local import LocalStore

_SHUTDOWN_S = 5
_MOST_CONNECTIONS = 100


@dataclass(frozen=True)
class PortalOptions:
    """What a portal is told."""

    targets: Path
    """Folder of originals and targets, see ``target_set``."""
    state: Path
    """Folder of jobs, results and uploads; one portal at a time."""
    scorer: str
    """``module:function``, see ``photo_scoring``."""
    metric_profile: str
    """Names the scorer's parameters in results; scores of different profiles are not comparable."""
    judge_name: str = "calibguard-portal"
    judge_version: str = "1"
    host: str = "127.0.0.1"
    port: int = 8500
    """0 for any free port."""
    public_url: str | None = None
    """How clients reach the portal; by default ``http://HOST:PORT``."""
    token: SecretStr | None = field(default=None, repr=False)
    processes: int = 1
    photo_timeout_s: float = 60.0
    limits: UploadLimits = field(default_factory=UploadLimits)

    def __post_init__(self) -> None:
        if self.token is None and not _is_loopback(self.host):
            raise ValueError(
                f"the portal would listen on {self.host!r} without a token; set one, or listen on 127.0.0.1"
            )
        if self.token is not None and not self.token.get_secret_value().strip():
            raise ValueError("the portal's token is empty")
        if self.public_url is None and self.host in ("0.0.0.0", "::"):  # noqa: S104  (refused here)
            raise ValueError("a portal that listens everywhere needs public_url, for its upload URLs")


def serve(options: PortalOptions, *, announce: Callable[[str], None] = lambda url: None) -> None:  # noqa: ARG005
    """Serve until SIGINT or SIGTERM. Unfinished jobs are taken up at the next start.

    Args:
        options: What to serve.
        announce: Told the URL once the portal listens.

    Raises:
        TargetSetUnusable: The folder of targets cannot be scored against.
        PortalError: Another portal uses the state folder.
        ValueError: The scorer cannot be imported.
        OSError: The port is taken.
    """
    load_scorer(options.scorer)
    targets = read_target_set(options.targets)
    judge = JudgeIdentity(
        options.judge_name, options.judge_version, options.metric_profile, target_set_digest=targets.digest
    )
    scoring = Scoring(targets, judge, options.scorer, options.processes, options.photo_timeout_s)
    with ExitStack() as held:
        listener = held.enter_context(_listener(options.host, options.port))
        _hold_alone(held, options.state)
        url = options.public_url or _url(listener)
        app = _app(scoring, options, url=url, announce=lambda: announce(url))
        _run(app, listener)


def _app(scoring: Scoring, options: PortalOptions, *, url: str, announce: Callable[[], None]) -> Starlette:
    records = JobRecords(LocalStore(options.state / "records"))
    uploads = Uploads(options.state / "uploads", limits=options.limits)
    queue = ScoringQueue(scoring, records=records, uploads=uploads)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001  (Starlette's signature)
        queue.start()
        announce()
        yield
        # Here and not after ``run``: uvicorn raises the signal that ended it again.
        queue.stop()

    desk = Desk(scoring.judge, records, uploads, queue, url, options.token)
    return portal_app(desk, lifespan=lifespan)


def _run(app: Starlette, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        proxy_headers=False,
        server_header=False,
        access_log=False,  # it would log the signed URLs
        log_level="warning",
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_MOST_CONNECTIONS)
    except OSError:
        listener.close()
        raise
    return listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _hold_alone(held: ExitStack, state: Path) -> None:
    try:
        held.enter_context(durable.locked(state / "lock", patience_s=2.0))
    except TimeoutError as error:
        raise PortalError(f"another portal uses the state folder {str(state)!r}; name another one") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
