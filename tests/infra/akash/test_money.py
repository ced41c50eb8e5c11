from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.akash.money import cap_amount, deposit_usd, in_words, usd_per_hour

_CAPS = st.decimals("0.0006", "100", places=4)


@pytest.mark.parametrize(
    ("amount", "dollars"), [("10000", "6"), ("350.000000000000000000", "0.21"), ("0.5", "0.0003")]
)
def test_a_block_of_six_seconds_at_10000_uact_is_6_usd_an_hour(amount: str, dollars: str) -> None:
    assert usd_per_hour(Decimal(amount)) == Decimal(dollars)


@given(_CAPS)
def test_a_price_cap_is_never_exceeded_and_nearly_used(cap: Decimal) -> None:
    amount = cap_amount(cap)
    assert usd_per_hour(Decimal(amount)) <= cap < usd_per_hour(Decimal(amount + 1))


def test_a_cap_that_buys_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.0006 USD an hour or more, got 0\.0001"):
        cap_amount(Decimal("0.0001"))


@pytest.mark.parametrize(
    ("cap", "hours", "deposit"), [("0.60", "2", "1.44"), ("0.01", "1", "0.50"), ("0.333", "1", "0.50")]
)
def test_a_deposit_is_a_fifth_above_the_cap_and_at_least_the_minimum(
    cap: str, hours: str, deposit: str
) -> None:
    assert deposit_usd(Decimal(cap), hours=Decimal(hours)) == Decimal(deposit)


@given(_CAPS, st.decimals("0.01", "48", places=2))
def test_a_deposit_lasts_for_the_hours_at_the_cap(cap: Decimal, hours: Decimal) -> None:
    assert deposit_usd(cap, hours=hours) >= cap * hours


def test_dollars_in_words_are_never_rounded_down() -> None:
    assert in_words(Decimal("0.0001")) == "0.001 USD"
