"""Entries of the ledger, made of as little as a test needs to say."""

from typing import Final

from tasks.domain.ledger import ChampionPointer, LedgerEntry
from tasks.domain.score_schemas import Judge

PORTAL: Final = Judge(name="portal", version="1", metric_profile="portal", target_set_digest="0" * 64)
NOON: Final = "2026-11-23T12:00:00+00:00"


def entry(event: str, name: str, mean: float | None = None, *, at: str = NOON, **more: object) -> LedgerEntry:
    members = {"event": event, "name": name, "at": at, "family": "f", "judge": PORTAL, "mean": mean}
    return LedgerEntry.model_validate(members | more)


def promotion(name: str, generation: int, mean: float = 40.0, *, at: str = NOON) -> LedgerEntry:
    return entry("promoted", name, mean, at=at, pointer=pointer(name, generation, mean, at=at))


def pointer(name: str, generation: int, mean: float = 40.0, *, at: str = NOON) -> ChampionPointer:
    return ChampionPointer(
        generation=generation,
        name=name,
        family="f",
        judge=PORTAL,
        mean=mean,
        submission_sha256="1" * 64,
        manifest_sha256="2" * 64,
        decision_sha256="3" * 64,
        previous=None,
        decided_at=at,
        nonce=f"{name} {generation}",
    )
