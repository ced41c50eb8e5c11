import hashlib
import io
import zipfile
from pathlib import Path
from typing import cast

import pytest
from prefect.client.schemas.objects import State

from deployments.catalog import RENDER, Deployment, catalog
from flows.render import render
from infra.store.interface import ObjectStore
from tasks import reporting
from tasks.domain.schemas import RunManifest
from tests.photos import jpeg, listing_ids

RENDERS = [entry for entry in catalog() if entry.entrypoint == RENDER]

pytestmark = pytest.mark.usefixtures("prefect_api")


def manifests(store: ObjectStore) -> list[RunManifest]:
    keys = [found.key for found in store.list("runs/") if found.key.endswith("/manifest.json")]
    return [RunManifest.model_validate_json(store.read(key)) for key in keys]


def run(photos: Path, **parameters: object) -> State[object]:
    return cast("State[object]", render(str(photos), **parameters, return_state=True))


@pytest.mark.parametrize("entry", RENDERS, ids=lambda entry: entry.name)
def test_every_render_deployment_leaves_a_zip_that_its_manifest_describes(
    photos: Path, store: ObjectStore, entry: Deployment
) -> None:
    parameters = entry.parameters
    state = run(photos, **parameters, shard_size=4)
    assert (state.type.value, state.name) == ("COMPLETED", "Completed")
    (manifest,) = manifests(store)
    zipped = store.read(manifest.submission.key)
    assert hashlib.sha256(zipped).hexdigest() == manifest.submission.sha256
    assert manifest.submission.sha256 in str(state.message)
    names = zipfile.ZipFile(io.BytesIO(zipped)).namelist()
    assert names == [f"{photo_id}.jpg" for photo_id in listing_ids(10)]
    assert manifest.request.variant == parameters["variant"]
    assert manifest.provenance.parameters["method"] == parameters["method"]
    assert (manifest.rendered, len(manifest.shards), manifest.submittable) == (10, 3, True)
    assert store.head(manifest.contact_sheet) is not None


def test_two_runs_of_the_same_photos_give_byte_identical_zips_under_two_names(
    photos: Path, store: ObjectStore
) -> None:
    for _ in range(2):
        run(photos, shard_size=4)
    first, second = manifests(store)
    assert first.submission.key != second.submission.key
    assert store.read(first.submission.key) == store.read(second.submission.key)


def test_a_bad_photo_is_quarantined_and_the_other_nine_are_rendered(photos: Path, store: ObjectStore) -> None:
    clean = run(photos, shard_size=4)
    (before,) = manifests(store)
    (photos / "home000_g0.jpg").write_bytes(jpeg()[:3000])
    state = run(photos, shard_size=4)
    assert clean.is_completed()
    assert (state.type.value, state.name) == ("COMPLETED", "Quarantined")
    after = manifests(store)[-1]
    assert [photo.file_name for photo in after.quarantined] == ["home000_g0.jpg"]
    assert after.submittable is False

    def zipped(manifest: RunManifest) -> dict[str, bytes]:
        archive = zipfile.ZipFile(io.BytesIO(store.read(manifest.submission.key)))
        return {name: archive.read(name) for name in archive.namelist()}

    expected = zipped(before)
    del expected["home000_g0.jpg"]
    assert zipped(after) == expected


def test_a_server_that_takes_no_artifacts_costs_no_run(
    photos: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("503 Service Unavailable")

    for name in ("create_progress_artifact", "create_table_artifact", "create_markdown_artifact"):
        monkeypatch.setattr(reporting, name, refuse)
    assert run(photos).is_completed()
    assert len(manifests(store)) == 1


def test_a_run_without_one_photo_that_decodes_fails_and_names_the_first(
    tmp_path: Path, store: ObjectStore
) -> None:
    damaged = bytearray(jpeg())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 300] = bytes(300)
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "home_g0.jpg").write_bytes(damaged)
    state = run(folder)
    assert state.is_failed()
    assert "no photo could be rendered; the first, home_g0.jpg" in str(state.message)
    assert manifests(store) == []


def test_quarantined_photos_that_the_user_accepts_do_not_bar_submission(
    photos: Path, store: ObjectStore
) -> None:
    (photos / "page.jpg").write_bytes(b"<html>")
    run(photos, accept_quarantined=True)
    assert manifests(store)[0].submittable is True


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"photos": "nowhere"}, "photo folder 'nowhere' does not exist; name an existing one"),
        ({"method": "magic"}, "there is no method 'magic'; there are calibguard_dim"),
        ({"variant": "bold"}, "has no variant 'bold'"),
        ({"table": "nowhere.json"}, "table 'nowhere.json' cannot be read"),
        ({"backend": "cupy"}, "cupy"),
    ],
)
def test_what_cannot_be_done_fails_the_run_in_one_sentence_without_a_traceback(
    photos: Path,
    store: ObjectStore,
    parameters: dict[str, str],
    sentence: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    state = run(Path(parameters.pop("photos", str(photos))), **parameters)
    assert state.is_failed()
    assert sentence in str(state.message)
    printed = capfd.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert manifests(store) == []


def test_a_user_table_decides_every_coefficient(photos: Path, store: ObjectStore, tmp_path: Path) -> None:
    table = tmp_path / "own.json"
    table.write_text(
        '{"schema_version": 1, "name": "own", "source": "a test", "pair": {"k1": -0.1, "k2": 0.2}}'
    )
    run(photos, method="global_grid", table=str(table), interpolation="linear", border="replicate")
    (manifest,) = manifests(store)
    (use,) = manifest.routes
    assert use.warp.model_dump() == {"kind": "legacy", "k1": -0.1, "k2": 0.2, "alpha": 0.0}
    assert (use.interpolation, use.border, use.coefficient_source) == ("linear", "replicate", "loaded")
