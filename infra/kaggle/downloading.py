"""Fetch a file from a signed URL into a folder, whatever its name and its server try.

It goes on where an interrupted download ended, and a file appears under its own name only when it is whole. A
part is named for the version of the file that it begins (``ETag``), so no other is ever added to it. A signed
URL is asked without our credentials, at hosts of Kaggle's alone.
"""

import base64
import glob
import hashlib
import re
import time
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

import httpx

from infra.errors import RemoteAnswerInvalid, RemoteRefused
from infra.kaggle.refusals import KaggleBusy
from infra.web.address import WebAddress, web_address
from infra.web.remote_text import quoted

_HOSTS: Final = ("kaggle.com", "kaggleusercontent.com", "googleapis.com", "googleusercontent.com")
_DEEPEST: Final = 16
_LONGEST_NAME: Final = 200
_MD5: Final = re.compile(r"md5=([A-Za-z0-9+/]{22}==)")
_DIGITS: Final = 16
_VERSION: Final = _DIGITS * "[0-9a-f]"
_RANGE: Final = re.compile(r"bytes ([0-9]+)-[0-9]+/([0-9]+)")


class UrlExpired(KaggleBusy):
    """The signed URL is no longer good; asking for a new one helps."""


class FileDamaged(KaggleBusy):
    """What came is not the file, be it damaged or some gateway's page."""


@dataclass(frozen=True, slots=True)
class Download:
    """One file to fetch.

    Attributes:
        name: As Kaggle has it, with ``/`` between folders.
        size: Bytes it must have; None where Kaggle does not say.
        most_bytes: More are not written.
    """

    name: str
    url: str
    size: int | None
    most_bytes: int


def place_of(name: str, folder: Path) -> Path:
    """Give the place of a file in a folder.

    Raises:
        RemoteRefused: The name leads out of it, or no file system should be given it.
    """
    parts = name.split("/")
    odd = any(
        part in ("", ".", "..")
        or len(part.encode()) > _LONGEST_NAME
        or part != part.strip(" ")
        or any(sign in '\\:*?"<>|' or unicodedata.category(sign)[0] == "C" for sign in part)
        for part in parts
    )
    if odd or len(parts) > _DEEPEST:
        raise RemoteRefused(f"a file is called {quoted(name)} at Kaggle, which is not written here")
    place = folder.joinpath(*parts)
    if not place.parent.resolve().is_relative_to(folder.resolve()):
        raise RemoteRefused(f"{quoted(name)} would be written outside {str(folder)!r}")
    return place


def fetch(download: Download, folder: Path, *, api: WebAddress, within_s: float = 3600.0) -> Path:
    """Fetch a file, from where an earlier attempt ended; one that is there in its size is left alone.

    Raises:
        UrlExpired: The URL is no longer good.
        KaggleBusy: The download broke off; the next one goes on from there.
        RemoteRefused: Name, host or size are not allowed.
        FileDamaged: Size or digest are not the promised ones; the next one begins anew.
    """
    place = place_of(download.name, folder)
    if place.is_file() and download.size is not None and place.stat().st_size == download.size:
        return place
    address = _allowed(download.url, api=api)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part, md5 = _receive(download, place, address, within_s=within_s)
        if fault := _fault(part, size=download.size, md5=md5):
            part.unlink()
            raise FileDamaged(f"{quoted(download.name)} {fault}; it was removed")
        part.replace(place)
    except OSError as error:
        raise RemoteRefused(f"{str(place)!r} cannot be written: {error.strerror or error}") from error
    return place


def _receive(
    download: Download, place: Path, address: WebAddress, *, within_s: float
) -> tuple[Path, str | None]:
    """Write what is missing of a part file; return it and the file's MD5 in base64, where that is told."""
    begun = next(place.parent.glob(f"{glob.escape(place.name)}.{_VERSION}.part"), None)
    start = begun.stat().st_size if begun else 0
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    try:
        with (
            httpx.Client(trust_env=False, follow_redirects=False, timeout=30.0) as client,
            client.stream("GET", download.url, headers=headers) as response,
        ):
            part = _part(place, response)
            resumed = response.status_code == 206 and part == begun and _starts_at(response, start)
            if begun and not resumed and response.status_code in (200, 206, 416):
                begun.unlink()  # it is no beginning of this file
            _require_content(response, download, address, resumed=resumed)
            with part.open("ab" if resumed else "wb") as file:
                _copy(response, file, download, start if resumed else 0, within_s=within_s)
            match = _MD5.search(response.headers.get("x-goog-hash", ""))
            return part, match[1] if match else None
    except httpx.HTTPError as error:
        raise KaggleBusy(f"the download from {address.netloc} broke off: {type(error).__name__}") from error


def _copy(
    response: httpx.Response, file: BinaryIO, download: Download, written: int, *, within_s: float
) -> None:
    deadline = time.monotonic() + within_s
    for chunk in response.iter_raw():
        written += len(chunk)
        if written > download.most_bytes:
            raise RemoteRefused(f"{quoted(download.name)} is longer than {download.most_bytes} bytes")
        file.write(chunk)
        if time.monotonic() > deadline:
            raise KaggleBusy(f"the download of {quoted(download.name)} took longer than {within_s:g} s")


def _part(place: Path, response: httpx.Response) -> Path:
    """Give the part file of the version that is answered; one without a name always begins anew."""
    version = response.headers.get("etag")
    if version is None:
        return place.with_name(f"{place.name}.part")
    return place.with_name(f"{place.name}.{hashlib.sha256(version.encode()).hexdigest()[:_DIGITS]}.part")


def _require_content(
    response: httpx.Response, download: Download, address: WebAddress, *, resumed: bool
) -> None:
    status = response.status_code
    told = f"{address.netloc} answered {status} for {quoted(download.name)}"
    if status == 200 or (status == 206 and resumed):
        announced = "content-length" in response.headers or "transfer-encoding" in response.headers
        if not announced or response.headers.get("content-encoding", "identity") != "identity":
            raise RemoteAnswerInvalid(f"{told}, compressed or of no announced length, so it may be cut")
        return
    if status in (400, 401, 403, 410):
        raise UrlExpired(f"{told}; its URL has expired", refused=True)
    if status in (206, 416):
        raise KaggleBusy(f"{told}; what was there is fetched anew", refused=True)
    if status >= 500 or status in (408, 429):
        raise KaggleBusy(told, refused=True)
    raise RemoteRefused(told)


def _fault(part: Path, *, size: int | None, md5: str | None) -> str | None:
    """What is wrong with a file that has come; None where nothing is."""
    found = part.stat().st_size
    if size is not None and found != size:
        return f"must have {size} bytes, got {found}"
    if md5 is None:
        return None
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).digest()
    return None if base64.b64encode(digest).decode() == md5 else "has not the MD5 that its server tells"


def _starts_at(response: httpx.Response, start: int) -> bool:
    match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == start


def _allowed(url: str, *, api: WebAddress) -> WebAddress:
    """A signed URL's address, if it is one of Kaggle's."""
    try:
        address = web_address(url)
    except ValueError as error:
        raise RemoteRefused(f"Kaggle gives a file's URL that is refused: {error}") from error
    ours = address.netloc == api.netloc and address.scheme == api.scheme
    known = any(f".{address.host}".endswith(f".{host}") for host in _HOSTS)
    if ours or (known and address.scheme == "https"):
        return address
    raise RemoteRefused(f"Kaggle wants a file fetched from {address.netloc}, which is no host of Kaggle's")
