"""Evidence that is altered, swapped or replaced behind the store's back: nothing may be promoted on it."""

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Final

from infra.store.local import LocalStore
from tasks.failures import SENTENCES
from tasks.keys import champion_key, decision_key, manifest_key, plan_key, score_prefix, submission_key
from tasks.photo_workers import PhotoWorkers, open_photo_workers
from tasks.promotion import Verdict as Decided
from tasks.promotion import concluded
from tests.faults.verdict import Verdict
from tests.judged import FAR, NEAR, NEARER
from tests.judged_store import JUDGE, JudgedStore
from tests.quick_folder import quick_folder

_DECISION: Final = "decision"
_WAYS: Final = ("swapped", "altered", "the champion's")


@dataclass(frozen=True)
class _Scene:
    """A store with a champion, and a candidate that the gates would make champion."""

    judged: JudgedStore
    folder: Path
    champion: str
    candidate: str

    def copied(self, folder: Path) -> "_Scene":
        """A copy made of links, so that what is tampered with must be a new file."""
        copytree(self.folder, folder, copy_function=os.link)
        judged = JudgedStore(LocalStore(folder), self.judged.folder, self.judged.workers, now=self.judged.now)
        return _Scene(judged, folder, self.champion, self.candidate)

    def promoted(self) -> tuple[bytes, list[str]]:
        """The pointer's bytes and the keys of all promotions that the ledger tells."""
        ledger = sorted(path.name for path in (self.folder / "ledger").glob("*_promoted_*"))
        return (self.folder / champion_key(JUDGE)).read_bytes(), ledger


def tampering(*, count: int, seed: int) -> Iterator[Verdict]:
    """Tamper with two pieces of evidence at a time; the same seed tampers alike."""
    with quick_folder() as top, open_photo_workers(processes=1, timeout_s=60, memory_mb=2048) as workers:
        scene = _scene(top, workers)
        untouched = scene.copied(top / "untouched")
        if concluded(untouched.judged.decide(scene.candidate), untouched.judged.store) != "promoted":
            raise RuntimeError("the candidate is not promoted on evidence that nobody touched")
        for number in range(count):
            choices = random.Random(f"{seed} {number}")  # noqa: S311  the same again, not secrets
            yield _tampered(scene.copied(top / f"{number:03d}"), number, choices)


def _scene(top: Path, workers: PhotoWorkers) -> _Scene:
    judged = JudgedStore(LocalStore(top / "store"), top, workers)
    judged.judged("far", FAR, [20.0] * judged.photos, method="global_grid")
    champion = judged.judged("near", NEAR, [40.0] * judged.photos)
    concluded(judged.decide(champion), judged.store)
    candidate = judged.judged("nearer", NEARER, [41.0] * judged.photos)
    return _Scene(judged, top / "store", champion, candidate)


def _tampered(scene: _Scene, number: int, choices: random.Random) -> Verdict:
    way = _WAYS[number % len(_WAYS)]
    pieces = _pieces(scene.folder, scene.candidate)
    names = choices.sample([*pieces, _DECISION], 2)
    # A decision can be tampered with once it is taken, and what goes with it then as well.
    decided = scene.judged.decide(scene.candidate) if _DECISION in names else None
    theirs = _pieces(scene.folder, scene.champion)
    if decided is not None and decided.reign.pointer is not None:
        pieces[_DECISION] = decided.key
        theirs[_DECISION] = decision_key(scene.champion, decided.reign.pointer.decision_sha256)
    _tamper(scene.folder, [(pieces[name], theirs[name]) for name in names], way, choices)
    before = scene.promoted()
    refused, said = _carried_out(scene, decided)
    found = [] if refused else ["it was promoted"]
    if scene.promoted() != before:
        found.append("the pointer moved, or the ledger tells of a promotion")
    if not said or not said.isprintable():
        found.append(f"what is said is no sentence: {said!a}")
    injection = f"{number:03d} {names[0]} and {names[1]}: {way}"
    return Verdict("tampering", injection, tuple(found), said.replace(f"{scene.judged.store.url}/", ""))


def _pieces(folder: Path, name: str) -> dict[str, str]:
    """Key of each piece of evidence of a run; the pointer is every run's."""
    keys = {
        "zip": submission_key(name),
        "manifest": manifest_key(name),
        "plan": plan_key(name),
        "pointer": champion_key(JUDGE),
    }
    scores = {"CSV": "scored.csv", "summary": "summary.json", "scored record": "scored.json"}
    prefix = score_prefix(JUDGE, name, "*")
    patterns = {piece: f"{prefix}{file}" for piece, file in scores.items()}
    patterns |= {
        f"entry {event}": f"ledger/*_{event}_{name}_*" for event in ("rendered", "submitted", "scored")
    }
    for piece, pattern in patterns.items():
        (found,) = folder.glob(pattern)
        keys[piece] = found.relative_to(folder).as_posix()
    return keys


def _tamper(folder: Path, keys: list[tuple[str, str]], way: str, choices: random.Random) -> None:
    """Swap the two, alter both, or put the champion's in the place of both; what they share is altered."""
    bodies = [(folder / own).read_bytes() for own, _ in keys]
    if way == "swapped":
        bodies.reverse()
    else:
        theirs = [(folder / other).read_bytes() for _, other in keys]
        bodies = [
            _altered(own, choices) if way == "altered" or own == other else other
            for own, other in zip(bodies, theirs, strict=True)
        ]
    for (own, _), body in zip(keys, bodies, strict=True):
        (folder / own).unlink()
        (folder / own).write_bytes(body)


def _altered(body: bytes, choices: random.Random) -> bytes:
    """Another digit in the place of one, as one would alter a score; bytes of photos are digits, too."""
    places = [place for place, byte in enumerate(body) if byte in b"0123456789"]
    place = choices.choice(places)
    digit = choices.choice(b"0123456789".replace(body[place : place + 1], b""))
    return body[:place] + bytes([digit]) + body[place + 1 :]


def _carried_out(scene: _Scene, decided: Decided | None) -> tuple[bool, str]:
    """Whether a promotion was refused, and what is said."""
    try:
        verdict = decided or scene.judged.decide(scene.candidate)
        return concluded(verdict, scene.judged.store) != "promoted", "; ".join(verdict.reasons)
    except SENTENCES as error:
        return True, str(error)
