import json
from collections.abc import Callable
from typing import Any

import pytest

from tasks.domain.buckets import NOMINAL_SIZE, Bucket
from tasks.domain.errors import DocumentError, UnknownVariantError
from tasks.domain.methods.zero_guard import METHOD, load_policies, shipped_policies
from tasks.domain.schemas import IdentityWarp, LegacyWarp, PhotoRef
from tasks.domain.tables import shipped_text

PhotoOf = Callable[[int, int], PhotoRef]
Warps = dict[Bucket, IdentityWarp | LegacyWarp]

TUNED: Warps = {
    "standard": LegacyWarp(k1=-0.178, k2=0.368),
    "near_standard_tall": LegacyWarp(k1=-0.180, k2=0.378),
    "near_standard_short": LegacyWarp(k1=-0.180, k2=0.378),
    "moderate_crop": LegacyWarp(k1=-0.095, k2=0.195),
    "heavy_crop": LegacyWarp(k1=-0.006, k2=0.028),
    "portrait_standard": LegacyWarp(k1=-0.015, k2=0.045),
    "portrait_cropped": LegacyWarp(k1=0.008, k2=0.008),
}
V1: Warps = {**TUNED, "heavy_crop": IdentityWarp(), "portrait_cropped": IdentityWarp()}
V2: Warps = {**V1, "portrait_standard": IdentityWarp()}
V3: Warps = {**V1, "moderate_crop": LegacyWarp(k1=-0.06, k2=0.12)}


def document_of(**policies: Any) -> str:
    return json.dumps({"schema_version": 1, "name": "mine", "source": "a test", "policies": policies})


def problems_of(text: str) -> tuple[str, ...]:
    with pytest.raises(DocumentError) as refusal:
        load_policies(text, source="mine.json")
    return refusal.value.problems


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("zero_guard_v1", V1), ("safezero_v1", V1), ("zero_guard_v2", V2), ("zero_guard_v3", V3)],
)
def test_a_shipped_policy_warps_each_bucket_as_the_runbook_says(
    photo_of: PhotoOf, policy: str, expected: Warps
) -> None:
    options = METHOD.options(variant=policy)
    warps = {
        bucket: METHOD.route(photo_of(size.width, size.height), options).warp
        for bucket, size in NOMINAL_SIZE.items()
    }
    assert warps == expected


def test_the_legacy_name_is_an_alias_of_the_canonical_one() -> None:
    assert METHOD.variant(METHOD.options(variant="safezero_v1")) == "zero_guard_v1"


def test_route_and_reason_tell_replaced_buckets_from_the_base(photo_of: PhotoOf) -> None:
    options = METHOD.options(variant="zero_guard_v3")
    replaced, kept = (METHOD.route(photo_of(2048, height), options) for height in (1362, 1367))
    assert (replaced.route, kept.route) == ("guard_moderate_crop", "bucket_standard")
    assert (
        replaced.reason == "policy zero_guard_v3 replaces the pair of bucket moderate_crop by (-0.06, 0.12)"
    )


def test_a_user_adds_a_policy_by_a_file(photo_of: PhotoOf) -> None:
    text = document_of(mild={"replacements": {"standard": {"k1": -0.1, "k2": 0.2}}})
    options = METHOD.options(variant="mild", document=text)
    routed = METHOD.route(photo_of(2048, 1367), options)
    assert (routed.warp, routed.coefficient_source) == (LegacyWarp(k1=-0.1, k2=0.2), "loaded")
    kept = METHOD.route(photo_of(2048, 1366), options)
    assert (kept.warp, kept.coefficient_source) == (TUNED["near_standard_short"], "shipped")


def test_a_users_file_replaces_the_shipped_policies() -> None:
    with pytest.raises(UnknownVariantError, match="it has mild"):
        METHOD.options(variant="zero_guard_v1", document=document_of(mild={"replacements": {}}))


def test_a_policy_may_stand_on_a_table_of_the_users(photo_of: PhotoOf) -> None:
    base = json.loads(shipped_text("dim_bucket_tuned.json"))
    base["buckets"]["standard"] = {"k1": -0.2195, "k2": 0.4486}
    document = json.loads(document_of(mild={"replacements": {}})) | {"base": base}
    routed = METHOD.route(photo_of(2048, 1367), METHOD.options(document=json.dumps(document)))
    assert (routed.warp, routed.coefficient_source) == (LegacyWarp(k1=-0.2195, k2=0.4486), "loaded")


def test_the_nearest_replacement_of_a_chain_wins(photo_of: PhotoOf) -> None:
    text = document_of(
        first={"replacements": {"standard": "identity", "heavy_crop": "identity"}},
        second={"extends": "first", "replacements": {"standard": {"k1": -0.1, "k2": 0.2}}},
        third={"extends": "second", "replacements": {}},
    )
    options = METHOD.options(variant="third", document=text)
    assert METHOD.route(photo_of(2048, 1367), options).warp == LegacyWarp(k1=-0.1, k2=0.2)
    assert METHOD.route(photo_of(2048, 1356), options).warp == IdentityWarp()


def test_shipped_policies_name_their_source_and_day() -> None:
    assert "24.9839" in shipped_policies().source
    assert str(shipped_policies().date) == "2026-02-22"


@pytest.mark.parametrize(
    ("policies", "problem"),
    [
        ({}, "policies: "),
        ({"a": {}}, "policies.a.replacements: is missing"),
        (
            {"a": {"replacements": {"square": "identity"}}},
            "a.replacements.square: should be 'standard'",
        ),
        (
            {"a": {"replacements": {"standard": "none"}}},
            "a.replacements.standard: should be 'identity'",
        ),
        (
            {"a": {"replacements": {"standard": None}}},
            "a.replacements.standard: should be 'identity'",
        ),
        ({"a": {"replacements": {"standard": {"k1": 0}}}}, "a.replacements.standard.k2: is missing"),
        (
            {"a": {"replacements": {"standard": {"k1": float("nan"), "k2": 0}}}},
            "policies.a.replacements.standard.k1: NaN is no JSON number",
        ),
        (
            {"a": {"replacements": {"standard": {"k1": -5, "k2": 0}}}},
            "policies.a.replacements.standard: k1=-5, k2=0 folds",
        ),
        ({"a": {"replacements": {}, "extends": "b"}}, "policy 'a' extends 'b', which is not there"),
        ({"a": {"replacements": {}, "extends": "a"}}, "policy 'a' extends 'a', which extends it in turn"),
        ({"a": {"replacements": {}, "aliases": ["a"]}}, "name 'a' is given more than once"),
        ({"a": {"replacements": {}, "aliases": "b"}}, "policies.a.aliases: should be a valid"),
        ({"v2": {"replacements": {}}}, "policies.v2: artifact tag 'v2' is a bare version"),
        ({"Big": {"replacements": {}}}, "policies.Big: artifact tag 'Big' is unusable"),
        ({"a": {"replacements": {}, "fallback": "b"}}, "policies.a.fallback: is an unknown key"),
    ],
)
def test_a_hostile_policy_file_is_refused_with_one_sentence(policies: dict[str, Any], problem: str) -> None:
    problems = problems_of(document_of(**policies))
    assert len(problems) == 1
    assert problem in problems[0]


def test_policies_that_extend_each_other_in_a_circle_are_all_named() -> None:
    text = document_of(
        a={"replacements": {}, "extends": "b"},
        b={"replacements": {}, "extends": "a"},
        c={"replacements": {}, "extends": "b"},
    )
    assert len(problems_of(text)[0].split("; ")) == 3


def test_a_replacement_is_judged_under_the_alpha_of_its_base() -> None:
    base = json.loads(shipped_text("dim_bucket_tuned.json")) | {"defaults": {"alpha": 1.0}}
    policies = {"replacements": {"portrait_standard": {"k1": 0.95, "k2": -1.2}}}
    assert load_policies(document_of(mild=policies), source="mine.json")
    document = json.loads(document_of(mild=policies)) | {"base": base}
    assert problems_of(json.dumps(document))[0].startswith(
        "policies.mild.replacements.portrait_standard: k1="
    )


def test_a_base_table_is_judged_like_any_other() -> None:
    base = json.loads(shipped_text("dim_bucket_tuned.json"))
    base["buckets"]["standard"] = {"k1": -5, "k2": 0}
    base["buckets"].pop("heavy_crop")
    document = json.loads(document_of(mild={"replacements": {}})) | {"base": base}
    assert [problem.split(": ")[0] for problem in problems_of(json.dumps(document))] == [
        "base.buckets",
        "base.buckets.standard",
    ]
