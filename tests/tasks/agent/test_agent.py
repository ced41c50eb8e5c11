"""The agent as a process of its own against a real S3 server, from the specification to the taken shards."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.agent import store as agent_store
from tasks.agent.environment import Surroundings
from tasks.agent.journal import Journal
from tasks.agent.life import live
from tasks.agent.sources import code_digest
from tasks.batching import cancel_batch, clear_batch
from tasks.domain.batches import read_heartbeat
from tasks.domain.schemas import RenderRequest
from tasks.keys import input_key, photo_key
from tasks.photo_workers import PhotoWorkers
from tasks.planning import engine_here
from tasks.rendering import finished_shard, rendered_shard
from tests.photos import fill_folder, jpeg, listing_ids
from tests.remote_batch import RemoteBatch, run_agent, sent_batch, start_agent
from tests.waiting import wait_until

NOBODY = "http://127.0.0.1:9/nobody"  # listens there


def test_an_agent_renders_the_same_bytes_as_this_machine(batch: RemoteBatch, workers: PhotoWorkers) -> None:
    status, _ = run_agent(batch)
    outcome = batch.take(workers)
    here = [rendered_shard(shard, batch.engine, batch.folder, workers, batch.store) for shard in batch.shards]
    assert status == 0
    assert (list(outcome.taken), outcome.refused, outcome.missing) == (here, (), ())
    assert [finished_shard(shard, batch.store) for shard in batch.shards] == here


def test_a_manifest_tells_what_ran_where_and_how_long(batch: RemoteBatch) -> None:
    run_agent(batch)
    manifest = batch.manifest()
    assert (manifest.ok, manifest.reason, manifest.code) == (True, "done", code_digest())
    assert manifest.versions == engine_here("opencv", quality=95).versions
    assert manifest.device
    assert manifest.fetch_s > 0
    assert manifest.render_s > 0
    assert manifest.upload_s > 0
    assert [record.digest for record in manifest.shards] == [shard.digest for shard in batch.shards]


def test_a_heartbeat_counts_what_is_done(batch: RemoteBatch) -> None:
    run_agent(batch, environment={"KAGGLE_CONTAINER_NAME": "kernel-123"})
    beat = read_heartbeat(batch.store.read(batch.keys.heartbeat))
    assert (beat.photos, beat.photos_done, beat.shards_done, beat.container) == (8, 8, 2, "kernel-123")


def test_an_ended_batch_leaves_no_urls_and_no_copies(batch: RemoteBatch) -> None:
    run_agent(batch)
    clear_batch(batch.keys, batch.store)
    left = [found.key.removeprefix(batch.keys.prefix) for found in batch.store.list(batch.keys.prefix)]
    records = sorted(f"shards/{shard.digest}.json" for shard in batch.shards)
    assert left == ["heartbeat.json", "log.txt", "manifest.json", *records, "taken"]


@pytest.mark.parametrize("damage", ["other bytes", "longer", "missing"])
def test_a_damaged_input_costs_its_shard_only(batch: RemoteBatch, workers: PhotoWorkers, damage: str) -> None:
    photo = batch.shards[0].photos[1].photo
    true = batch.store.read(input_key(photo.sha256))
    batch.store.delete(input_key(photo.sha256))
    if damage != "missing":
        body = true + b"x" if damage == "longer" else true[::-1]
        batch.store.create(input_key(photo.sha256), body)
    status, _ = run_agent(batch)
    manifest, outcome = batch.manifest(), batch.take(workers)
    assert (status, manifest.ok, manifest.reason) == (1, False, "inputs_damaged")
    assert photo.id in manifest.sentence
    assert [record.digest for record in outcome.taken] == [batch.shards[1].digest]
    assert outcome.missing == (0,)


def test_a_photo_that_is_damaged_for_good_is_quarantined_there_as_here(
    render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers
) -> None:
    folder = fill_folder(Path(render_request.photos_folder), listing_ids(4))
    damaged = bytearray(jpeg())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 300] = bytes(300)
    (folder / "home000_g1.jpg").write_bytes(damaged)
    batch = sent_batch(render_request, store)
    assert run_agent(batch)[0] == 0
    (taken,) = batch.take(workers).taken
    assert [(photo.file_name, photo.code) for photo in taken.quarantined] == [("home000_g1.jpg", "damaged")]


@pytest.mark.parametrize("layout", ["slug", "datasets/owner/slug/unpacked"])
def test_a_mounted_input_is_taken_by_name_and_digest(batch: RemoteBatch, tmp_path: Path, layout: str) -> None:
    mounted = tmp_path / "input" / layout
    mounted.mkdir(parents=True)
    for shard in batch.shards:
        for routed in shard.photos:
            name = f"{routed.photo.id}.jpg"
            (mounted / name).write_bytes((batch.folder / name).read_bytes())
            batch.store.delete(input_key(routed.photo.sha256))
    status, output = run_agent(batch, environment={"CALIBGUARD_INPUT_ROOT": str(tmp_path / "input")})
    assert (status, batch.manifest().reason) == (0, "done"), output


def test_a_mounted_file_of_the_right_name_and_other_bytes_is_passed_over(
    batch: RemoteBatch, tmp_path: Path
) -> None:
    mounted = tmp_path / "input" / "slug"
    mounted.mkdir(parents=True)
    (mounted / "home000_g0.jpg").write_bytes(jpeg(seed=99))
    assert run_agent(batch, environment={"CALIBGUARD_INPUT_ROOT": str(tmp_path / "input")})[0] == 0


def test_a_machine_with_other_versions_refuses_and_names_them(batch: RemoteBatch) -> None:
    versions = {**batch.engine.versions, "renderer": "0" * 16}
    batch.alter_spec(engine=batch.engine.model_copy(update={"versions": versions}))
    status, _ = run_agent(batch)
    manifest = batch.manifest()
    assert (status, manifest.reason) == (1, "wrong_engine")
    assert f"renderer {batch.engine.versions['renderer']!r} where '{'0' * 16}'" in manifest.sentence
    assert list(batch.store.list(f"{batch.keys.prefix}photos/")) == []


def test_a_machine_without_the_gpu_that_was_asked_for_says_so(batch: RemoteBatch) -> None:
    batch.alter_spec(accelerator="cuda")
    # a driver that shows no device: the same word as on a machine that has none
    status, _ = run_agent(batch, environment={"CUDA_VISIBLE_DEVICES": ""})
    assert (status, batch.manifest().reason) == (1, "wrong_accelerator")
    assert "cupy" in batch.manifest().sentence


def test_a_cancelled_batch_stops_between_photos_and_says_so(
    render_request: RenderRequest, store: ObjectStore
) -> None:
    fill_folder(Path(render_request.photos_folder), listing_ids(120), width=960, height=640)
    batch = sent_batch(render_request, store)
    agent = start_agent(batch.sent.spec_url)
    wait_until(lambda: store.head(batch.keys.heartbeat), within_s=60, what="the first sign of life")
    cancel_batch(batch.keys, store)
    agent.communicate(timeout=120)
    manifest = batch.manifest()
    assert (agent.returncode, manifest.ok, manifest.reason) == (1, False, "cancelled")
    assert len(manifest.shards) < len(batch.shards)


def test_an_agent_that_its_host_ends_leaves_a_manifest(
    render_request: RenderRequest, store: ObjectStore
) -> None:
    fill_folder(Path(render_request.photos_folder), listing_ids(120), width=960, height=640)
    batch = sent_batch(render_request, store)
    agent = start_agent(batch.sent.spec_url)
    wait_until(lambda: store.head(batch.keys.heartbeat), within_s=60, what="the first sign of life")
    agent.send_signal(signal.SIGTERM)
    agent.communicate(timeout=120)
    assert batch.manifest().reason == "cancelled"


def test_what_was_finished_before_the_agent_was_killed_is_taken_without_a_manifest(
    render_request: RenderRequest, store: ObjectStore, workers: PhotoWorkers
) -> None:
    fill_folder(Path(render_request.photos_folder), listing_ids(120), width=960, height=640)
    batch = sent_batch(render_request, store)
    agent = start_agent(batch.sent.spec_url)
    first = batch.keys.record(batch.shards[0].digest)
    wait_until(lambda: store.head(first), within_s=60, what="the first shard's record")
    agent.kill()
    agent.communicate(timeout=60)
    outcome = batch.take(workers)
    assert outcome.manifest is None
    assert outcome.taken
    assert outcome.refused == ()
    assert len(outcome.taken) + len(outcome.missing) == len(batch.shards)


@pytest.mark.parametrize("limit", ["deadline", "lifetime"])
def test_an_agent_stops_when_its_time_is_up(batch: RemoteBatch, limit: str) -> None:
    if limit == "deadline":
        batch.alter_spec(deadline=datetime.now(UTC) - timedelta(seconds=1))
    status, _ = run_agent(
        batch, environment={"CALIBGUARD_MAX_LIFETIME_S": "0.001"} if limit == "lifetime" else {}
    )
    assert (status, batch.manifest().reason, batch.manifest().shards) == (1, "deadline", ())


def test_a_second_start_after_the_manifest_renders_nothing(batch: RemoteBatch) -> None:
    run_agent(batch)
    before = [(found.key, found.version) for found in batch.store.list(batch.keys.prefix)]
    status, output = run_agent(batch)
    assert status == 0
    assert "finished before this start: done" in output
    assert [(found.key, found.version) for found in batch.store.list(batch.keys.prefix)] == before


def test_a_second_start_without_a_manifest_takes_finished_shards_and_stored_photos(
    batch: RemoteBatch, workers: PhotoWorkers
) -> None:
    run_agent(batch)
    batch.store.delete(batch.keys.manifest)
    batch.store.delete(batch.keys.record(batch.shards[1].digest))
    batch.store.delete(input_key(batch.shards[0].photos[0].photo.sha256))  # the first shard needs none
    assert run_agent(batch)[0] == 0
    assert len(batch.take(workers).taken) == 2


@pytest.mark.parametrize("blind", ["manifest", "records"])
def test_a_store_that_is_away_while_earlier_words_are_looked_for_ends_nothing(
    batch: RemoteBatch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, blind: str
) -> None:
    monkeypatch.setattr(agent_store, "_PAUSES_S", ())
    spec = batch.spec()
    if blind == "manifest":
        batch.alter_spec(manifest=spec.manifest.model_copy(update={"get": NOBODY}))
    else:
        record = spec.shards[0].record.model_copy(update={"get": NOBODY})
        batch.alter_spec(shards=(spec.shards[0].model_copy(update={"record": record}), *spec.shards[1:]))
    around = Surroundings(batch.sent.spec_url, None, tmp_path, None, 0, None)
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert live(around, Journal()) == "done"
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(batch.manifest().shards) == len(batch.shards)


def test_a_place_that_holds_other_bytes_ends_the_batch(batch: RemoteBatch) -> None:
    shard = batch.shards[0]
    batch.store.create(batch.keys.photo(shard.digest, shard.photos[0].photo.id), b"somebody else's")
    assert run_agent(batch)[0] == 1
    assert batch.manifest().reason == "store_refused"
    assert "other bytes" in batch.manifest().sentence


def test_an_agent_without_leave_renders_nothing(batch: RemoteBatch) -> None:
    agent = start_agent(batch.sent.spec_url.replace("X-Amz-Signature=", "X-Amz-Signature=0"))
    output, _ = agent.communicate(timeout=60)
    assert agent.returncode == 1
    assert "403" in output
    assert batch.store.head(batch.keys.heartbeat) is None


def test_an_agent_without_a_specification_says_which_variable_it_misses() -> None:
    agent = start_agent("")
    output, _ = agent.communicate(timeout=60)
    assert agent.returncode == 2
    assert "CALIBGUARD_SPEC_URL" in output


def test_no_secret_enters_output_log_heartbeat_or_manifest(batch: RemoteBatch) -> None:
    # an input that is missing and a place that is taken bring URLs near an error text
    batch.store.delete(input_key(batch.shards[0].photos[0].photo.sha256))
    batch.store.create(batch.keys.photo(batch.shards[1].digest, batch.shards[1].photos[0].photo.id), b"x")
    _, output = run_agent(batch, environment={"CALIBGUARD_AGENT_TOKEN": "canary-token"})
    kept = [
        batch.store.read(key).decode() for key in (batch.keys.log, batch.keys.heartbeat, batch.keys.manifest)
    ]
    signatures = {
        url.partition("X-Amz-Signature=")[2][:64] for url in _urls(json.loads(batch.spec().model_dump_json()))
    }
    assert len(signatures) > 20
    for text in (output, *kept):
        assert [secret for secret in (*signatures, "canary-token", "X-Amz-") if secret in text] == []


def test_a_specification_shows_no_url(batch: RemoteBatch) -> None:
    assert "http" not in repr(batch.spec())
    assert "http" not in repr(batch.sent)


def test_an_idle_agent_answers_who_bears_the_token_and_stays(batch: RemoteBatch) -> None:
    port = 20_000 + os.getpid() % 10_000
    agent = start_agent(
        batch.sent.spec_url,
        "--idle",
        environment={"CALIBGUARD_AGENT_TOKEN": "token", "CALIBGUARD_STATUS_PORT": str(port)},
    )
    try:
        wait_until(lambda: batch.store.head(batch.keys.manifest), within_s=90, what="the manifest")
        wait_until(lambda: _status(port, "token") == (200, "done"), within_s=60, what="the word 'done'")
        assert _status(port, "wrong") == (401, "unauthorised")
        assert _status(port, None) == (401, "unauthorised")
        time.sleep(0.5)
        assert agent.poll() is None
    finally:
        agent.terminate()
        agent.communicate(timeout=30)
    assert agent.returncode == 0


def _status(port: int, token: str | None) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/status")
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  loopback
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode().strip()


def _urls(node: object) -> list[str]:
    if isinstance(node, dict):
        return [url for value in node.values() for url in _urls(value)]
    if isinstance(node, list):
        return [url for value in node for url in _urls(value)]
    return [node] if isinstance(node, str) and "X-Amz-Signature=" in node else []


def test_photos_of_the_local_run_and_the_agent_lie_under_one_key(
    batch: RemoteBatch, workers: PhotoWorkers
) -> None:
    run_agent(batch)
    batch.take(workers)
    shard = batch.shards[0]
    for routed in shard.photos:
        staged = batch.store.read(batch.keys.photo(shard.digest, routed.photo.id))
        assert batch.store.read(photo_key(shard.digest, routed.photo.id)) == staged
