"""Says whether a stack runs a portal of our own: where, against what, or what would make it run one."""

import time
from pathlib import Path

from infra.errors import AdapterError
from infra.portal.client.connection import Portal
from infra.portal.client.presence import presence
from infra.settings import Settings
from tasks.portal import own_address, portal_targets

_START_TIMEOUT_S = 30.0  # it hashes all photos first: 1.6 GB for a test set of 1000
_POLL_S = 0.5
_LOOK_S = 5.0


def portal_line(settings: Settings, log: Path, *, patience_s: float = _START_TIMEOUT_S) -> str:
    """Say in one line what became of the portal that the supervisor was to start.

    Args:
        settings: Those the supervisor runs under.
        log: The portal's.
        patience_s: How long to wait for its first answer.
    """
    address, targets = own_address(settings), portal_targets(settings)
    if address is None:
        return f"portal: none was started, CALIBGUARD_PORTAL_URL names another one: {settings.portal_url}"
    if targets is None:
        return "portal: none was started, CALIBGUARD_PORTAL_TARGETS would name what it scores against"
    if not _comes_up(Portal(str(address), judge=settings.portal_judge), patience_s):
        return f"portal: not up yet at {address}; its own words are in {str(log)!r}"
    return f"portal: {address}, scores against {str(targets)!r}"


def _comes_up(portal: Portal, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            presence(portal, total_s=_LOOK_S)
        except AdapterError:
            time.sleep(_POLL_S)
        else:
            return True
    return False
