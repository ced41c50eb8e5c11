"""Files of the fake Kaggle: output of sessions, files of a competition, and signed URLs that expire."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tests.fake_kaggle.kernels import BadRequest, Denied, Members
from tests.fake_kaggle.session import Session

_LONGEST_PAGE = 200


@dataclass
class SignedUrls:
    """Files that whoever knows the URL may read for a while."""

    base: str = ""
    lifetime_s: float = 900.0
    clock: Callable[[], float] = time.monotonic
    _known: dict[str, tuple[Path, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sign(self, path: Path) -> str:
        signature = secrets.token_hex(16)
        with self._lock:
            self._known[signature] = (path, self.clock() + self.lifetime_s)
        return f"{self.base}/file/{path.name}?X-Signature={signature}"

    def find(self, signature: str) -> Path | None:
        """The file; None where the URL has expired or was never signed."""
        with self._lock:
            path, expires = self._known.get(signature, (None, 0.0))
        return path if self.clock() < expires else None


@dataclass
class Competition:
    """Files that are downloaded one by one."""

    folder: Path
    shape: Literal["object", "array", "snake"] = "object"
    """How the listing answers: an object of files and the next page's token, the bare list of all files,
    or the object with the names that the MCP endpoint has."""
    longest_page: int = _LONGEST_PAGE
    wrapped: dict[str, Path] = field(default_factory=dict)
    """Names of files that are served inside a zip, and that zip."""

    def listing(self, asked: Members) -> Members | list[Members]:
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        if self.shape == "array":
            return [self._entry(path) for path in files]
        start, size = int(str(asked.get("pageToken") or 0)), min(_page_size(asked), self.longest_page)
        following = str(start + size) if start + size < len(files) else ""
        token = "next_page_token" if self.shape == "snake" else "nextPageToken"
        return {"files": [self._entry(path) for path in files[start : start + size]], token: following}

    def find(self, asked: Members) -> Path:
        path = self.wrapped.get(name := str(asked.get("fileName")), self.folder / name)
        if not path.is_file():
            raise FileNotFoundError(str(path))
        return path

    def _entry(self, path: Path) -> Members:
        size = "total_bytes" if self.shape == "snake" else "totalBytes"
        return {"name": path.relative_to(self.folder).as_posix(), size: path.stat().st_size}


def session_output(session: Session, asked: Members, urls: SignedUrls) -> Members:
    """A page of files and, on each page, the log; nothing of either until the session has ended."""
    if session.alive:
        return {}
    working = session.working
    files = sorted(path for path in working.rglob("*") if path.is_file()) if working.is_dir() else []
    start, size = int(str(asked.get("pageToken") or 0)), _page_size(asked)
    page = files[start : start + size]
    return {
        "files": [
            {"url": urls.sign(path), "fileName": path.relative_to(working).as_posix()} for path in page
        ],
        "log": session.log_text(),
        "nextPageToken": str(start + size) if start + size < len(files) else "",
    }


def _page_size(asked: Members) -> int:
    size = asked.get("pageSize") or 20
    if not isinstance(size, int) or not 0 < size <= _LONGEST_PAGE:
        raise BadRequest(f"page size must be 1 to {_LONGEST_PAGE}")
    return size


def require_folder(competition: Competition | None) -> Competition:
    if competition is None:
        raise Denied("Permission 'competitions.get' was denied")
    return competition
