import pytest

from tasks.domain.search_schemas import PairSearchOptions, TableBuildOptions
from tasks.domain.table_building import BuildRequest, CannotBeBuilt, build_request


def request(method: str, **asked: object) -> BuildRequest:
    return build_request(method, pairs_folder="pairs", base=None, asked=asked)


def test_what_is_left_out_is_the_methods_own_default() -> None:
    assert request("calibguard_dim", profile=None, seed=7).options == TableBuildOptions(seed=7)
    assert request("global_grid", alphas=[0.0, 0.1]).options == PairSearchOptions(alphas=(0.0, 0.1))


@pytest.mark.parametrize(
    ("method", "asked", "sentence"),
    [
        ("zero_guard", {}, "no table is built for method 'zero_guard'; there are global_grid"),
        ("global_grid", {"sample_per_dim": 3}, "a build for global_grid has no option sample_per_dim"),
        ("calibguard_dim", {"profile": "mae"}, "profile of a build for calibguard_dim: Input should be"),
        ("dim_bucket_microgrid", {"optimizer": "de"}, "optimizer of a build for dim_bucket_microgrid"),
        (
            "calibguard_dim",
            {"optimizer": "gn", "sample_per_dim": 29},
            "sample_per_dim of 29 pairs leaves every size below the min_dim_support of 30 that a row needs",
        ),
    ],
)
def test_what_cannot_be_built_is_refused_in_a_sentence(
    method: str, asked: dict[str, object], sentence: str
) -> None:
    with pytest.raises(CannotBeBuilt, match=sentence):
        request(method, **asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"optimizer": "gn", "sample_per_dim": 30},
        {"optimizer": "gn", "sample_per_dim": 3, "min_dim_support": 3},
        {"optimizer": "grid", "sample_per_dim": 3},
    ],
)
def test_a_sample_that_can_give_a_size_its_row_is_taken(asked: dict[str, object]) -> None:
    assert request("calibguard_dim", **asked).options == TableBuildOptions.model_validate(asked)
