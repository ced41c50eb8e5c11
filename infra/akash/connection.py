"""Hold what the Console API is told: where it is, who asks, and how long to wait."""

from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from infra.web.address import WebAddress, web_address

CONSOLE_URL: Final = "https://console-api.akash.network"


@dataclass(frozen=True, slots=True)
class AkashConnection:
    """The Console API and the key that pays.

    Attributes:
        api_key: Sent as ``x-api-key`` and nowhere else.
        url: ``https://host``, or ``http://`` on loopback; may not hold user names or a query.
    """

    api_key: SecretStr
    url: str = field(default=CONSOLE_URL)

    def __post_init__(self) -> None:
        if not self.api_key.get_secret_value().isascii() or not self.api_key.get_secret_value().isprintable():
            raise ValueError("an Akash API key is of visible ASCII characters")
        if self.address.query:
            raise ValueError(f"the URL of the Console API {self.address} has a query; give it without one")

    @property
    def address(self) -> WebAddress:
        """The API's URL, checked."""
        return web_address(self.url)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what may take, in seconds."""

    request_s: float = 30.0
    """One exchange, from the first byte sent to the last byte read."""
    create_request_s: float = 90.0
    """One request that signs a transaction: the API waits for the chain."""
    retry_s: float = 60.0
    """How long a request that can be repeated is repeated."""
    longest_pause_s: float = 15.0
    """Between two of these tries; the first pauses are shorter, and all are drawn by chance."""
    bid_wait_s: float = 90.0
    """How long bids are waited for. They come within a minute and die after five."""
    bid_settle_s: float = 12.0
    """How long a first good bid is held back for a cheaper one."""
    bid_poll_s: float = 3.0
    """Pause between two looks at the bids."""
    top_up_s: float = 20.0
    """Pause before the one more try where a top-up of the balance is under way."""
    silent_s: float = 600.0
    """How long a lease's provider may be out of reach before the lease counts as gone."""
    destroy_s: float = 300.0
    """How long to insist on the end of a deployment; escrow cannot be settled at every moment."""
