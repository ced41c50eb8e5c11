"""Which table a run takes when it names none: the champion's, as sealed, or the shipped one."""

from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.domain.errors import DomainError
from tasks.domain.schemas import RenderRequest
from tasks.domain.tables import table_digest
from tasks.evidence import read_run
from tasks.keys import CHAMPIONS, manifest_key, table_key
from tasks.ledger import entries
from tasks.photo_workers import PhotoWorkers
from tasks.planning import chosen_method
from tasks.promoted_table import reigning_choice, table_of_run, with_promoted_table
from tasks.promotion import concluded
from tests.judged_store import JUDGE, JudgedStore

PAIR = (-0.12, 0.25)


@pytest.fixture
def judged(store: ObjectStore, tmp_path: Path, workers: PhotoWorkers) -> JudgedStore:
    return JudgedStore(store, tmp_path, workers)


@pytest.fixture
def bucket_request(render_request: RenderRequest) -> RenderRequest:
    return render_request.model_copy(update={"method": "dim_bucket_microgrid", "variant": None})


def crowned(judged: JudgedStore, tag: str, pair: tuple[float, float], score: float) -> str:
    """Render, score and promote a run."""
    if not list(judged.store.list(CHAMPIONS)):
        judged.judged("base", (-0.01, 0.02), [20.0] * 6, method="global_grid")
    name = judged.judged(tag, pair, [score] * 6)
    concluded(judged.decide(name, nonce=tag), judged.store)
    return name


def promoted(request: RenderRequest, store: ObjectStore) -> str | None:
    return with_promoted_table(request, store, judge=JUDGE.name).table


def test_a_store_without_a_champion_changes_no_request(
    judged: JudgedStore, bucket_request: RenderRequest
) -> None:
    judged.judged("one", PAIR, [30.0] * 6)
    assert with_promoted_table(bucket_request, judged.store, judge=JUDGE.name) == bucket_request


def test_the_champions_table_is_named_and_a_new_champions_after_it(
    judged: JudgedStore, bucket_request: RenderRequest
) -> None:
    first = crowned(judged, "one", PAIR, 30.0)
    assert promoted(bucket_request, judged.store) == first
    second = crowned(judged, "two", (-0.2, 0.41), 40.0)
    assert promoted(bucket_request, judged.store) == second
    assert promoted(bucket_request.model_copy(update={"table": "shipped"}), judged.store) == "shipped"
    assert promoted(bucket_request.model_copy(update={"table": first}), judged.store) == first


def test_a_champion_of_another_method_or_another_judge_lends_no_table(
    judged: JudgedStore, bucket_request: RenderRequest, render_request: RenderRequest
) -> None:
    name = crowned(judged, "one", PAIR, 30.0)
    assert with_promoted_table(render_request, judged.store, judge=JUDGE.name) == render_request
    assert with_promoted_table(bucket_request, judged.store, judge="another") == bucket_request
    with pytest.raises(
        DomainError, match=r"one_.* applied a table of dim_bucket_microgrid, which zero_guard"
    ):
        table_of_run(name, "zero_guard", judged.store)


def test_the_champions_method_and_table_are_told(
    judged: JudgedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBGUARD_STORE_URL", judged.store.url)
    monkeypatch.setenv("CALIBGUARD_PORTAL_JUDGE", JUDGE.name)
    assert reigning_choice() is None
    name = crowned(judged, "one", PAIR, 30.0)
    choice = reigning_choice()
    assert choice is not None
    assert (choice.method, choice.table) == ("dim_bucket_microgrid", name)


def test_a_run_with_the_champions_table_routes_by_it_and_says_so(
    judged: JudgedStore, bucket_request: RenderRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = crowned(judged, "one", PAIR, 30.0)
    monkeypatch.setenv("CALIBGUARD_STORE_URL", judged.store.url)
    method, options = chosen_method(with_promoted_table(bucket_request, judged.store, judge=JUDGE.name))
    run = read_run(name, entries(judged.store), judged.store)
    assert table_digest(method.table(options)) == run.manifest.table_digest
    routed = method.route(run.photos[0], options)
    assert (routed.coefficient_source, routed.warp) == ("run", run.plan.shards[0].photos[0].warp)
    _, shipped = chosen_method(bucket_request.model_copy(update={"table": "shipped"}))
    assert method.route(run.photos[0], shipped).coefficient_source == "shipped"


@pytest.mark.parametrize("damage", ["altered", "gone"])
@pytest.mark.parametrize("what", ["table", "manifest", "pointer"])
def test_a_damaged_or_missing_champion_is_one_sentence_and_never_the_shipped_table(
    judged: JudgedStore, bucket_request: RenderRequest, what: str, damage: str
) -> None:
    name = crowned(judged, "one", PAIR, 30.0)
    (pointer,) = judged.store.list(CHAMPIONS)
    key = {"table": table_key(name), "manifest": manifest_key(name), "pointer": pointer.key}[what]
    body, stored = judged.store.read(key), judged.store.head(key)
    assert stored is not None
    judged.store.delete(key, expected=stored.version)
    if damage == "altered":
        judged.store.create(key, body.replace(b"1", b"2", 1))
    with pytest.raises(DomainError, match=key) as refused:
        promoted(bucket_request, judged.store)
    assert "\n" not in str(refused.value)
