"""Gathers what gates G4 and G8 ask of a run: how new its photos are, and what is left of their texture."""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile

from infra.errors import ObjectMissing
from infra.store.interface import ObjectStore
from tasks.champion import reigning
from tasks.domain.fingerprints import SetFingerprint, bucket_textures
from tasks.domain.gates.records import BucketTexture, GatePolicy, NoveltyEvidence
from tasks.domain.ledger import LedgerEntry
from tasks.domain.score_schemas import Judge
from tasks.evidence import Run, read_run
from tasks.fingerprints import input_fingerprint, novelty_evidence, output_fingerprint
from tasks.keys import fingerprint_key


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a run's photos."""

    novelty: NoveltyEvidence
    textures: tuple[BucketTexture, ...]
    seals: dict[str, str]
    """Key and SHA-256 of the fingerprints of its photos and of their originals."""


def measure(
    run: Run, judge: Judge, ledger: Sequence[LedgerEntry], policy: GatePolicy, store: ObjectStore
) -> Measured:
    """Measure a run beside all that this judge was sent before.

    Photos are opened only where their numbers are not kept yet.

    Raises:
        DomainError: Something that is there is damaged, or an original is no longer the one rendered.
        ObjectMissing: The run's own zip is gone.
    """
    name = run.manifest.name
    earlier = [read_run(sent, ledger, store).manifest for sent in _sent_before(name, judge, ledger)]
    outputs = output_fingerprint(run.manifest, store)
    inputs = input_fingerprint(run, store)
    novelty = novelty_evidence(
        name, run.manifest, earlier, store, near_duplicate_levels=policy.near_duplicate_levels
    )
    champion = _champion_fingerprint(name, judge, ledger, store)
    keys = [fingerprint_key(one.digest) for one in (outputs, inputs)]
    return Measured(
        novelty=novelty,
        textures=bucket_textures(outputs, inputs, champion),
        seals={key: hashlib.sha256(store.read(key)).hexdigest() for key in keys},
    )


def _sent_before(name: str, judge: Judge, ledger: Sequence[LedgerEntry]) -> list[str]:
    """Name what was sent before the run was first: of two equal ones that are sent at once, one goes on."""
    sent = dict.fromkeys(one.name for one in ledger if one.event == "submitted" and one.judge == judge)
    return list(takewhile(lambda other: other != name, sent))


def _champion_fingerprint(
    name: str, judge: Judge, ledger: Sequence[LedgerEntry], store: ObjectStore
) -> SetFingerprint | None:
    pointer = reigning(judge, store).pointer
    if pointer is None or pointer.name == name:
        return None
    with suppress(ObjectMissing):  # its zip is gone, which no command of ours does
        return output_fingerprint(read_run(pointer.name, ledger, store).manifest, store)
    return None
