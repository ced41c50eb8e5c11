from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tasks.domain.methods
from gpu.coordinates import ImageSize
from gpu.legacy import legacy_radial_map
from tasks.domain.errors import DocumentError, UnknownMethodError, UnknownVariantError, UnusableWarpError
from tasks.domain.methods.method import Method, RouteOptions
from tasks.domain.methods.registry import find_method, methods
from tasks.domain.naming import check_artifact_tag
from tasks.domain.schemas import LegacyWarp, PhotoRef, Record
from tasks.domain.tables import table_digest

PhotoOf = Callable[[int, int], PhotoRef]
ALL = tuple(methods().values())
VARIANTS = tuple((method, variant) for method in ALL for variant in method.variants)
each_method = pytest.mark.parametrize("method", ALL, ids=lambda method: method.name)


class ForeignTable(Record):
    """A table no method knows."""


@pytest.fixture
def drop_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Add a module to the package of methods for the time of one test."""
    monkeypatch.setattr(tasks.domain.methods, "__path__", [*tasks.domain.methods.__path__, str(tmp_path)])
    methods.cache_clear()

    def add(name: str, text: str) -> None:
        (tmp_path / f"{name}.py").write_text(text)

    return add


@pytest.fixture(autouse=True)
def fresh_registry() -> object:
    yield
    methods.cache_clear()


def test_the_methods_of_the_runbook_are_found() -> None:
    assert {name: method.variants for name, method in methods().items()} == {
        "calibguard_dim": ("safe", "balanced", "aggressive"),
        "dim_bucket_microgrid": ("tuned",),
        "global_grid": ("seed",),
        "hough_proxy": ("candidates",),
        "laplacian_proxy": ("candidates",),
        "nelder_per_image": ("simplex",),
        "shoot_atlas": ("safe", "balanced", "aggressive"),
        "zero_guard": ("zero_guard_v1", "zero_guard_v2", "zero_guard_v3"),
    }


def test_a_method_is_added_by_one_file(drop_in: Callable[[str, str], None]) -> None:
    drop_in(
        "dropped_in",
        "from dataclasses import replace\n"
        "from tasks.domain.methods import global_grid\n"
        "METHOD = replace(global_grid.METHOD, name='dropped_in')\n",
    )
    assert find_method("dropped_in").name == "dropped_in"


def test_a_file_that_defines_no_method_stops_the_look_up(drop_in: Callable[[str, str], None]) -> None:
    drop_in("without_method", "METHODE = 1\n")
    with pytest.raises(TypeError, match="without_method binds no METHOD"):
        methods()


def test_two_methods_of_one_name_stop_the_look_up(drop_in: Callable[[str, str], None]) -> None:
    drop_in("second_grid", "from tasks.domain.methods.global_grid import METHOD\n")
    with pytest.raises(TypeError, match="'global_grid' a second time"):
        methods()


def test_an_unknown_method_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownMethodError, match=f"no method 'magic'; there are {', '.join(methods())}$"):
        find_method("magic")


@each_method
def test_names_and_variants_can_name_artifacts(method: Method) -> None:
    for word in (method.name, method.family, *method.variants):
        assert check_artifact_tag(word) == word


@each_method
def test_an_unknown_variant_is_answered_with_those_there_are(method: Method) -> None:
    with pytest.raises(UnknownVariantError, match=f"method {method.name} has no variant 'v9'; it has "):
        method.options(variant="v9")


@each_method
def test_the_first_variant_is_the_default(method: Method) -> None:
    assert method.variant(method.options()) == method.variants[0]


@each_method
def test_a_table_written_out_and_loaded_has_the_same_digest(method: Method) -> None:
    shipped = method.table(RouteOptions())
    loaded = method.table(method.options(document=shipped.model_dump_json()))
    assert table_digest(loaded) == table_digest(shipped)


@each_method
def test_a_bad_table_is_refused_by_its_source(method: Method) -> None:
    with pytest.raises(DocumentError, match=r"^mine\.json has "):
        method.options(document="{}", source="mine.json")


@each_method
def test_a_table_of_another_kind_is_a_type_error(method: Method, photo_of: PhotoOf) -> None:
    with pytest.raises(TypeError, match=f"method {method.name} reads a "):
        method.route(photo_of(2048, 1367), RouteOptions(table=ForeignTable()))


@each_method
def test_options_of_the_run_reach_the_photo(method: Method, photo_of: PhotoOf) -> None:
    for size in ((2048, 1367), (1100, 2048)):
        default = method.route(photo_of(*size), method.options())
        assert (default.interpolation, default.border) == ("cubic", "reflect")
        chosen = method.route(photo_of(*size), method.options(interpolation="lanczos4", border="replicate"))
        assert (chosen.interpolation, chosen.border) == ("lanczos4", "replicate")


@pytest.mark.parametrize(
    "method", [method for method in ALL if method.observer is None], ids=lambda method: method.name
)
def test_the_source_of_coefficients_is_recorded(method: Method, photo_of: PhotoOf) -> None:
    photo, table = photo_of(1100, 2048), method.table(RouteOptions())
    assert method.route(photo, RouteOptions()).coefficient_source == "shipped"
    assert method.route(photo, RouteOptions(table=table)).coefficient_source == "loaded"
    searched = RouteOptions(table=table, table_origin="searched")
    assert method.route(photo, searched).coefficient_source == "searched"


@given(
    choice=st.sampled_from(VARIANTS),
    width=st.integers(1, 3000) | st.integers(1, 65_535),
    height=st.integers(1, 3000) | st.integers(1, 65_535),
)
def test_a_photo_of_any_size_gets_a_map_or_a_sentence(
    choice: tuple[Method, str], width: int, height: int
) -> None:
    method, variant = choice
    photo = PhotoRef(id="house_g1", width=width, height=height, size=1, sha256="0" * 64)
    try:
        warp, told = method.route(photo, method.options(variant=variant)).warp, ""
    except UnusableWarpError as error:
        warp, told = None, str(error)
    assert (warp is None) == (f"{width}x{height}" in told)
    if isinstance(warp, LegacyWarp):
        assert legacy_radial_map(warp.k1, warp.k2, warp.alpha, ImageSize(width, height))
