"""Promoters that race for the pointer, over a network that loses replies: one wins, all are told right."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from infra.store.s3_connection import S3Credentials
from infra.store.seaweedfs import seaweedfs
from tasks.ledger import entries
from tests.faults.verdict import Verdict
from tests.infra.store.fault_proxy import fault_proxy
from tests.promoters import Arena, race, wrongs

_PROMOTERS = 8
_LOSSY = 0.2  # of all rounds
_BUCKET = "faults"
_LOST = 0.6  # of the replies to PUT, which creates entries and swaps the pointer
_SIDE_BY_SIDE = 5  # arenas: a loser waits for SeaweedFS for a second, and another arena goes on
_SUITE = "promoters"


def promoters(folder: Path, *, rounds: int, seed: int) -> Iterator[Verdict]:
    """Race round after round; in a fifth of the rounds 60 % of the replies to PUT are lost."""
    lossy = int(rounds * _LOSSY)
    with (
        seaweedfs(folder / "promoters", bucket=_BUCKET) as server,
        fault_proxy(server.endpoint_url or "") as proxy,
    ):
        proxy.lose_replies(f"PUT /{_BUCKET}/", share=_LOST, seed=seed)
        far = replace(server, endpoint_url=proxy.url)
        yield from _raced(_arenas(f"s3://{_BUCKET}/far", lossy, far), f"{_LOST:.0%} of PUT replies lost")
        yield from _raced(_arenas(f"s3://{_BUCKET}/near", rounds - lossy, server), "SeaweedFS")


def _arenas(url: str, rounds: int, server: S3Credentials) -> list[Arena]:
    """Share rounds out as evenly as can be."""
    shares = [rounds // _SIDE_BY_SIDE + (number < rounds % _SIDE_BY_SIDE) for number in range(_SIDE_BY_SIDE)]
    return [Arena(number, url, share, server) for number, share in enumerate(shares, start=1) if share]


def _raced(arenas: Sequence[Arena], where: str) -> Iterator[Verdict]:
    claims = race(arenas, promoters=_PROMOTERS)
    ledger = entries(arenas[0].store()) if arenas else []
    for arena in arenas:
        for number, (winner, found) in enumerate(wrongs(arena, claims, ledger), start=1):
            name = f"{where}, pointer {arena.number}, promotion {number}"
            yield Verdict(_SUITE, name, tuple(found), f"{winner} of {_PROMOTERS}")
