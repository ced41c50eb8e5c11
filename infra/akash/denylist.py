"""Remember for a day which providers gave up a lease, across processes and restarts: a file for each."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

DENIED_FOR: Final = timedelta(days=1)
_ADDRESS: Final = re.compile(r"[a-z0-9]{1,90}")


class Denylist:
    """Providers whose bids are left alone."""

    def __init__(self, folder: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._folder = folder
        self._now = now

    def add(self, provider: str) -> None:
        """Deny a provider for a day from now."""
        if not _ADDRESS.fullmatch(provider):
            raise ValueError(f"a provider's address is of a-z and 0-9, got {provider!r}")
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / provider).write_text(self._now().isoformat())

    def __call__(self) -> frozenset[str]:
        """Return those denied now."""
        if not self._folder.is_dir():
            return frozenset()
        return frozenset(file.name for file in self._folder.iterdir() if self._is_in_force(file))

    def _is_in_force(self, file: Path) -> bool:
        try:
            denied_at = datetime.fromisoformat(file.read_text())
            return self._now() < denied_at + DENIED_FOR
        except (OSError, ValueError, TypeError):  # half written: it was denied just now
            return True
