from pathlib import Path

import pytest

from infra.store.interface import ObjectStore
from tasks.domain.errors import DocumentError
from tasks.domain.forensics import ForensicsError
from tasks.forensics import matched_csvs
from tasks.keys import shard_key
from tasks.ledger import finished_runs
from tests.finished_runs import keep_run


@pytest.fixture
def csvs(tmp_path: Path) -> list[str]:
    """Two scored CSVs of two photos, which differ in the second."""
    for name, score in (("one", "2.00"), ("two", "3.00")):
        (tmp_path / f"{name}.csv").write_text(f"image_id,score\np_g0,1.00\np_g1,{score}\n")
    return [str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]


def test_all_runs_of_the_same_photos_are_compared_and_others_left_out(
    csvs: list[str], store: ObjectStore
) -> None:
    keep_run(store, "a", {"p_g0": "grey", "p_g1": "red"})
    keep_run(store, "b", {"p_g0": "grey", "p_g1": "blue"})
    keep_run(store, "c", {"p_g0": "grey", "q_g1": "red"})
    found = matched_csvs(csvs, store)
    assert found.matching.possible == {csvs[0]: ("a", "b"), csvs[1]: ("a", "b")}
    assert found.left_out == ("c is of other photos",)


def test_a_known_pair_settles_the_rest(csvs: list[str], store: ObjectStore) -> None:
    keep_run(store, "a", {"p_g0": "grey", "p_g1": "red"})
    keep_run(store, "b", {"p_g0": "grey", "p_g1": "blue"})
    found = matched_csvs(csvs, store, artifacts=["a.zip", "b"], known={csvs[0]: "b"})
    assert found.matching.certain == {csvs[0]: "b", csvs[1]: "a"}


def test_a_pruned_run_is_left_out_and_refused_where_it_is_named(csvs: list[str], store: ObjectStore) -> None:
    for name in "ab":
        keep_run(store, name, {"p_g0": "grey", "p_g1": name})
    pruned = next(run for run in finished_runs(store) if run.name == "b")
    store.delete(shard_key(pruned.shards[0]))
    assert matched_csvs(csvs[:1], store).matching.certain == {csvs[0]: "a"}
    with pytest.raises(ForensicsError, match=r"^b cannot be compared: .*/shard\.json is gone"):
        matched_csvs(csvs, store, artifacts=["a", "b"])


def test_what_is_not_there_is_told_in_one_sentence(csvs: list[str], store: ObjectStore) -> None:
    with pytest.raises(ForensicsError, match="there is no finished run to compare with; render one"):
        matched_csvs(csvs, store)
    keep_run(store, "a", {"p_g0": "grey", "q_g1": "red"})
    with pytest.raises(ForensicsError, match=r"^a is of other photos$"):
        matched_csvs(csvs, store)
    with pytest.raises(ForensicsError, match="has no finished run 'x', 'y'"):
        matched_csvs(csvs, store, artifacts=["y", "a", "x"])
    with pytest.raises(ForensicsError, match=r"'nowhere\.csv' cannot be read: No such file"):
        matched_csvs(["nowhere.csv"], store)


def test_a_csv_is_refused_with_all_its_problems(csvs: list[str], store: ObjectStore) -> None:
    keep_run(store, "a", {"p_g0": "grey", "p_g1": "red"})
    Path(csvs[1]).write_text("image_id,score\np_g0,101\np_g1,red\n")
    with pytest.raises(DocumentError, match="2 problems"):
        matched_csvs(csvs, store)
