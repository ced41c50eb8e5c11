"""The command of an agent: do what the specification says, say how it ended, idle where a host wants that."""

import argparse
import signal
import sys
from collections.abc import Callable

from tasks.agent.environment import Surroundings, surroundings
from tasks.agent.errors import AgentError
from tasks.agent.journal import Journal
from tasks.agent.status import StatusServer
from tasks.domain.batches import Reason


def run(work: Callable[[Surroundings, Journal], Reason], *, prog: str, description: str) -> int:
    """Do the work and return the exit status: 0 only for ``done``, 2 where there is nothing to work on.

    With ``--idle`` it stays afterwards and answers for how it ended until it is killed, because a host that
    restarts what exits would begin again.
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--idle", action="store_true", help="stay and answer GET /status when all is done")
    idle = parser.parse_args().idle
    journal = Journal()
    try:
        around = surroundings()
    except AgentError as error:
        journal.say(str(error))
        return 2
    status = StatusServer(around.port, around.token) if idle else None
    reason = work(around, journal)
    if status is not None:
        status.word = reason
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        while True:
            signal.pause()
    return 0 if reason == "done" else 1
