"""Remember for a day which providers gave up a lease, across processes and restarts: a file for each.

It saves a job from a machine that would be lost again, and no more: what cannot be remembered or read is said
in the log, and nothing is ended for it.
"""

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

DENIED_FOR: Final = timedelta(days=1)
_ADDRESS: Final = re.compile(r"[a-z0-9]{1,90}")
_LOG: Final = logging.getLogger(__name__)


class Denylist:
    """Providers whose bids are left alone."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._folder = folder
        self._now = now

    def add(self, provider: str) -> None:
        """Deny a provider for a day from now."""
        if not _ADDRESS.fullmatch(provider):
            raise ValueError(f"a provider's address is of a-z and 0-9, got {provider!r}")
        file = self._folder / provider
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            file.write_text(self._now().isoformat())
        except OSError as error:
            told = f"{provider} gave up a lease, and {self._folder} cannot remember it: {error.strerror}"
            _LOG.warning("%s; mend the folder, or its bids are taken again", told)
            with suppress(OSError):
                file.unlink()  # half a file would deny for ever

    def __call__(self) -> frozenset[str]:
        """Return those denied now."""
        try:
            return frozenset(file.name for file in self._folder.iterdir() if self._is_in_force(file))
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()
        except OSError as error:
            told = f"the providers denied today cannot be read from {self._folder}: {error.strerror}"
            _LOG.warning("%s; mend the folder, or their bids are taken again", told)
            return frozenset()

    def _is_in_force(self, file: Path) -> bool:
        try:
            denied_at = datetime.fromisoformat(file.read_text())
            return self._now() < denied_at + DENIED_FOR
        except (OSError, ValueError, TypeError):  # half written: it was denied just now
            return True
