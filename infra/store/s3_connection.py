"""Open the connection to an S3-compatible server and say how long to bear with it.

All that decides what goes over the wire is set here, from arguments only: signature version, addressing,
timeouts, retries. It sends nothing itself.
"""

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config
from pydantic import SecretStr

from infra.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")


@dataclass(frozen=True)
class S3Credentials:
    """Where an S3-compatible server is and who asks."""

    access_key_id: str
    secret_access_key: SecretStr
    endpoint_url: str | None = None
    """None means Amazon's own for the region."""
    region: str = "us-east-1"


@dataclass(frozen=True)
class RetryPolicy:
    """How long an operation is tried while the server is out of reach; see ``until_available``."""

    total_s: float = 90.0  # a SeaweedFS killed under load took 15 to 20 s to come back (2026-11)
    first_pause_s: float = 0.2
    longest_pause_s: float = 5.0


def connect(credentials: S3Credentials, *, connections: int = 32) -> "S3Client":
    """Return a client that may be shared by threads.

    Args:
        credentials: Server and keys.
        connections: Most requests at the same time; more wait.
    """
    session = boto3.session.Session(
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key.get_secret_value(),
        region_name=credentials.region,
    )
    config = Config(
        # Without this, boto3 presigns for us-east-1 with version 2, which signs no If-None-Match header.
        signature_version="s3v4",
        s3={"addressing_style": "path" if credentials.endpoint_url else "auto"},
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # boto3-stubs 1.43 lacks it
        connect_timeout=5,
        read_timeout=30,
        tcp_keepalive=True,
        max_pool_connections=connections,
        # For blips of a second; until_available bears with an outage.
        retries={"mode": "standard", "total_max_attempts": 3},
        # Every put states its SHA-256; old servers refuse the CRC that boto3 would add elsewhere.
        request_checksum_calculation="when_required",
    )
    return session.client("s3", endpoint_url=credentials.endpoint_url, config=config)


def until_available(attempt: Callable[[], T], *, policy: RetryPolicy) -> T:
    """Return what ``attempt`` does, once it no longer raises ``StoreUnavailable``.

    botocore counts tries, draws its pauses at random from zero up and stops early when many threads retry at
    once; here it is the time that counts, so an outage shorter than ``policy.total_s`` is always survived.

    Raises:
        StoreUnavailable: It still was when the time was up; the message tells tries and seconds.
    """
    began = time.monotonic()
    for tries in itertools.count(1):
        try:
            return attempt()
        except StoreUnavailable as error:
            waited = time.monotonic() - began
            if waited >= policy.total_s:
                raise StoreUnavailable(f"{error}; gave up after {tries} tries in {waited:.0f} s") from error
        pause = min(policy.first_pause_s * 2 ** min(tries - 1, 16), policy.longest_pause_s)
        # Half of the pause is drawn, so that many workers do not come back at the same moment.
        time.sleep(pause * (1 + secrets.SystemRandom().random()) / 2)
    raise AssertionError("unreachable: the loop has no end")
