from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.akash.money import usd_per_hour
from infra.akash.sdl import Hardware, stack_sdl
from infra.errors import RemoteRefused
from infra.remote.names import remote_name
from tests.akash_cases import IMAGE, STACK
from tests.fake_akash.sdl import read_sdl

_URLS = st.text(st.characters(codec="ascii", exclude_categories=["C", "Z"]), max_size=400).map(
    lambda end: f"https://store.example/{end}"
)


@given(run=st.uuids(), attempt=st.integers(0, 999), url=_URLS, cap=st.decimals("0.0006", "9", places=4))
def test_the_console_reads_what_was_meant(run: object, attempt: int, url: str, cap: Decimal) -> None:
    name = str(remote_name("akash", run, attempt))  # type: ignore[arg-type]
    stack = replace(STACK, name=name, max_usd_per_hour=cap, environment={"CALIBGUARD_SPEC_URL": url})
    order = read_sdl(stack_sdl(stack))
    assert order.placement == name
    assert order.environment == {"CALIBGUARD_SPEC_URL": url}
    assert (order.image, order.command, order.port) == (IMAGE, ("calibguard-agent",), 8080)
    assert order.models == {"t4", "rtx4090"}
    assert usd_per_hour(order.cap) <= cap


def test_a_job_without_an_accelerator_asks_for_no_gpu() -> None:
    assert read_sdl(stack_sdl(replace(STACK, hardware=Hardware(gpu_models=())))).models == frozenset()


@pytest.mark.parametrize(
    "image", ["ghcr.io/org/agent", "ghcr.io/org/agent:latest", "ghcr.io/org/agent@sha256:0123"]
)
def test_an_image_by_its_tag_is_refused_in_a_sentence(image: str) -> None:
    with pytest.raises(RemoteRefused, match=r"the image of a lease is named by its digest.*AKASH_IMAGE"):
        stack_sdl(replace(STACK, image=image))


@pytest.mark.parametrize("name", ["", "Upper", "a" * 33, "under_score"])
def test_a_name_that_no_placement_has_is_refused(name: str) -> None:
    with pytest.raises(RemoteRefused, match="a placement is named in"):
        stack_sdl(replace(STACK, name=name))


def test_a_gpu_model_is_one_word() -> None:
    with pytest.raises(RemoteRefused, match="a GPU model is a word such as 'rtx4090'"):
        stack_sdl(replace(STACK, hardware=Hardware(gpu_models=("RTX 4090",))))


def test_no_other_variable_reaches_a_rented_machine() -> None:
    stack = replace(STACK, environment={**STACK.environment, "PREFECT_API_KEY": "pnu_secret"})
    with pytest.raises(ValueError, match=r"no variable but .*, got \['PREFECT_API_KEY'\]") as refusal:
        stack_sdl(stack)
    assert "pnu_secret" not in str(refusal.value)


def test_no_repr_holds_the_environment() -> None:
    assert "CANARY" not in repr(STACK)
