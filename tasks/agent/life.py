"""The life of an agent: read the specification, look at the machine, render, leave a manifest.

    spec ──> earlier manifest? ──> machine fits? ──> render ──> log ──> manifest

It ends in a word. Whatever goes wrong is said in a manifest, if the specification could be read at all. An
agent that finds its manifest written, since its container was started anew, has nothing left to do.
"""

import platform
import signal
import traceback
from datetime import UTC, datetime
from typing import Final

from tasks.agent import store
from tasks.agent.environment import Surroundings
from tasks.agent.errors import AgentError, WrongAccelerator, WrongEngine
from tasks.agent.journal import Journal, redacted
from tasks.agent.machine import Machine, fitting_machine, open_render_pools
from tasks.agent.rendering import BatchRendering, Progress
from tasks.agent.sources import code_digest
from tasks.agent.stopping import Stop
from tasks.agent.watch import send_signs, watching
from tasks.domain.batches import FORMAT, AgentManifest, BatchSpec, Reason, read_manifest, read_spec
from tasks.domain.errors import DocumentError
from tasks.domain.schemas import RenderedShard

_LONGEST_SPEC: Final = 32 << 20  # bytes
_LONGEST_MANIFEST: Final = 4 << 20
_LONGEST_TEXT: Final = 500  # characters, see ``tasks.domain.batches``


def live(around: Surroundings, journal: Journal) -> Reason:
    """Do the batch, and say how it ended."""
    try:
        text = store.read(around.spec_url, what="the specification", max_bytes=_LONGEST_SPEC)
        spec = read_spec(text)
    except (AgentError, DocumentError) as error:
        journal.say(str(error))
        return "store_refused" if isinstance(error, AgentError) else "failed"
    if (earlier := _earlier_manifest(spec)) is not None:
        journal.say(f"the batch was finished before this start: {earlier.reason}")
        return earlier.reason
    return _Life(spec, around, journal).run()


def _earlier_manifest(spec: BatchSpec) -> AgentManifest | None:
    try:
        text = store.read_if_there(spec.manifest.get, what="the manifest", max_bytes=_LONGEST_MANIFEST)
        return read_manifest(text) if text is not None else None
    except (AgentError, DocumentError):  # what was finished before is found again, shard by shard
        return None


class _Life:
    def __init__(self, spec: BatchSpec, around: Surroundings, journal: Journal) -> None:
        self._spec = spec
        self._around = around
        self._journal = journal
        self._started = datetime.now(UTC)
        self._stop = Stop()
        self._progress = Progress()
        self._machine: Machine | None = None
        self._shards: tuple[RenderedShard, ...] = ()

    def run(self) -> Reason:
        self._stop.after((self._spec.deadline - self._started).total_seconds())
        if self._around.max_lifetime_s is not None:
            self._stop.after(self._around.max_lifetime_s)
        signal.signal(signal.SIGTERM, lambda *_: self._stop.ask("cancelled", "the host ends this machine"))
        with watching(
            self._spec,
            stop=self._stop,
            progress=self._progress,
            journal=self._journal,
            container=self._around.container,
        ):
            self._render()
        reason, sentence = self._stop.verdict()
        if len(self._shards) == len(self._spec.shards):
            reason, sentence = "done", "all shards are finished"
        self._journal.say(f"{reason}: {sentence}")
        send_signs(self._spec, self._progress, self._journal, self._around.container)
        return self._leave_manifest(reason, sentence)

    def _render(self) -> None:
        try:
            self._machine = fitting_machine(self._spec)
            self._journal.say(f"{self._machine.device}, {len(self._spec.shards)} shards")
            with open_render_pools(self._spec, self._machine) as pools:
                self._shards = BatchRendering(
                    self._spec,
                    pools,
                    input_root=self._around.input_root,
                    stop=self._stop,
                    progress=self._progress,
                    journal=self._journal,
                ).run()
        except WrongAccelerator as error:
            self._stop.ask("wrong_accelerator", str(error))
        except WrongEngine as error:
            self._stop.ask("wrong_engine", str(error))
        except Exception as error:  # the edge of the agent: its manifest tells what its exit status cannot
            self._journal.say(traceback.format_exc())
            self._stop.ask("failed", f"{type(error).__name__}: {error}")

    def _leave_manifest(self, reason: Reason, sentence: str) -> Reason:
        machine = self._machine
        manifest = AgentManifest(
            format=FORMAT,
            digest=self._spec.digest,
            attempt=self._spec.attempt,
            ok=reason == "done",
            reason=reason,
            sentence=redacted(sentence)[:_LONGEST_TEXT],
            device=redacted(machine.device)[:_LONGEST_TEXT] if machine else None,
            compute_capability=machine.compute_capability if machine else None,
            python=platform.python_version(),
            versions=machine.versions if machine else {},
            code=code_digest(),
            shards=self._shards,
            fetch_s=self._progress.seconds["fetch"],
            render_s=self._progress.seconds["render"],
            upload_s=self._progress.seconds["upload"],
            started=self._started,
            finished=datetime.now(UTC),
        )
        try:
            store.create(self._spec.manifest, manifest.model_dump_json().encode(), what="the manifest")
        except AgentError as error:
            self._journal.say(str(error))
            return "store_refused"
        return reason
