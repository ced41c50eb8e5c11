"""What the Console API answers, strictly: every member that is used has the promised type.

Unknown members are ignored, for APIs grow; unknown words of a state are kept as they are.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from infra.errors import RemoteAnswerInvalid

M = TypeVar("M", bound=BaseModel)

_DECIMAL: Final = re.compile(r"[0-9]{1,30}(\.[0-9]{1,30})?")


def _amount(found: object) -> Decimal:
    """A number of the chain: always a text, since a float would round it."""
    if not isinstance(found, str) or not _DECIMAL.fullmatch(found):
        raise ValueError("an amount is a decimal number as a text")
    return Decimal(found)


def _number(found: object) -> Decimal:
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError("expected a number")
    return Decimal(str(found))


Amount = Annotated[Decimal, BeforeValidator(_amount)]
Number = Annotated[Decimal, BeforeValidator(_number)]
Dseq = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
Address = Annotated[str, Field(pattern=r"^[a-z0-9]{1,90}$")]
Word = Annotated[str, Field(max_length=200)]


class _Shape(BaseModel):
    model_config = ConfigDict(
        frozen=True, strict=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )


class Coin(_Shape):
    """Some money on chain."""

    denom: Word
    amount: Amount


class DeploymentId(_Shape):
    """Whose deployment, and which."""

    owner: Address
    dseq: Dseq


class LeaseId(DeploymentId):
    """What a bid and the lease that comes of it are called."""

    gseq: int
    oseq: int
    provider: Address


class SignedTransaction(_Shape):
    """How the chain took it; code 0 is success."""

    code: int
    raw_log: str = Field("", alias="rawLog")


class Created(_Shape):
    """A new deployment."""

    dseq: Dseq
    manifest: Annotated[str, Field(repr=False)]
    """Holds the environment of the container; sent back as it is."""
    signed: SignedTransaction = Field(alias="signTx")


class Bid(_Shape):
    """A provider's offer for a deployment."""

    id: LeaseId
    state: Word
    price: Coin


class Service(_Shape):
    """Replicas of a service."""

    available: int
    total: int


class LeaseStatus(_Shape):
    """What the provider says of its lease."""

    services: dict[str, Service] = {}


class Lease(_Shape):
    """A provider at work."""

    id: LeaseId
    state: Word
    price: Coin
    reason: Word | None = None
    status: LeaseStatus | None = None
    """None: the provider cannot be reached, which is not an end."""


class Deployed(_Shape):
    """A deployment's own state."""

    id: DeploymentId
    state: Word


class EscrowState(_Shape):
    """What lies in escrow for a deployment, and what has been paid out of it."""

    state: Word
    funds: list[Coin] = []
    transferred: list[Coin] = []


class Escrow(_Shape):
    """The account around the state."""

    state: EscrowState


class Deployment(_Shape):
    """A deployment with its leases and its money."""

    deployment: Deployed
    leases: list[Lease] = []
    escrow_account: Escrow


class Pagination(_Shape):
    """Whether there is more."""

    has_more: bool = Field(alias="hasMore")


class DeploymentPage(_Shape):
    """Some of the active deployments."""

    deployments: list[Deployment]
    pagination: Pagination


class GroupSpec(_Shape):
    """The name that we gave."""

    name: Word


class Group(_Shape):
    """A group of services; ours have one."""

    group_spec: GroupSpec


class PublicDetail(_Shape):
    """What everybody may know of a deployment."""

    groups: list[Group]


class TopUp(_Shape):
    """Whether the platform tops up the escrow by itself."""

    enabled: bool = Field(alias="autoTopUpEnabled")


class Balances(_Shape):
    """Money of the account in USD: free, and in escrow."""

    balance: Number
    deployments: Number


class Availability(_Shape):
    """GPUs of a model."""

    total: int
    available: int


class PriceRange(_Shape):
    """Market prices in USD an hour."""

    currency: Word
    low: Number = Field(alias="min")
    median: Number = Field(alias="med")
    high: Number = Field(alias="max")


class GpuModel(_Shape):
    """A GPU model and what it costs; no price where nobody bids."""

    vendor: Word
    model: Word
    ram: Word
    interface: Word
    availability: Availability
    price: PriceRange | None


class GpuPrices(_Shape):
    """The market's price list."""

    models: list[GpuModel]


def read_as(shape: type[M], found: object, *, asked: str) -> M:
    """Return a part of an answer in its shape.

    Raises:
        RemoteAnswerInvalid: It has another; the text names members, not their values.
    """
    try:
        return shape.model_validate(found)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}" for one in error.errors()]
        raise RemoteAnswerInvalid(
            f"Akash's answer to {asked} is not usable: {'; '.join(faults[:3])}"
        ) from None


def member(answer: Mapping[str, object], name: str, *, asked: str) -> object:
    """Return a member that must be there."""
    if name not in answer:
        raise RemoteAnswerInvalid(f"Akash's answer to {asked} lacks {name!r}")
    return answer[name]
