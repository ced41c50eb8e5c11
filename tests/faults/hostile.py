"""All hostile photos among good ones in one run: each gets its verdict, and the good ones do not notice."""

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from tasks.domain.schemas import RunManifest
from tests.faults.bench import Bench
from tests.faults.history import manifests, wrongs
from tests.faults.processes import measured_memory
from tests.faults.verdict import Verdict
from tests.hostile_images import HostileFile, hostile_cases
from tests.photos import fill_folder, listing_ids

_GOOD = 100
_SHARD = 25


def hostile(bench: Bench) -> Iterator[Verdict]:
    """Render good photos alone and then among all hostile ones; one verdict for each hostile file."""
    ids = listing_ids(_GOOD)
    clean, _, _ = _rendered(bench, fill_folder(bench.folder / "photos-good", ids), "good")
    mixed = fill_folder(bench.folder / "photos-mixed", ids)
    cases = {_file_name(case): case for case in hostile_cases()}
    for name, case in cases.items():
        (mixed / name).write_bytes(case.content)
    found, manifest, measured = _rendered(bench, mixed, "mixed")
    yield Verdict("hostile", "the run", tuple(_wrong_run(clean, found, manifest)), measured)
    quarantined = {photo.file_name: (photo.code, photo.reason) for photo in manifest.quarantined}
    for name, case in cases.items():
        code, reason = quarantined.pop(name, (None, ""))
        yield Verdict(
            "hostile", name, tuple(_wrong_verdict(case, code, rendered=name in found)), reason or "accepted"
        )
    if quarantined:
        yield Verdict("hostile", "good photos", (f"quarantined: {sorted(quarantined)}",))


def _file_name(case: HostileFile) -> str:
    """A name that is fine, so that the content is judged."""
    return f"hostile_{case.name.replace('%', '')}"


def _rendered(bench: Bench, photos: Path, name: str) -> tuple[dict[str, bytes], RunManifest, str]:
    store = open_store(str(bench.folder / f"store-{name}"))
    run = bench.start(str(bench.folder / f"store-{name}"), photos, parameters={"shard_size": _SHARD})
    bench.started_process(run)
    began = time.monotonic()
    with measured_memory(run) as memory:
        state = bench.ended(run).state
    seconds = time.monotonic() - began
    if state is None or not state.is_completed():
        raise RuntimeError(f"the run of {photos.name} ended in {state!r}")
    (manifest,) = manifests(store)
    measured = (
        f"state {state.name}, {manifest.rendered} rendered, {len(manifest.quarantined)} quarantined, "
        f"{seconds:.1f} s from process to end, peak {memory.peak_mb:.0f} MB in all processes, "
        f"{memory.largest_process_mb:.0f} MB in the largest"
    )
    found = wrongs(store, zip_sha256=manifest.submission.sha256, runs={run: state.type.value})
    if found:
        raise RuntimeError("; ".join(found))
    return _zipped(store, manifest), manifest, measured


def _zipped(store: ObjectStore, manifest: RunManifest) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(store.read(manifest.submission.key)))
    return {name: archive.read(name) for name in archive.namelist()}


def _wrong_run(clean: dict[str, bytes], found: dict[str, bytes], manifest: RunManifest) -> Iterator[str]:
    different = [name for name, content in clean.items() if found.get(name) != content]
    if different or len(clean) != _GOOD:
        yield f"{len(different)} of {len(clean)} good photos differ from the clean run: {different[:3]}"
    if manifest.submittable:
        yield "the zip may be submitted although photos are missing from it"


def _wrong_verdict(case: HostileFile, code: str | None, *, rendered: bool) -> Iterator[str]:
    if rendered == (code is not None):
        yield f"rendered: {rendered}, verdict: {code}"
    if code != case.code:
        yield f"the verdict is {code or 'accepted'}, expected {case.code or 'accepted'}"
