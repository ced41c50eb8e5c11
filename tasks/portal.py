"""Says how our own portal is run: what it scores against, where it listens, which metric it is given.

A portal is ours to run when ``portal_url`` is plain http of this machine; any other is somebody else's. This
module imports neither Prefect nor arrays, because the portal's process is this one exchanged for it.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from infra.settings import Settings
from infra.web.address import WebAddress, web_address

Profile = Literal["portal", "portal_exact", "portal_loose"]
Mode = Literal["improvement", "plain"]

_DATA_ROOT_LAYOUT = ("test-originals", "test-targets")


@dataclass(frozen=True, kw_only=True)
class PortalChoice:
    """What the owner says about a portal; None leaves it to the settings, or to the portal's own default."""

    targets: Path | None = None
    state: Path | None = None
    profile: Profile = "portal"
    mode: Mode = "improvement"
    host: str | None = None
    port: int | None = None
    public_url: str | None = None
    token_file: Path | None = None
    processes: int | None = None
    judge_name: str | None = None
    judge_version: str | None = None


def serve_portal(choice: PortalChoice, settings: Settings) -> NoReturn:
    """Become the portal: this process is exchanged for it, so signals and exit status are the portal's own.

    Raises:
        SettingMissing: No target set was named and none is known.
    """
    command = portal_command(choice, settings)
    os.execv(command[0], command)  # noqa: S606  our own interpreter, no shell


def portal_command(choice: PortalChoice, settings: Settings) -> list[str]:
    """Give the command that runs the portal.

    Raises:
        SettingMissing: No target set was named and none is known.
    """
    targets = choice.targets or portal_targets(settings) or settings.require("portal_targets")
    options = {
        "targets": targets,
        "state": choice.state or settings.state_dir / "portal",
        "scorer": scorer_name(choice.profile, choice.mode),
        "metric-profile": choice.profile
        if choice.mode == "improvement"
        else f"{choice.profile} {choice.mode}",
        "processes": choice.processes or settings.render_processes,
        **_place(choice, settings),
        "token-file": choice.token_file,
        "judge-name": choice.judge_name,
        "judge-version": choice.judge_version,
    }
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return [sys.executable, "-m", "infra.portal.server", *given]


def scorer_name(profile: Profile, mode: Mode) -> str:
    """Give the name by which the portal imports the metric."""
    return f"tasks.portal_scorer:{profile}" + ("" if mode == "improvement" else f"_{mode}")


def portal_targets(settings: Settings) -> Path | None:
    """The target set that settings name: ``portal_targets``, else a data root that holds both its folders."""
    root = settings.data_root
    if settings.portal_targets is None and root is not None:
        return root if all((root / name).is_dir() for name in _DATA_ROOT_LAYOUT) else None
    return settings.portal_targets


def _place(choice: PortalChoice, settings: Settings) -> dict[str, object]:
    """Options of where to listen; a port of the owner's choice leaves the host to the portal."""
    own = own_address(settings)
    if own is None or choice.host is not None or choice.port is not None:
        return {"host": choice.host, "port": choice.port, "public-url": choice.public_url}
    # Spelled as clients know it: they send no zip to another name than the portal's.
    return {"host": own.host, "port": own.port, "public-url": choice.public_url or str(own)}


def own_address(settings: Settings) -> WebAddress | None:
    """Where our own portal listens; None where ``portal_url`` names somebody else's."""
    try:
        address = web_address(settings.portal_url.get_secret_value())
    except ValueError:  # plain http to another machine, which the client refuses in its own words
        return None
    return address if address.scheme == "http" and address.path in ("", "/") else None
