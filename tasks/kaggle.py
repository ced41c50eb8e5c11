"""Runs a notebook of the user's at Kaggle, waits for it and fetches what it left; shards go through workers.

Neither Prefect nor a store takes part: what Kaggle says is shown and not kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from infra.errors import AtCapacity, BudgetExhausted
from infra.kaggle.answers import OutputFile, Quota, SessionStatus
from infra.kaggle.downloading import Download, UrlExpired, fetch
from infra.kaggle.kernel_log import tail
from infra.kaggle.notebooks import KernelRef, Notebooks
from infra.kaggle.opening import open_kaggle, open_notebooks
from infra.kaggle.refusals import BadRequest, KernelGone
from infra.kaggle.sources import local_push
from infra.kaggle.watching import Watch, await_end
from infra.settings import Settings
from infra.web.address import WebAddress, web_address
from infra.web.remote_text import quoted
from tasks.domain.errors import DomainError

Transport = Literal["api", "mcp"]

NO_ROOM: Final = (AtCapacity, BudgetExhausted)
"""Kaggle refuses for want of a slot or of quota: nothing is wrong with what was to run."""
_MOST_BYTES: Final = 20 << 30  # as much as Kaggle keeps of a session
_LISTINGS: Final = 3  # signed URLs expire while others are fetched


class KernelNameError(DomainError):
    """Owner and slug name no kernel."""


@dataclass(frozen=True, slots=True)
class SessionOutput:
    """What a session left.

    Attributes:
        missing: Why Kaggle gives nothing, where it gives nothing.
    """

    files: tuple[str, ...] = ()
    log: str = ""
    missing: str = ""

    def log_tail(self, lines: int) -> str:
        """The log's last lines."""
        return tail(self.log, lines=lines)


@dataclass(frozen=True, slots=True)
class Account:
    """The user's Kaggle, one way of talking to it, and one kernel there."""

    notebooks: Notebooks
    kernel: KernelRef
    address: WebAddress
    """Of the API; files may be fetched from there too."""


def account_for(slug: str, settings: Settings, *, owner: str | None, transport: Transport) -> Account:
    """Open the account; the owner is the account's own unless another is named.

    Raises:
        SettingMissing: What the transport needs is not set.
        KernelNameError: Owner and slug name no kernel.
    """
    notebooks = open_notebooks(settings, transport)
    owner = owner or settings.kaggle_username or open_kaggle(settings).owner
    try:
        kernel = KernelRef(owner, slug)
    except ValueError as error:
        raise KernelNameError(str(error)) from error
    return Account(notebooks, kernel, web_address(settings.kaggle_api_url.get_secret_value()))


def start(account: Account, *, notebook: Path | None, gpu: bool) -> KernelRef:
    """Push a local notebook or script and run it, or run once more what the kernel holds.

    Raises:
        RemoteError: Kaggle refuses; one of ``NO_ROOM`` where it has no slot or no quota.
    """
    push = local_push(notebook, gpu=gpu) if notebook else None
    return account.notebooks.run(account.kernel, push, gpu=gpu)


def status(account: Account) -> SessionStatus:
    """Ask how the kernel's newest session is."""
    return account.notebooks.status(account.kernel)


def wait(
    account: Account, kernel: KernelRef, *, wait_s: float, poll_s: float, told: Callable[[str], None]
) -> SessionStatus | None:
    """Wait for a session's end, telling each new word; None where it does not come in time."""
    watch = Watch(wait_s=wait_s, poll_s=poll_s)
    return await_end(lambda: account.notebooks.status(kernel), watch, told=told)


def output(account: Account, kernel: KernelRef, *, folder: Path | None = None) -> SessionOutput:
    """List what a session left, and fetch it where a folder is named.

    A 400, which Kaggle gives where a session that has ended left nothing, is no failure.
    """
    try:
        files, log = account.notebooks.output(kernel)
    except (BadRequest, KernelGone) as error:
        return SessionOutput(missing=str(error))
    if folder is not None:
        _fetch_all(account, kernel, files, folder)
    return SessionOutput(tuple(quoted(file.name)[1:-1] for file in files), log)


def quota(settings: Settings) -> Quota | None:
    """Ask for the week's GPU time."""
    return open_kaggle(settings).quota()


def delete(account: Account) -> bool:
    """Delete the kernel with its sessions and their output; False where there is none.

    Raises:
        RemoteRefused: The transport cannot.
    """
    return account.notebooks.delete(account.kernel)


def _fetch_all(account: Account, kernel: KernelRef, files: list[OutputFile], folder: Path) -> None:
    """Fetch every file once; where a URL has expired, the listing is asked for again."""
    fetched: set[str] = set()
    left = _MOST_BYTES
    for listing in range(_LISTINGS):
        try:
            for file in files:
                if file.name not in fetched:
                    place = fetch(Download(file.name, file.url, None, left), folder, api=account.address)
                    left -= place.stat().st_size
                    fetched.add(file.name)
            return
        except UrlExpired:
            if listing + 1 == _LISTINGS:
                raise
            files, _ = account.notebooks.output(kernel)
