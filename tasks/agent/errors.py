"""What can end an agent's work, one type per remedy. No text holds a URL.

AgentError
├── StoreUnreachable     the store does not answer, or only in part, after all tries
├── StoreRefused         the store refuses: the leave has expired or was never given
├── NothingThere         the store has no such object
├── ObjectTooLong        it has more bytes than one of its kind can have
├── PlaceTaken           other bytes lie where ours are to go
├── WrongAccelerator     this machine is not of the kind that was asked for
└── WrongEngine          this machine's code or libraries are not those of the run
"""


class AgentError(Exception):
    """The agent cannot go on; the message says why."""


class StoreUnreachable(AgentError):
    """The store gives no whole answer at present."""


class StoreRefused(AgentError):
    """The store does not allow what was asked."""


class NothingThere(AgentError):
    """There is no object at the URL."""


class ObjectTooLong(AgentError):
    """What lies at the URL is longer than it can be; it was not read to its end."""


class PlaceTaken(AgentError):
    """Objects are created once, and this one was, with other content."""


class WrongAccelerator(AgentError):
    """The GPU that the batch needs is not here."""


class WrongEngine(AgentError):
    """The versions that the batch states are not all here."""
