"""A refit through a real server, on pairs of two lenses that are known exactly."""

from pathlib import Path
from typing import Any, cast

import pytest
from prefect.client.schemas.objects import State

from flows.refit import refit
from flows.render import render
from gpu.coordinates import ImageSize
from infra.store.interface import ObjectStore
from tasks.domain.refit import RefitCandidate
from tasks.domain.schemas import RunManifest
from tasks.fsck import fsck
from tests.lens_pairs import filled, taken_pair

SIZE = ImageSize(1024, 683)
LENSES = {"ash": -0.10, "birch": -0.10, "cedar": -0.04, "elm": -0.04}

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four listings of three pairs, five pairs that teach nothing, and the originals apart."""
    folder = tmp_path_factory.mktemp("data")
    training, originals = folder / "lens-correction-train-cleaned", folder / "test-originals"
    for made in (training, originals):
        made.mkdir()
    for place, (name, bend) in enumerate(LENSES.items()):
        for number in range(3):
            original, target = taken_pair(filled(0.0, bend, size=SIZE), seed=10 * place + number, size=SIZE)
            (training / f"{name}_g{number}_original.jpg").write_bytes(original)
            (training / f"{name}_g{number}_generated.jpg").write_bytes(target)
            (originals / f"{name}_g{number}.jpg").write_bytes(original)
    original, target = taken_pair(filled(0.0, -0.10, size=SIZE), seed=99, size=SIZE)
    low = ImageSize(1024, 682)
    _, smaller = taken_pair(filled(0.0, -0.10, size=low), seed=99, size=low)
    teach_nothing = {
        "oak_g0": (target, original),
        "oak_g1": (original, original),
        "oak_g2": (original, smaller),
        "oak_g3": (original, None),
        "oak_g4": (original, target[: len(target) // 2]),
    }
    for pair_id, bodies in teach_nothing.items():
        for kind, body in zip(("original", "generated"), bodies, strict=True):
            if body is not None:
                (training / f"{pair_id}_{kind}.jpg").write_bytes(body)
    return folder


def ended(state: object) -> State[Any]:
    return cast("State[Any]", state)


def test_a_refit_leaves_a_candidate_that_a_render_can_name(pairs: Path, store: ObjectStore) -> None:
    done = ended(refit(str(pairs), held_out=0.4, sample=4, seed=5, return_state=True))
    assert done.is_completed(), done.message
    candidate: RefitCandidate = done.result()
    assert (candidate.found, candidate.fitted, candidate.used, candidate.listings) == (15, 15, 12, 5)
    assert candidate.already_corrected == 1
    assert {one.file_name: one.code for one in candidate.quarantined} == {
        "oak_g0_original.jpg": "swapped",
        "oak_g2_generated.jpg": "unequal_sizes",
        "oak_g3_original.jpg": "no_partner",
        "oak_g4_original.jpg": "truncated",
    }
    assert "4 files quarantined (1 no_partner, 1 swapped, 1 truncated, 1 unequal_sizes)" in str(done.message)
    assert all("exchanged" in one.reason for one in candidate.quarantined if one.code == "swapped")
    assert 1 <= candidate.listings_held_out <= 4
    means = {(one.method, one.table): one.proxy_mean for one in candidate.figures}
    assert len(means) == 6
    assert means["calibguard_dim", "candidate"] > means["calibguard_dim", "shipped"]
    assert means["shoot_atlas", "candidate"] > 60.0  # by lines, under a lens or two and the shipped ones
    in_order = [one.proxy_mean for one in candidate.figures]
    assert in_order == sorted(in_order)  # the worst first
    assert fsck(store).is_clean

    again: RefitCandidate = ended(refit(str(pairs), held_out=0.0, return_state=True)).result()
    assert (again.fitted, again.figures) == (0, ())

    options = {"method": "shoot_atlas", "table": candidate.name, "artifact_tag": "refit"}
    rendered = ended(render(str(pairs), **options, return_state=True))
    assert rendered.is_completed(), rendered.message
    manifest: RunManifest = rendered.result()
    assert manifest.table_digest == candidate.tables["shoot_atlas"]
    unknown = ended(render(str(pairs), table="candidate_20000101_000000", return_state=True))
    assert "has no candidate_20000101_000000" in str(unknown.message)


def test_a_folder_without_pairs_is_one_sentence(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "empty").mkdir()
    state = ended(refit(str(tmp_path / "empty"), return_state=True))
    assert state.is_failed()
    assert "pair" in str(state.message)
    assert list(store.list("candidates/")) == []
