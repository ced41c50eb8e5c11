"""Method ``zero_guard``: the tuned bucket set with some buckets replaced, as named policies say.

A policy is data: the shipped ones and a user's own are read from the same kind of file, and nothing here
knows any of them by name.
"""

import datetime
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from tasks.domain.buckets import NOMINAL_SIZE, Bucket, bucket_of
from tasks.domain.coefficients import CoefficientPair, usable_warp
from tasks.domain.methods.dim_bucket_microgrid import route_by_bucket
from tasks.domain.methods.method import (
    Method,
    RouteOptions,
    chosen_table,
    chosen_variant,
    origin,
    routed,
    size_of,
)
from tasks.domain.naming import check_artifact_tag
from tasks.domain.schemas import IdentityWarp, LegacyWarp, PhotoRef, Record, RoutedPhoto
from tasks.domain.strict_json import Problem, parse_record
from tasks.domain.tables import (
    BucketTable,
    SchemaVersion,
    alpha_of,
    bucket_table_problems,
    folding,
    member,
    shipped_bucket_table,
    shipped_text,
)

_NAME: Final = "zero_guard"
_FILE: Final = "zero_guard_policies.json"

PolicyName = Annotated[str, AfterValidator(check_artifact_tag)]
"""Also names artifacts, so it obeys their rules."""


def _kind(value: object) -> Literal["pair", "identity"]:
    return "pair" if isinstance(value, dict | CoefficientPair) else "identity"


Replacement = Annotated[
    Annotated[CoefficientPair, Tag("pair")] | Annotated[Literal["identity"], Tag("identity")],
    Discriminator(_kind),
]


class ZeroGuardPolicy(Record):
    """Which buckets do not get the base table's pair, and what they get instead."""

    extends: PolicyName | None = None
    """Policy whose replacements hold as well, where this one has none for the bucket."""
    aliases: tuple[PolicyName, ...] = ()
    """Further names under which the policy may be asked for."""
    replacements: Mapping[Bucket, Replacement]


class ZeroGuardPolicies(Record):
    """A set of policies over one bucket table."""

    schema_version: SchemaVersion
    name: str = Field(min_length=1, max_length=120)
    source: str = Field(min_length=1)
    date: datetime.date | None = None
    base: BucketTable = Field(default_factory=shipped_bucket_table)
    """The table whose pairs are replaced; left out: the tuned set that comes with the product."""
    policies: Mapping[PolicyName, ZeroGuardPolicy] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_resolve(self) -> "ZeroGuardPolicies":
        problems = [*_ambiguous_names(self.policies), *_broken_chains(self.policies)]
        if problems:
            raise ValueError("; ".join(problems))
        return self


def load_policies(text: str | bytes, *, source: str) -> ZeroGuardPolicies:
    """Read a set of policies from JSON; raises ``DocumentError`` with all problems."""
    return parse_record(text, ZeroGuardPolicies, source=source, further_problems=_folding_pairs)


@cache
def shipped_policies() -> ZeroGuardPolicies:
    """Give the policies that come with the product."""
    return load_policies(shipped_text(_FILE), source=_FILE)


def replacements_of(policies: Mapping[str, ZeroGuardPolicy], name: str) -> dict[Bucket, Replacement]:
    """Collect a policy's replacements and those of the policies it extends; the nearest one wins."""
    replacements: dict[Bucket, Replacement] = {}
    step: str | None = name
    while step is not None:
        replacements = {**policies[step].replacements, **replacements}
        step = policies[step].extends
    return replacements


def _ambiguous_names(policies: Mapping[str, ZeroGuardPolicy]) -> Iterator[str]:
    names = [*policies, *(alias for policy in policies.values() for alias in policy.aliases)]
    counts = sorted(Counter(names).items())
    yield from (f"name {name!r} is given more than once" for name, count in counts if count > 1)


def _broken_chains(policies: Mapping[str, ZeroGuardPolicy]) -> Iterator[str]:
    for name, policy in policies.items():
        seen, parent = {name}, policy.extends
        while parent is not None and parent in policies and parent not in seen:
            seen.add(parent)
            parent = policies[parent].extends
        if parent is not None:
            fault = "which extends it in turn" if parent in policies else "which is not there"
            yield f"policy {name!r} extends {parent!r}, {fault}"


def _folding_pairs(document: object) -> Iterator[Problem]:
    base = member(document, "base")
    for path, why in bucket_table_problems(base):
        yield ("base", *path), why
    policies = member(document, "policies")
    for name in policies if isinstance(policies, dict) else ():
        for bucket, size in NOMINAL_SIZE.items():
            yield from folding(
                document, ("policies", name, "replacements", bucket), size=size, alpha=alpha_of(base)
            )


def _table(options: RouteOptions) -> ZeroGuardPolicies:
    return chosen_table(options, ZeroGuardPolicies, shipped=shipped_policies, method=_NAME)


def _variant(options: RouteOptions) -> str:
    policies = _table(options).policies
    canonical = {alias: name for name, policy in policies.items() for alias in (name, *policy.aliases)}
    return canonical[chosen_variant(options, tuple(canonical), method=_NAME)]


def _route(photo: PhotoRef, options: RouteOptions) -> RoutedPhoto:
    table, policy = _table(options), _variant(options)
    bucket = bucket_of(photo.width, photo.height)
    replacement = replacements_of(table.policies, policy).get(bucket)
    if replacement is None:
        base_source = "shipped" if table.base == shipped_bucket_table() else origin(options)
        return route_by_bucket(photo, table.base, options=options, source=base_source)
    return routed(
        photo,
        _warp(replacement, photo, alpha=table.base.defaults.alpha),
        options=options,
        defaults=table.base.defaults,
        route=f"guard_{bucket}",
        reason=f"policy {policy} replaces the pair of bucket {bucket} by {replacement}",
        source=origin(options),
    )


def _warp(replacement: Replacement, photo: PhotoRef, *, alpha: float) -> IdentityWarp | LegacyWarp:
    if isinstance(replacement, CoefficientPair):
        return usable_warp(replacement, alpha=alpha, size=size_of(photo))
    return IdentityWarp()


METHOD: Final = Method(
    name=_NAME,
    family=_NAME,
    summary="The tuned bucket set with risky buckets replaced by named policies.",
    variants=tuple(shipped_policies().policies),
    load_table=load_policies,
    table=_table,
    variant=_variant,
    route=_route,
)
