from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.preflight import preflight
from infra.store.interface import ObjectStore


@pytest.mark.usefixtures("prefect_api", "store")
def test_preflight_exits_with_0_when_all_is_there_and_1_when_photos_are_missing(photos: Path) -> None:
    passed = CliRunner().invoke(app, ["preflight", "--photos", str(photos)])
    assert (passed.exit_code, "FAIL" in passed.output) == (0, False), passed.output
    failed = CliRunner().invoke(app, ["preflight", "--photos", "no[/b]where"])
    assert failed.exit_code == 1
    assert "no[/b]where" in failed.output.replace("\n", "")


@pytest.mark.usefixtures("prefect_api")
def test_the_preflight_flow_fails_with_the_remedy_of_what_failed(store: ObjectStore) -> None:
    state = preflight("nowhere", return_state=True)
    assert state.is_failed()
    assert "photos: 'nowhere': No such file or directory; name an existing folder" in str(state.message)
