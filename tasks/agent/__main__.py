"""Run the agent: ``python -m tasks.agent [--idle]``; exit status 0 means that every shard is finished.

The specification's URL comes from ``CALIBGUARD_SPEC_URL``; see ``tasks.agent.environment`` for the rest.
"""

import argparse
import signal
import sys

from tasks.agent.environment import surroundings
from tasks.agent.errors import AgentError
from tasks.agent.journal import Journal
from tasks.agent.life import live
from tasks.agent.status import StatusServer


def main() -> int:
    """Do the batch; with ``--idle`` stay afterwards and answer for it until killed."""
    parser = argparse.ArgumentParser(prog="python -m tasks.agent", description="Render a batch of shards.")
    parser.add_argument("--idle", action="store_true", help="stay and answer GET /status when all is done")
    idle = parser.parse_args().idle
    journal = Journal()
    try:
        around = surroundings()
    except AgentError as error:
        journal.say(str(error))
        return 2
    status = StatusServer(around.port, around.token) if idle else None
    reason = live(around, journal)
    if status is not None:
        status.word = reason
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        while True:
            signal.pause()
    return 0 if reason == "done" else 1


if __name__ == "__main__":
    sys.exit(main())
