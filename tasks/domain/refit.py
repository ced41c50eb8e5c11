"""What a refit of the lens atlas is asked for and leaves: a candidate with figures on listings it never saw.

The figures are proxy, like those of a diagnosis: they say whether a candidate is worth a submission, and no
gate reads them.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from pydantic import Field

from tasks.domain.naming import STAMP, listing_of
from tasks.domain.pairs import TrainingPair
from tasks.domain.schemas import Provenance, QuarantinedPhoto, Record, Sha256

CANDIDATE_NAME: Final = re.compile(r"candidate_[0-9]{8}_[0-9]{6}")

MEASURED: Final = (("shoot_atlas", "safe"), ("calibguard_dim", "balanced"), ("dim_bucket_microgrid", None))
"""Methods that a refit makes a table for, with the variant that held-out listings are measured with; None
where there is one only."""


class RefitRequest(Record):
    """What the user asked for."""

    pairs_folder: str
    held_out: float = Field(ge=0.0, le=0.5)
    """Share of the listings that are measured on, and learned from only after that."""
    sample: int = Field(ge=1)
    """Held-out pairs of each bucket that are rendered and measured at most."""
    seed: int
    """Another seed holds other listings out."""


class HeldOutFigures(Record):
    """How one table fared on held-out listings."""

    method: str
    variant: str
    table: str
    """``candidate``, or what renders take by default: the champion's run, or ``shipped``. A champion of
    another method or variant has figures of its own."""
    pairs: int = Field(ge=1)
    proxy_mean: float
    proxy_median: float
    zero_rate: float
    interval: tuple[float, float] | None
    """95 % interval of the mean, bootstrapped over listings."""


class RefitCandidate(Record):
    """A finished refit; written last, never changed, and never promoted by itself."""

    name: str
    """``candidate_<YYYYMMDD_HHMMSS>``, which ``-p table=`` takes."""
    created: str
    """ISO 8601 in UTC."""
    request: RefitRequest
    provenance: Provenance
    found: int
    """Usable pairs in the folder."""
    fitted: int
    """Of them fitted by this refit; the others were fitted before."""
    used: int
    """Pairs that taught a curve."""
    already_corrected: int
    """Pairs whose original needs no correction."""
    quarantined: tuple[QuarantinedPhoto, ...]
    """Files that make no pair, and originals of pairs that taught nothing."""
    listings: int
    listings_held_out: int
    tables: dict[str, Sha256]
    """Digest of the table of each method, learned from all listings."""
    figures: tuple[HeldOutFigures, ...]
    """The worst first; empty where no listing was held out, or none has a pair to measure on."""


def candidate_name(created: datetime) -> str:
    """Name the candidate of a refit that was asked for at this time."""
    return f"candidate_{created:{STAMP}}"


def split_listings(
    pairs: Iterable[TrainingPair], *, held_out: float, seed: int
) -> tuple[tuple[TrainingPair, ...], tuple[TrainingPair, ...]]:
    """Divide pairs into those to learn from and those held out; a listing is never divided.

    A listing's lot is drawn from seed and name alone, so a folder that grows moves none of them.
    """
    learn: list[TrainingPair] = []
    held: list[TrainingPair] = []
    for pair in pairs:
        (held if _lot(listing_of(pair.id), seed) < held_out else learn).append(pair)
    return tuple(learn), tuple(held)


def _lot(listing: str, seed: int) -> float:
    """A number in 0..1, the same for equal arguments."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{listing}".encode()).digest()[:8]) / 2**64
