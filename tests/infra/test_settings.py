"""Where settings come from, what they refuse, and that no secret is ever shown."""

import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest
from pydantic import ValidationError

from infra.settings import (
    RUNBOOK_NAMES,
    Settings,
    SettingsInvalid,
    child_environment,
    describe_settings,
    load_settings,
    main,
    variable_names,
)

ROOT = Path(__file__).parents[2]

CANARIES = {
    "KAGGLE_API_TOKEN": "canary-kaggle-token",
    "KAGGLE_KEY": "canary-kaggle-key",
    "AKASH_API_KEY": "canary-akash-key",
    "CALIBGUARD_S3_SECRET_ACCESS_KEY": "canary-s3-secret",
    "KAGGLE_MCP_URL": "https://me:canary-mcp@kaggle.example/mcp?key=canary-mcp-query#canary-fragment",
    "AKASH_TRAIN_SCRIPT_URL": "https://raw.example/train.py?token=canary-script",
    "CALIBGUARD_S3_ENDPOINT_URL": "http://canary-user:canary-pass@127.0.0.1:8333",
    "CALIBGUARD_PORTAL_URL": "https://canary-user@portal.example/?key=canary-portal",
    "CALIBGUARD_PORTAL_TOKEN": "canary-portal-token",
}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder to run in, and an environment without any of our settings."""
    for setting in Settings.model_fields:
        for name in variable_names(setting):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _problems(env_file: Path | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(env_file)
    return caught.value.problems


def _source(settings: Settings, setting: str) -> str:
    return next(row.source for row in describe_settings(settings) if row.setting == setting)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_no_secret_appears_in_any_text_made_of_the_settings(
    place: str, monkeypatch: pytest.MonkeyPatch, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, canary in CANARIES.items():
        if place == "environment":
            monkeypatch.setenv(name, canary)
    if place == "file":
        (machine / ".env").write_text("".join(f"{name}='{canary}'\n" for name, canary in CANARIES.items()))
    settings = load_settings()
    assert settings.require("kaggle_key").get_secret_value() == "canary-kaggle-key"
    assert main([]) == 0
    texts = (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump(mode="json")))
    shown = "\n".join((*texts, repr(describe_settings(settings)), *capsys.readouterr()))
    assert "canary" not in shown
    assert "kaggle.example/mcp" in shown
    assert "set, 17 characters" in shown


def test_a_child_that_inherits_the_machine_gets_no_setting_and_no_credential(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    others = {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_AUTH_STRING"),
        *("DATABASE_URL", "GITHUB_TOKEN", "NVIDIA_API_KEY", "LDAP_PASSWORD", "HTTPS_PROXY"),
    }
    for name in {*CANARIES, *RUNBOOK_NAMES.values(), *others}:
        monkeypatch.setenv(name, "canary")
    for name in ("LC_ALL", "PYTHONPATH", "CUDA_VISIBLE_DEVICES", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "kept")
    given = child_environment({"CALIBGUARD_SPEC_URL": "https://one.example"}, inherits="machine")
    assert [name for name, value in given.items() if value == "canary"] == []
    assert sum(value == "kept" for value in given.values()) == 4
    assert given["PATH"] == os.environ["PATH"]
    assert [name for name in given if name.startswith("CALIBGUARD_")] == ["CALIBGUARD_SPEC_URL"]


@pytest.mark.parametrize(
    "value", ["canary", "ftp://canary@host", "https://[canary", "https://\u2100canary.example"]
)
def test_a_refused_url_is_not_shown(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_MCP_URL", value)
    with pytest.raises(SettingsInvalid) as caught:
        load_settings(None)
    assert "canary" not in f"{caught.value}{caught.value.__cause__!r}{caught.value.__cause__}"
    assert caught.value.problems[0].startswith("KAGGLE_MCP_URL in the environment: the value must be a URL")


def test_a_refused_store_does_not_show_the_key_inside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_STORE_URL", "s3://canary:canary@bucket/prefix")
    assert "canary" not in str(_problems())


@pytest.mark.parametrize("runbook_name", RUNBOOK_NAMES.values())
def test_each_name_of_the_runbook_and_its_alias_set_the_same_value(
    runbook_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alias = "CALIBGUARD_" + runbook_name.removeprefix("AUTOHDR_")
    monkeypatch.setenv(runbook_name, "https://value.example")
    by_runbook_name = load_settings(None)
    monkeypatch.delenv(runbook_name)
    monkeypatch.setenv(alias, "https://value.example")
    by_alias = load_settings(None)
    assert by_runbook_name.model_dump() == by_alias.model_dump() != Settings().model_dump()


def test_two_names_of_one_setting_with_different_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_KAGGLE_KEY", "canary-one")
    monkeypatch.setenv("KAGGLE_KEY", "canary-two")
    assert _problems() == (
        "CALIBGUARD_KAGGLE_KEY and KAGGLE_KEY have different values in the environment; keep one of them",
    )


def test_two_names_of_one_setting_with_one_value_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_DATA_ROOT", "photos")
    monkeypatch.setenv("AUTOHDR_DATA_ROOT", "photos")
    assert load_settings(None).data_root == Path("photos")


def test_the_environment_beats_the_file_whichever_name_it_uses(
    monkeypatch: pytest.MonkeyPatch, machine: Path
) -> None:
    (machine / ".env").write_text("CALIBGUARD_DATA_ROOT=file\n")
    monkeypatch.setenv("AUTOHDR_DATA_ROOT", "environment")
    assert load_settings().data_root == Path("environment")


def test_sources_name_the_place_and_the_variable(monkeypatch: pytest.MonkeyPatch, machine: Path) -> None:
    (machine / ".env").write_text("AUTOHDR_DATA_ROOT=photos\n")
    monkeypatch.setenv("CALIBGUARD_WORK_POOL", "pool")
    settings = load_settings()
    assert _source(settings, "data_root") == ".env AUTOHDR_DATA_ROOT"
    assert _source(settings, "work_pool") == "environment CALIBGUARD_WORK_POOL"
    assert _source(settings, "photo_timeout_s") == "default"
    assert _source(Settings(work_pool="pool"), "work_pool") == "given by the program"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KAGGLE_USERNAME=anna", "anna"),
        ("export KAGGLE_USERNAME='anna # b'", "anna # b"),
        ('KAGGLE_USERNAME="anna"  # a comment', "anna"),
        ("KAGGLE_USERNAME=  anna  ", "anna"),
        ("KAGGLE_USERNAME=", None),
        ("KAGGLE_USERNAME='  '", None),
        ("KAGGLE_USERNAME", None),
    ],
)
def test_lines_of_the_env_file_are_read_as_shells_read_them(
    line: str, value: str | None, machine: Path
) -> None:
    (machine / ".env").write_text(line + "\n")
    assert load_settings().kaggle_username == value


def test_an_env_file_that_is_no_text_is_refused_in_a_sentence(machine: Path) -> None:
    (machine / ".env").write_bytes(b"KAGGLE_KEY=\xff\xfe\n")
    assert _problems(Path(".env")) == ("the settings file '.env' cannot be read: it is not UTF-8 text",)


def test_a_missing_setting_names_every_place_that_was_looked_in(machine: Path) -> None:
    with pytest.raises(Exception, match="data_root") as caught:
        load_settings().require("data_root")
    assert str(caught.value) == (
        "data_root is not set: looked for CALIBGUARD_DATA_ROOT and AUTOHDR_DATA_ROOT in the environment"
        f" and in '{machine}/.env' (which does not exist); .env.example documents it"
    )


def test_all_unusable_values_are_reported_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTOHDR_OUTPUT_ROOT", "~nobody-of-that-name/out")
    monkeypatch.setenv("CALIBGUARD_RENDER_PROCESSES", "0")
    monkeypatch.setenv("CALIBGUARD_PHOTO_TIMEOUT_S", "nan")
    monkeypatch.setenv("CALIBGUARD_STORE_URL", "gs://bucket")
    monkeypatch.setenv("KAGGLE_KEY", "one")
    monkeypatch.setenv("CALIBGUARD_KAGGLE_KEY", "two")
    assert main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert len(printed.err.splitlines()) == 5
    assert "CALIBGUARD_RENDER_PROCESSES in the environment: input should be greater than" in printed.err
    assert "found '0'" in printed.err
    assert "the scheme 'gs'" in printed.err


@pytest.mark.parametrize(
    ("variables", "store"),
    [
        ({}, ".calibguard/store"),
        ({"CALIBGUARD_STATE_DIR": "state"}, "state/store"),
        ({"CALIBGUARD_STATE_DIR": "state", "AUTOHDR_OUTPUT_ROOT": "out"}, "out/store"),
        ({"AUTOHDR_OUTPUT_ROOT": "out", "CALIBGUARD_STORE_URL": "s3://bucket/prefix"}, "s3://bucket/prefix"),
    ],
)
def test_the_store_lies_in_the_output_root_unless_told_otherwise(
    variables: dict[str, str], store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load_settings(None).store_url == store


def test_upload_hosts_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_PORTAL_UPLOAD_HOSTS", "Bucket.example, 10.0.0.1:8333,[::1]:80")
    settings = load_settings(None)
    assert settings.portal_upload_hosts == ("bucket.example", "10.0.0.1:8333", "[::1]:80")
    shown = {row.setting: row.value for row in describe_settings(settings)}["portal_upload_hosts"]
    assert shown == "bucket.example, 10.0.0.1:8333, [::1]:80"


@pytest.mark.parametrize(
    "hosts",
    [
        "a.example,",
        "https://canary.example",
        "a.example,canary.example/x?key=canary",
        "canary@a.example",
        "*.a",
    ],
)
def test_an_upload_host_that_is_none_is_refused_and_not_shown(
    hosts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBGUARD_PORTAL_UPLOAD_HOSTS", hosts)
    (problem,) = _problems()
    assert "of the list must be HOST or HOST:PORT" in problem
    assert "canary" not in problem


@pytest.mark.parametrize("name", ["Judge", "", "a b", "-x", "../x", "a" * 64])
def test_a_judges_name_is_one_that_can_be_part_of_a_key(name: str) -> None:
    with pytest.raises(ValidationError, match="portal_judge"):
        Settings(portal_judge=name)


@pytest.mark.parametrize(
    "moment", ["2026-03-01T17:00:00+01:00", "2026-03-01T16:00Z", "2026-03-01 16:00:00+00:00"]
)
def test_a_deadline_is_a_moment_the_same_everywhere(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_DEADLINE", moment)
    assert load_settings(None).deadline == datetime(2026, 3, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "sentence"),
    [
        (
            "2026-03-01T17:00",
            "expected a moment with its time zone, such as 2026-03-01T17:00:00+01:00, found",
        ),
        ("2026-03-01", "expected a moment with its time zone"),
        ("tomorrow", "expected a moment such as 2026-03-01T17:00:00+01:00, found 'tomorrow'"),
        ("1772380800", "expected a moment"),
    ],
)
def test_a_deadline_without_a_zone_is_refused_in_a_sentence(
    moment: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALIBGUARD_DEADLINE", moment)
    (problem,) = _problems()
    assert problem.startswith(f"CALIBGUARD_DEADLINE in the environment: {sentence}")


def test_the_deadline_submits_nothing_by_itself_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings(None).deadline_submission == "disabled"
    monkeypatch.setenv("CALIBGUARD_DEADLINE_SUBMISSION", "yes")
    assert "'enabled' or 'disabled', found 'yes'" in _problems()[0]


def test_a_misspelt_variable_is_reported_with_the_nearest_name(
    monkeypatch: pytest.MonkeyPatch, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALIBGUARD_WORKPOOL", "canary")
    (machine / ".env").write_text("CALIBGUARD_WORKPOOLS=3\n")
    sentences = (
        "CALIBGUARD_WORKPOOL in the environment is no setting; the nearest name is CALIBGUARD_WORK_POOL",
        "CALIBGUARD_WORKPOOLS in the .env file is no setting; the nearest name is CALIBGUARD_WORK_POOL",
    )
    assert load_settings().unknown_variables == sentences
    assert main([]) == 0
    assert tuple(capsys.readouterr().err.splitlines()) == sentences


def test_the_example_file_names_every_setting_and_gives_the_defaults() -> None:
    example = ROOT / ".env.example"
    named = {line.partition("=")[0] for line in example.read_text().splitlines() if not line.startswith("#")}
    settings = load_settings(example)
    assert settings.unknown_variables == ()
    assert settings.model_dump() == Settings().model_dump()
    for setting in Settings.model_fields:
        assert variable_names(setting)[-1] in named


def test_every_setting_has_a_meaning() -> None:
    assert [row.setting for row in describe_settings(Settings()) if not row.meaning] == []


def test_settings_are_frozen_and_travel_to_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOHDR_DATA_ROOT", "photos")
    settings = load_settings(None)
    with pytest.raises(ValidationError, match="frozen"):
        settings.data_root = Path("elsewhere")  # type: ignore[misc]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = pool.submit(describe_settings, settings).result()
    assert there == describe_settings(settings)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CALIBGUARD_TIME_ZONE", "Mars/Olympus", "expected a time zone such as Europe/Berlin"),
        ("CALIBGUARD_REFIT_CRON", "every night", "expected a cron line of five fields"),
    ],
)
def test_a_schedule_that_cannot_be_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid, match=words):
        load_settings(None)


def test_settings_made_by_a_program_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_WORK_POOL", "pool")
    assert Settings().work_pool == "calibguard"


def test_the_default_number_of_processes_is_that_of_the_usable_cpus() -> None:
    assert Settings().render_processes == len(os.sched_getaffinity(0))
