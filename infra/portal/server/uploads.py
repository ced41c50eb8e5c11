"""Take zips in: hand out signed upload URLs, and write what is sent there to the disk, whole or not at all.

A URL is a credential for one upload for a limited time; its signature survives a restart. What is in a zip is
looked at later, by ``submission_reader``.
"""

import asyncio
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from infra.store import durable

_NAME = re.compile(r"[0-9a-f]{32}")
_KEY = re.compile(r"uploads/([0-9a-f]{32})\.zip")
_BUFFER = 1 << 20


class UploadRefused(Exception):
    """An upload breaks a rule.

    Attributes:
        status: HTTP status that says so.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What one upload may take."""

    max_bytes: int = 2 << 30
    """1000 photos have about 570 MB."""
    max_waiting: int = 20
    """Zips that may lie on the disk at once."""
    url_lifetime_s: float = 3600.0
    total_s: float = 3600.0
    """Time that one upload may take."""


class Uploads:
    """The uploads of one portal, in one folder."""

    def __init__(self, folder: Path, *, limits: UploadLimits) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._limits = limits
        durable.make_folders(self._incoming)
        self._secret = _kept_secret(folder / "secret")
        durable.sweep(self._incoming, older_than_s=limits.total_s)
        durable.make_folders(folder / "zips")

    def grant(self) -> tuple[str, str]:
        """Return a new upload's key, and path and query of its URL.

        Raises:
            UploadRefused: Too many uploads wait.
        """
        if len(list((self._folder / "zips").iterdir())) >= self._limits.max_waiting:
            raise UploadRefused(429, f"{self._limits.max_waiting} uploads wait for their scores; try later")
        name = secrets.token_hex(16)
        expires = str(int(time.time() + self._limits.url_lifetime_s))
        query = urlencode({"expires": expires, "signature": self._signature(name, expires)})
        return f"uploads/{name}.zip", f"uploads/{name}?{query}"

    def require_granted(self, name: str, query: Mapping[str, str]) -> None:
        """Check a URL.

        Raises:
            UploadRefused: It is not one of ours, or its time is over.
        """
        expires = query.get("expires", "")
        signature = self._signature(name, expires).encode()
        if not _NAME.fullmatch(name) or not hmac.compare_digest(
            signature, query.get("signature", "").encode()
        ):
            raise UploadRefused(403, "the upload URL is not one that this portal signed")
        if int(expires) < time.time():
            raise UploadRefused(403, "the upload URL has expired; ask for another one")

    async def receive(self, name: str, body: AsyncIterator[bytes], *, announced: str | None) -> None:
        """Write an upload to the disk; a repeated one replaces the first.

        Args:
            name: Checked by ``require_granted``.
            body: The zip.
            announced: The Content-Length header.

        Raises:
            UploadRefused: It is too large, too slow, or not as long as announced.
        """
        size = self._announced_size(announced)
        temporary, descriptor = durable.open_temporary(self._incoming)
        try:
            try:
                async with asyncio.timeout(self._limits.total_s):
                    await _write(descriptor, body, size=size)
                await asyncio.to_thread(durable.seal, descriptor)
            finally:
                os.close(descriptor)
            await asyncio.to_thread(durable.replace, temporary, self._zip(name))
        except TimeoutError as error:
            raise UploadRefused(408, f"the upload took longer than {self._limits.total_s:g} s") from error
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()

    def path_of(self, s3_key: str) -> Path | None:
        """Return where an upload lies, None if it is not, or no longer, there."""
        found = _KEY.fullmatch(s3_key)
        path = self._zip(found[1]) if found else None
        return path if path and path.is_file() else None

    def old_keys(self) -> list[str]:
        """Return the keys of uploads that have lain here for longer than their URLs lived."""
        oldest = time.time() - self._limits.url_lifetime_s
        old = []
        for path in (self._folder / "zips").iterdir():
            with suppress(FileNotFoundError):  # its job ended this moment
                if path.stat().st_mtime < oldest:
                    old.append(key_of(path.stem))
        return old

    def discard(self, s3_key: str) -> None:
        """Remove an upload whose job has ended."""
        if (path := self.path_of(s3_key)) is not None:
            path.unlink(missing_ok=True)

    def _announced_size(self, announced: str | None) -> int:
        if announced is None or not announced.isdecimal():
            raise UploadRefused(411, "an upload needs a Content-Length")
        if not 0 < (size := int(announced)) <= self._limits.max_bytes:
            raise UploadRefused(413, f"an upload has 1 to {self._limits.max_bytes} bytes, got {size}")
        return size

    def _zip(self, name: str) -> Path:
        return self._folder / "zips" / f"{name}.zip"

    def _signature(self, name: str, expires: str) -> str:
        return hmac.new(self._secret, f"{name}\n{expires}".encode(), hashlib.sha256).hexdigest()


def key_of(name: str) -> str:
    """Return the key of the upload with this name in its URL."""
    return f"uploads/{name}.zip"


async def _write(descriptor: int, body: AsyncIterator[bytes], *, size: int) -> None:
    written, buffer = 0, bytearray()
    async for chunk in body:
        buffer += chunk
        written += len(chunk)
        if written > size:
            raise UploadRefused(400, f"the upload is longer than the {size} bytes announced")
        if len(buffer) >= _BUFFER:
            await asyncio.to_thread(durable.write_all, descriptor, bytes(buffer))
            buffer.clear()
    await asyncio.to_thread(durable.write_all, descriptor, bytes(buffer))
    if written < size:
        raise UploadRefused(400, f"the upload ended after {written} of {size} bytes")


def _kept_secret(path: Path) -> bytes:
    """Return the secret that the folder keeps, drawn when there is none yet; only its owner may read it."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            durable.write_all(descriptor, secrets.token_bytes(32))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return path.read_bytes()
