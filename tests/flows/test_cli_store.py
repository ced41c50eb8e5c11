import json

import pytest
from typer.testing import CliRunner

from flows.cli import app
from infra.store.interface import ObjectStore
from tasks.ledger import append
from tests.ledger_entries import entry


@pytest.mark.usefixtures("store")
def test_an_empty_store_may_be_the_wrong_one_and_is_not_called_whole() -> None:
    shown = CliRunner().invoke(app, ["fsck"])
    assert shown.exit_code == 1
    assert "the store is empty; is CALIBGUARD_STORE_URL the right one?" in shown.output


def test_fsck_of_a_whole_store_exits_with_0(store: ObjectStore) -> None:
    append(entry("scored", "a", 40.0), store)
    shown = CliRunner().invoke(app, ["fsck"])
    assert (shown.exit_code, "1 objects, 0.0 MB read; 0 findings" in shown.output) == (0, True)


def test_fsck_shows_what_is_wrong_counts_what_is_unfinished_and_exits_with_1(store: ObjectStore) -> None:
    store.create("reports/a/[b]stray.html", b"stray")
    store.create(f"renders/{'0' * 64}/home.jpg", b"photo")
    shown = CliRunner().invoke(app, ["fsck"])
    assert shown.exit_code == 1
    assert "unsealed" in shown.output
    assert "[b]stray" in shown.output.replace("\n", "")
    assert "1 objects of work that never finished" in shown.output
    document = json.loads(CliRunner().invoke(app, ["fsck", "--json"]).stdout)
    assert [finding["kind"] for finding in document["findings"]] == ["unsealed"]
    assert document["unfinished"] == [f"renders/{'0' * 64}/home.jpg"]
