"""Run a training script: ``python -m tasks.agent.training [--idle]``; exit status 0 means that it succeeded.

    spec ──> earlier manifest? ──> script, digest right? ──> run ──> output ──> log ──> manifest

The script runs in an empty folder, without the variables that hold leave to write into the store, and finds
in ``CALIBGUARD_OUTPUT`` the folder whose files come back. It is stopped when the time is up or nobody wants
it any more; what it has left by then comes back all the same.
"""

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import IO, Final

from tasks.agent import store
from tasks.agent.command import run
from tasks.agent.environment import Surroundings
from tasks.agent.errors import AgentError
from tasks.agent.journal import Journal, redacted
from tasks.domain.batches import Reason
from tasks.domain.errors import DocumentError
from tasks.domain.training import (
    FORMAT,
    TrainingManifest,
    TrainingSpec,
    read_training_manifest,
    read_training_spec,
)

_LONGEST_SPEC: Final = 1 << 20  # bytes, as ``tasks.domain.training`` takes them
_LONGEST_SCRIPT: Final = 4 << 20
_MOST_OUTPUT: Final = 256 << 20  # is sent in one request and held in memory
_LOOK_S: Final = 0.2
_STOP_S: Final = 10.0  # from asking the script to end until it is ended
_HIDDEN: Final = ("CALIBGUARD_SPEC_URL", "CALIBGUARD_AGENT_TOKEN", "CALIBGUARD_MAX_LIFETIME_S")


class _Over(Exception):
    """The training ends otherwise than by its script."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        self.reason: Reason = reason
        super().__init__(sentence)


def train(around: Surroundings, journal: Journal) -> Reason:
    """Do the training, and say how it ended."""
    try:
        text = store.read(around.spec_url, what="the specification", max_bytes=_LONGEST_SPEC)
        spec = read_training_spec(text)
    except (AgentError, DocumentError) as error:
        journal.say(str(error))
        return "store_refused" if isinstance(error, AgentError) else "failed"
    if (earlier := _earlier_reason(spec)) is not None:
        journal.say(f"the training was finished before this start: {earlier}")
        return earlier
    with tempfile.TemporaryDirectory(prefix="calibguard-training-") as folder:
        return _Training(spec, around, journal, Path(folder)).run()


def _earlier_reason(spec: TrainingSpec) -> Reason | None:
    text = store.read_if_there(spec.manifest.get, what="the manifest", max_bytes=_LONGEST_SPEC)
    try:
        return read_training_manifest(text).reason if text is not None else None
    except DocumentError:
        return None


class _Training:
    def __init__(self, spec: TrainingSpec, around: Surroundings, journal: Journal, folder: Path) -> None:
        self._spec = spec
        self._journal = journal
        self._folder = folder
        self._output = folder / "output"
        self._started = datetime.now(UTC)
        left_s = (spec.deadline - self._started).total_seconds()
        self._until = time.monotonic() + min(left_s, around.max_lifetime_s or left_s)
        self._beat_at = 0.0
        self._cancelled = False
        self._exit_status: int | None = None

    def run(self) -> Reason:
        reason, sentence = self._outcome()
        output = None
        try:
            if (output := self._packed()) is not None:
                store.create(self._spec.output, output, what="the output")
        except AgentError as error:
            reason, sentence, output = "store_refused", str(error), None
        except OSError as error:
            reason, sentence = "failed", f"the output cannot be packed: {error.strerror or error}"
        self._journal.say(f"{reason}: {sentence}")
        self._send_signs()
        return self._leave_manifest(reason, sentence, output)

    def _outcome(self) -> tuple[Reason, str]:
        try:
            self._send_signs()
            self._exit_status = self._script_status(self._fetched())
        except _Over as over:
            return over.reason, str(over)
        except AgentError as error:
            return "store_refused", str(error)
        except OSError as error:  # a full disk, say: without a manifest the host would begin again
            return "failed", f"the script cannot be run: {error.strerror or error}"
        if self._exit_status != 0:
            return "failed", f"the script ended with status {self._exit_status}"
        return "done", "the script ended with status 0"

    def _fetched(self) -> Path:
        """Fetch the script; one of another digest is not even written to the disk."""
        script = store.read(self._spec.script_url, what="the training script", max_bytes=_LONGEST_SCRIPT)
        if (found := hashlib.sha256(script).hexdigest()) != self._spec.script_sha256:
            raise _Over(
                "inputs_damaged",
                f"the training script should have SHA-256 {self._spec.script_sha256} and has {found}; it was"
                " not run",
            )
        path = self._folder / "train.py"
        path.write_bytes(script)
        return path

    def _script_status(self, script: Path) -> int:
        self._output.mkdir()
        hidden = [word for name in _HIDDEN for word in ("-u", name)]
        own = f"CALIBGUARD_OUTPUT={self._output}"
        child = subprocess.Popen(
            ["env", *hidden, own, sys.executable, "-u", str(script)],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert child.stdout is not None  # noqa: S101  it is a pipe
        reader = Thread(target=self._tell, args=(child.stdout,), daemon=True)
        reader.start()
        try:
            self._watch(child)
        finally:
            _end(child)
            reader.join(_STOP_S)
        return child.returncode

    def _tell(self, output: IO[bytes]) -> None:
        with output:
            for line in iter(lambda: output.readline(4096), b""):
                self._journal.say(line.decode("utf-8", "replace"))

    def _watch(self, child: "subprocess.Popen[bytes]") -> None:
        while child.poll() is None:
            if time.monotonic() >= self._until:
                raise _Over("deadline", "the time was up before the script had ended")
            if time.monotonic() >= self._beat_at + self._spec.heartbeat_s:
                self._send_signs()
                self._require_wanted()
            time.sleep(_LOOK_S)

    def _require_wanted(self) -> None:
        try:
            if store.is_there(self._spec.control, what="the control object"):
                return
        except AgentError as error:
            self._journal.say(str(error))
            return
        raise _Over("cancelled", "the control object is gone")

    def _send_signs(self) -> None:
        self._beat_at = time.monotonic()
        beat = f'{{"at": "{datetime.now(UTC).isoformat()}"}}'
        try:
            store.replace(self._spec.heartbeat, beat.encode(), what="the heartbeat")
            store.replace(self._spec.log, self._journal.document(), what="the log")
        except AgentError as error:
            self._journal.say(str(error))

    def _packed(self) -> bytes | None:
        """The files of the output folder as a tar file; None where there are none, or too much of them."""
        files = sorted(path for path in self._output.rglob("*") if path.is_file() and not path.is_symlink())
        if (size := sum(path.stat().st_size for path in files)) > _MOST_OUTPUT:
            self._journal.say(f"the output has {size} bytes, more than {_MOST_OUTPUT}, and is not sent")
            return None
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in files:
                tar.add(path, os.path.relpath(path, self._output), recursive=False, filter=_anonymous)
        return packed.getvalue() if files else None

    def _leave_manifest(self, reason: Reason, sentence: str, output: bytes | None) -> Reason:
        manifest = TrainingManifest(
            format=FORMAT,
            digest=self._spec.digest,
            attempt=self._spec.attempt,
            ok=reason == "done",
            reason=reason,
            sentence=redacted(sentence)[:500],
            exit_status=self._exit_status,
            output_sha256=hashlib.sha256(output).hexdigest() if output is not None else None,
            output_bytes=len(output or b""),
            started=self._started,
            finished=datetime.now(UTC),
        )
        try:
            store.create(self._spec.manifest, manifest.model_dump_json().encode(), what="the manifest")
        except AgentError as error:
            self._journal.say(str(error))
            return "store_refused"
        return reason


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the script, gently at first, and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(_STOP_S)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def main() -> int:
    """Do the training; with ``--idle`` stay afterwards and answer for it until killed."""
    return run(train, prog="python -m tasks.agent.training", description="Run a script.")


if __name__ == "__main__":
    sys.exit(main())
