"""Convert between what the chain counts in and US dollars, exactly.

Prices are in ``uact`` for each block: 1 ACT is 1 USD and a block takes 6 seconds, so 10000 uact a block are
6 USD an hour. Nothing here is a float: a price cap that is off by a rounding would be no cap.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

DENOM: Final = "uact"
MIN_DEPOSIT_USD: Final = Decimal("0.5")  # the chain's minimum
_UACT: Final = Decimal(1_000_000)
_BLOCKS_AN_HOUR: Final = 600
_RESERVE: Final = Decimal("1.2")  # over the price cap, for the time it takes to end a lease


def usd(uact: Decimal) -> Decimal:
    """Convert an amount of uact."""
    return uact / _UACT


def usd_per_hour(amount: Decimal) -> Decimal:
    """Convert a price in uact a block."""
    return amount * _BLOCKS_AN_HOUR / _UACT


def cap_amount(max_usd_per_hour: Decimal) -> int:
    """Return the highest whole price in uact a block that keeps a cap.

    Raises:
        ValueError: The cap buys nothing.
    """
    amount = int((max_usd_per_hour * _UACT / _BLOCKS_AN_HOUR).to_integral_value(ROUND_FLOOR))
    if amount < 1:
        raise ValueError(f"a price cap must be 0.0006 USD an hour or more, got {max_usd_per_hour}")
    return amount


def deposit_usd(max_usd_per_hour: Decimal, *, hours: Decimal) -> Decimal:
    """Return what goes into escrow, in whole cents: enough for the hours at the cap, and a fifth more.

    With automatic top-up off it is also the most that a lease can cost if nobody ends it.
    """
    exact = max(max_usd_per_hour * hours * _RESERVE, MIN_DEPOSIT_USD)
    return exact.quantize(Decimal("0.01"), ROUND_CEILING)


def in_words(amount: Decimal) -> str:
    """Write dollars as people read them, to the tenth of a cent, never rounded down."""
    return f"{amount.quantize(Decimal('0.001'), ROUND_CEILING):f} USD"
