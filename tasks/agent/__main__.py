"""Run the agent: ``python -m tasks.agent [--idle]``; exit status 0 means that every shard is finished.

The specification's URL comes from ``CALIBGUARD_SPEC_URL``; see ``tasks.agent.environment`` for the rest.
"""

import sys

from tasks.agent.command import run
from tasks.agent.life import live


def main() -> int:
    """Do the batch; with ``--idle`` stay afterwards and answer for it until killed."""
    return run(live, prog="python -m tasks.agent", description="Render a batch of shards.")


if __name__ == "__main__":
    sys.exit(main())
