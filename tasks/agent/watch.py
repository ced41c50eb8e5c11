"""The agent's other thread: signs of life, the shipped log, and a look at whether it is to go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread

from tasks.agent import store
from tasks.agent.errors import AgentError
from tasks.agent.journal import Journal
from tasks.agent.rendering import Progress
from tasks.agent.stopping import Stop
from tasks.domain.batches import FORMAT, BatchSpec, Heartbeat


@contextmanager
def watching(
    spec: BatchSpec, *, stop: Stop, progress: Progress, journal: Journal, container: str | None
) -> Iterator[None]:
    """Beat at once and then every ``heartbeat_s`` seconds, until the block is left."""
    ended = Event()

    def beat_on() -> None:
        while not ended.is_set():
            _look_at_control(spec, stop, journal)
            send_signs(spec, progress, journal, container)
            ended.wait(spec.heartbeat_s)

    thread = Thread(target=beat_on, name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def send_signs(spec: BatchSpec, progress: Progress, journal: Journal, container: str | None) -> None:
    """Store the heartbeat and the log; the store's absence is noted and otherwise borne."""
    beat = Heartbeat(
        format=FORMAT,
        digest=spec.digest,
        attempt=spec.attempt,
        at=datetime.now(UTC),
        photos=sum(len(one.shard.photos) for one in spec.shards),
        photos_done=progress.photos,
        shards_done=progress.shards,
        container=container,
    )
    try:
        store.replace(spec.heartbeat, beat.model_dump_json().encode(), what="the heartbeat")
        store.replace(spec.log, journal.document(), what="the log")
    except AgentError as error:
        journal.say(str(error))


def _look_at_control(spec: BatchSpec, stop: Stop, journal: Journal) -> None:
    try:
        if not store.is_there(spec.control, what="the control object"):
            stop.ask("cancelled", "the control object is gone")
    except AgentError as error:
        journal.say(str(error))
