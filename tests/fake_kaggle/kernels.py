"""The rules of the fake Kaggle's kernels: what a push starts, what a read says, what a delete ends."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.fake_kaggle.session import Order, Session

CPU_SLOTS = 5
_LONGEST_SESSION_S = 12 * 3600
_SHAPES = {"NvidiaTeslaT4": "NvidiaTeslaT4", "NvidiaTeslaP100": "NvidiaTeslaT4"}  # P100 is retired
Members = dict[str, object]


class Denied(Exception):
    """403: an unknown kernel looks like a forbidden one."""


class BadRequest(Exception):
    """400."""


@dataclass
class Kernel:
    """Everything pushed under one slug."""

    id: int
    slug: str
    title: str
    private: bool
    sessions: dict[int, Session] = field(default_factory=dict)
    """By version number."""
    shape: str = ""
    last_run: datetime = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Kernels:
    """All kernels of one owner."""

    folder: Path
    owner: str = "owner"
    slots: int = 2
    quota_s: float = 30 * 3600
    used_s: float = 0.0
    queue_s: float = 0.0
    stale_reads: int = 0
    clock: Callable[[], float] = time.monotonic
    inputs: Mapping[str, Path] = field(default_factory=dict)
    """``owner/slug`` of a data set, or a competition's slug, and its folder."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """More variables of a script; ``{kaggle}`` becomes the session's root."""
    kernels: dict[str, Kernel] = field(default_factory=dict)
    past_s: float = 0.0
    """Of sessions whose kernel was deleted."""
    _ids: int = 1000
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def save(self, asked: Members) -> Members:
        """Push and run. Refusals come with status 200."""
        with self._lock:
            title = str(asked.get("newTitle") or str(asked.get("slug", "")).rpartition("/")[2])
            if not 5 <= len(title) <= 50:
                return _refused("Title must be between 5 and 50 characters.")
            gpu = bool(asked.get("enableGpu") or asked.get("machineShape"))
            if refusal := self._no_room(gpu=gpu):
                return _refused(refusal)
            mounts, invalid = self._mounts(asked)
            if any(invalid.values()):
                return {**_refused("The kernel has invalid sources."), **invalid}
            return self._push(slugified(title), title, gpu, mounts, asked)

    def _push(self, slug: str, title: str, gpu: bool, mounts: Mapping[str, Path], asked: Members) -> Members:
        kernel = self.kernels.get(slug)
        if kernel is None:
            kernel = Kernel(self._next_id(), slug, title, private=bool(asked.get("isPrivate")))
            self.kernels[slug] = kernel
        version = max(kernel.sessions, default=0) + 1
        wanted = str(asked.get("machineShape", ""))
        kernel.shape = _SHAPES.get(wanted, "Gpu") if gpu else "None"
        kernel.last_run = datetime.now(UTC)
        timeout = asked.get("sessionTimeoutSeconds")
        order = Order(
            slug=slug,
            version=version,
            source=_source(asked),
            gpu=gpu,
            machine_shape=kernel.shape,
            timeout_s=float(timeout) if isinstance(timeout, int) else _LONGEST_SESSION_S,
            mounts=mounts,
        )
        session = Session(
            id=self._next_id(),
            order=order,
            root=self.folder / f"{slug}-v{version}-{self._ids}",
            clock=self.clock,
            queue_s=self.queue_s,
            environment=self.environment,
            stale_reads=self.stale_reads,
        )
        kernel.sessions[version] = session
        session.start()
        ref = f"/code/{self.owner}/{slug}"
        return {
            "ref": ref,
            "url": f"https://www.kaggle.com{ref}",
            "versionNumber": version,
            "kernelId": kernel.id,
        }

    def status(self, asked: Members) -> Members:
        return self.session(asked).status()

    def get(self, asked: Members) -> Members:
        session, kernel = self.session(asked), self._kernel(asked)
        return {
            "metadata": self._metadata(kernel),
            "blob": {"source": session.order.source, "language": "python", "kernelType": "script"},
        }

    def listing(self, asked: Members) -> Members:
        with self._lock:
            found = sorted(self.kernels.values(), key=lambda kernel: kernel.last_run, reverse=True)
        wanted = str(asked.get("search", ""))
        found = [kernel for kernel in found if wanted in kernel.slug]
        page, following = paged(found, asked, longest=100)
        return {"kernels": [self._metadata(kernel) for kernel in page], "nextPageToken": following}

    def delete(self, asked: Members) -> Members:
        kernel = self._kernel(asked)
        for session in list(kernel.sessions.values()):
            session.cancel()
        with self._lock:
            if self.kernels.pop(kernel.slug, None):
                self.past_s += sum(session.ran_s for session in kernel.sessions.values())
        return {}

    def cancel(self, asked: Members) -> Members:
        with self._lock:
            found = [
                session
                for session in self.all_sessions()
                if session.id == asked.get("kernelSessionId") and session.alive
            ]
        if not found:
            return {"errorMessage": "The session could not be found."}
        found[0].cancel()
        return {}

    def quota(self, _asked: Members) -> Members:
        used = f"{int(self.used())}s"
        gpu = {"timeUsed": used, "timeReserved": "0s", "totalTimeAllowed": f"{int(self.quota_s)}s"}
        refresh = datetime.now(UTC) + timedelta(days=3)
        return {"quotaRefreshTime": refresh.strftime("%Y-%m-%dT%H:%M:%S.000Z"), "gpuQuota": gpu}

    def session(self, asked: Members) -> Session:
        kernel = self._kernel(asked)
        label = asked.get("versionLabel")
        with self._lock:
            if label is None:
                return kernel.sessions[max(kernel.sessions)]
            match = re.fullmatch(r"v([0-9]+)", str(label))
            if match is None or int(match[1]) not in kernel.sessions:
                raise FileNotFoundError(f"no version {label!r}")
            return kernel.sessions[int(match[1])]

    def used(self) -> float:
        """Seconds of GPU sessions."""
        with self._lock:
            return self.used_s + self.past_s + sum(s.ran_s for s in self.all_sessions() if s.order.gpu)

    def all_sessions(self) -> list[Session]:
        with self._lock:
            return [one for kernel in self.kernels.values() for one in kernel.sessions.values()]

    def stop(self) -> None:
        for session in self.all_sessions():
            session.cancel()

    def _no_room(self, *, gpu: bool) -> str:
        if gpu and self.used() >= self.quota_s:
            return f"Maximum weekly GPU quota of {self.quota_s / 3600:.2f} hours reached."
        alive = sum(one.alive and one.order.gpu == gpu for one in self.all_sessions())
        limit = self.slots if gpu else CPU_SLOTS
        word = "GPU" if gpu else "CPU"
        return f"Maximum batch {word} session count of {limit} reached." if alive >= limit else ""

    def _mounts(self, asked: Members) -> tuple[dict[str, Path], dict[str, list[str]]]:
        """Both places where a source can be found, and the sources that do not exist."""
        mounts: dict[str, Path] = {}
        invalid: dict[str, list[str]] = {"invalidDatasetSources": [], "invalidCompetitionSources": []}
        for member, group in (("dataset", "datasets"), ("competition", "competitions")):
            for source in _texts(asked.get(f"{member}DataSources")):
                if source not in self.inputs:
                    invalid[f"invalid{member.capitalize()}Sources"].append(source)
                    continue
                mounts[source.rpartition("/")[2]] = self.inputs[source]
                mounts[f"{group}/{source}"] = self.inputs[source]
        return mounts, invalid

    def _kernel(self, asked: Members) -> Kernel:
        with self._lock:
            kernel = self.kernels.get(str(asked.get("kernelSlug")))
        if kernel is None or asked.get("userName") != self.owner:
            raise Denied("Permission 'kernels.get' was denied")
        return kernel

    def _metadata(self, kernel: Kernel) -> Members:
        return {
            "id": kernel.id,
            "ref": f"{self.owner}/{kernel.slug}",
            "title": kernel.title,
            "author": self.owner,
            "slug": kernel.slug,
            "lastRunTime": kernel.last_run.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "isPrivate": kernel.private,
            "currentVersionNumber": max(kernel.sessions),
            "machineShape": kernel.shape,
        }

    def _next_id(self) -> int:
        self._ids += 1
        return self._ids


def slugified(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def paged(found: list[Kernel], asked: Members, *, longest: int) -> tuple[list[Kernel], str]:
    """The page that is asked for, by number or by token, and the next page's token."""
    size = asked.get("pageSize")
    size = min(size, longest) if isinstance(size, int) else 20
    number = asked.get("page")
    start = (number - 1) * size if isinstance(number, int) else int(str(asked.get("pageToken") or 0))
    following = str(start + size) if start + size < len(found) else ""
    return found[start : start + size], following


def _refused(message: str) -> Members:
    return {"error": message, "kernelId": 0, "ref": ""}


def _source(asked: Members) -> str:
    """The code to run: a notebook's code cells one after the other."""
    text = str(asked.get("text", ""))
    if asked.get("kernelType") != "notebook":
        return text
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError) as error:
        raise BadRequest("the notebook cannot be read") from error
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def _texts(found: object) -> list[str]:
    return [str(one) for one in found] if isinstance(found, list) else []
