"""Open the Akash account that settings name; nothing is asked of Akash yet."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from infra.akash.connection import AkashConnection, Patience
from infra.akash.console import Console
from infra.akash.denylist import Denylist
from infra.akash.provider import AkashProvider
from infra.akash.sdl import Hardware
from infra.akash.terms import Terms
from infra.remote.records import RemoteRecords
from infra.remote.spending import spending
from infra.settings import Settings, SettingsInvalid
from infra.store.opening import configured_store

AGENT: Final = ("calibguard-agent",)
"""Command of the image that renders a batch; see ``deployments/akash``."""
TRAINING: Final = ("calibguard-training",)
"""Command of the image that runs a training script."""


def open_console(settings: Settings, *, patience: Patience | None = None) -> Console:
    """Open the Console API.

    Raises:
        SettingMissing: There is no API key.
        SettingsInvalid: The API's URL, or the key, is one that cannot be.
    """
    key = settings.require("akash_api_key")
    try:
        connection = AkashConnection(key, settings.akash_url.get_secret_value())
    except ValueError as error:
        raise SettingsInvalid([f"AKASH_API_KEY with CALIBGUARD_AKASH_URL cannot be used: {error}"]) from error
    return Console(connection, patience or Patience())


def open_akash(
    settings: Settings,
    *,
    command: tuple[str, ...] = AGENT,
    max_usd_per_hour: Decimal | None = None,
    patience: Patience | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AkashProvider:
    """Open the account under the terms that settings name.

    Args:
        settings: With an API key and an image.
        command: Of the image.
        max_usd_per_hour: Another price cap than that of the settings.
        patience: Time limits.
        now: In UTC.

    Raises:
        SettingMissing: There is no API key or no image.
        SettingsInvalid: The API's URL is one that nothing may be sent to.
    """
    denylist = Denylist(settings.state_dir / "akash" / "denied", now=now)
    terms = Terms(
        image=settings.require("akash_image"),
        hardware=Hardware(gpu_models=settings.akash_gpu_models),
        max_usd_per_hour=max_usd_per_hour or settings.akash_max_usd_per_hour,
        command=command,
        monthly_budget_usd=settings.akash_monthly_budget_usd,
        spent_usd=lambda name: spent_this_month(settings, but_for=name, now=now()),
        denied=denylist,
        deny=denylist.add,
    )
    return AkashProvider(open_console(settings, patience=patience), terms, now=now)


def spent_this_month(settings: Settings, *, but_for: str = "", now: datetime) -> Decimal:
    """Return what the leases of a calendar month cost, those still open at the most they can.

    Raises:
        RecordUnreadable: What some of them cost is not known, nor of which month they are.
    """
    jobs = RemoteRecords(configured_store(settings)).all_jobs("akash")
    return spending(jobs, "akash", month=now.astimezone(UTC), but_for=but_for).total_usd
