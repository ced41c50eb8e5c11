"""The one model of everything a machine's owner may set, and the one reader of the environment.

Each setting has a ``CALIBGUARD_`` name; those of the runbook keep the name that the user's own ``.env`` has,
and both names mean the same. The environment beats the ``.env`` file whichever name it uses; two names of one
setting with different values in the same place are refused, because no rule would guess right. An empty value
counts as unset. This module opens no connection, creates no folder and never shows a secret: not in a repr, a
dump, the printed table or an error.
"""

import argparse
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, overload
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, Secret, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from rich.console import Console
from rich.table import Table

from infra.errors import AdapterError

PREFIX = "CALIBGUARD_"
DEFAULT_ENV_FILE = Path(".env")
_HOST = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MOMENT = "2026-03-01T17:00:00+01:00"

# Field name -> the name that the user's .env already has.
RUNBOOK_NAMES: Mapping[str, str] = {
    name.removeprefix("AUTOHDR_").lower(): name
    for name in (
        "AUTOHDR_DATA_ROOT",
        "AUTOHDR_OUTPUT_ROOT",
        "AUTOHDR_CHECKPOINT_ROOT",
        "KAGGLE_API_TOKEN",
        "KAGGLE_MCP_URL",
        "KAGGLE_USERNAME",
        "KAGGLE_KEY",
        "AKASH_API_KEY",
        "AKASH_TRAIN_SCRIPT_URL",
        "AUTOHDR_BOUNTY_TEAM_NAME",
        "AUTOHDR_BOUNTY_EMAIL",
        "AUTOHDR_BOUNTY_KAGGLE_USERNAME",
        "AUTOHDR_BOUNTY_GITHUB_REPO",
    )
}

Inheritance = Literal["everything", "all_but_prefect", "machine"]
# Names of variables. Those of the machine are listed, not those of secrets: nobody knows all of these.
_INHERITED: Mapping[Inheritance, re.Pattern[str]] = {
    "everything": re.compile(r".*"),
    "all_but_prefect": re.compile(r"(?!PREFECT_).*"),
    "machine": re.compile(
        r"PATH|HOME|USER|LOGNAME|TMPDIR|TZ|LANG|LANGUAGE|VIRTUAL_ENV|PYTHON[A-Z]*"
        r"|LC_[A-Z]+|SSL_CERT_(FILE|DIR)|(LD|CUDA|CUPY|OMP|OPENBLAS)_[A-Z_]+"
    ),
}

PathSetting = Literal["data_root", "output_root", "checkpoint_root", "portal_targets"]
TextSetting = Literal[
    "kaggle_username",
    "akash_image",
    "s3_access_key_id",
    "bounty_team_name",
    "bounty_email",
    "bounty_kaggle_username",
    "bounty_github_repo",
]
SecretSetting = Literal["kaggle_api_token", "kaggle_key", "akash_api_key", "s3_secret_access_key"]
UrlSetting = Literal["kaggle_mcp_url", "akash_train_script_url", "s3_endpoint_url"]


class SettingsError(AdapterError):
    """The settings cannot be used as they stand."""


class SettingMissing(SettingsError):
    """A setting that is needed has no value anywhere."""


class SettingsInvalid(SettingsError):
    """At least one setting has a value that cannot be used.

    Attributes:
        problems: One sentence for each, without any secret's value.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


class PrivateUrl(Secret[str]):
    """A URL that is shown without its user information, query and fragment, where keys are carried."""

    def _display(self) -> str:
        parts = urlsplit(self.get_secret_value())
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _web_url(url: PrivateUrl) -> PrivateUrl:
    try:
        parts = urlsplit(url.get_secret_value())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # its text repeats the URL, which may hold a key
        usable = False
    if not usable:
        raise ValueError(
            "the value must be a URL such as https://host/path; it is not shown, it may hold a key"
        )
    return url


def _folder(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"no home folder is known for {str(path)!r}; write the path in full") from error


def _store_url(url: str) -> str:
    if "://" not in url:
        return str(_folder(Path(url)))
    scheme, _, rest = url.partition("://")
    if scheme not in ("s3", "file"):
        raise ValueError(f"the store must be a folder or s3://BUCKET/PREFIX, found the scheme {scheme!r}")
    if scheme == "file" and not rest.startswith("/"):
        raise ValueError("a folder as a URL is file:///PATH, with three slashes")
    if not rest.strip("/") or "@" in rest or "?" in rest:
        raise ValueError(
            "the store must be a folder or s3://BUCKET/PREFIX, without user names, keys or options"
        )
    return url


def _hosts(hosts: object) -> object:
    """Split a comma-separated list; the parts are not shown, a pasted URL may hold a key."""
    if not isinstance(hosts, str):
        return hosts
    parts = [part.strip().lower() for part in hosts.split(",")]
    for number, part in enumerate(parts, start=1):
        if not _HOST.fullmatch(part):
            raise ValueError(f"entry {number} of the list must be HOST or HOST:PORT, without scheme or path")
    return parts


def _words(words: object) -> object:
    """Split a comma-separated list of words."""
    if not isinstance(words, str):
        return words
    parts = [part.strip() for part in words.split(",")]
    if not all(_WORD.fullmatch(part) for part in parts):
        raise ValueError(f"expected words of a-z, 0-9 and '-', commas between them, found {words!r}")
    return parts


def _moment(moment: object) -> object:
    if not isinstance(moment, str):
        return moment
    try:
        return datetime.fromisoformat(moment)
    except ValueError as error:
        raise ValueError(f"expected a moment such as {_MOMENT}, found {moment!r}") from error


def _with_zone(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(
            f"expected a moment with its time zone, such as {_MOMENT}, found {moment.isoformat()!r}"
        )
    return moment


def _cron(line: str) -> str:
    if len(line.split()) != 5:
        raise ValueError(f"expected a cron line of five fields such as '0 2 * * *', found {line!r}")
    return line


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"expected a time zone such as Europe/Berlin, found {name!r}")
    return name


def _postgresql(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith("postgresql+asyncpg://"):
        raise ValueError(
            "the database must be postgresql+asyncpg://USER:PASSWORD@HOST/NAME; the value is not shown, it"
            " may hold a password"
        )
    return url


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _default_store(values: Mapping[str, Any]) -> str:
    root = values.get("output_root") or values.get("state_dir") or Path(".calibguard")
    return str(root / "store")


Folder = Annotated[Path, AfterValidator(_folder)]
WebUrl = Annotated[PrivateUrl, AfterValidator(_web_url)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Hosts = Annotated[tuple[str, ...], BeforeValidator(_hosts)]
RemotePools = Annotated[tuple[Literal["kaggle", "akash"], ...], BeforeValidator(_words)]
Moment = Annotated[datetime, BeforeValidator(_moment), AfterValidator(_with_zone)]


@dataclass(frozen=True, slots=True)
class _Origin:
    """The place and the name under which a value was found."""

    place: str
    name: str

    def __str__(self) -> str:
        return f"{self.place} {self.name}"


class Settings(BaseSettings):
    """Everything that may be set. ``Settings()`` reads nothing; ``load_settings`` reads the machine."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False, validate_default=True
    )

    state_dir: Folder = Field(
        Path(".calibguard"),
        description="Folder of everything this machine keeps between runs (server, caches).",
    )
    data_root: Folder | None = Field(
        None, description="Folder with `lens-correction-train-cleaned/` and `test-originals/`."
    )
    output_root: Folder | None = Field(None, description="Folder that rendered photos and reports go to.")
    checkpoint_root: Folder | None = Field(None, description="Folder of the model track's checkpoints.")
    store_url: Annotated[str, AfterValidator(_store_url)] = Field(
        default_factory=_default_store,
        description="Store of all artifacts: a folder or s3://BUCKET/PREFIX; by default `store` in the output"
        " root, or in the state folder where no output root is set.",
    )
    s3_endpoint_url: WebUrl | None = Field(
        None, description="Endpoint of an S3-compatible server; unset means the provider's own."
    )
    s3_region: str = Field("us-east-1", description="Region that S3 requests are signed for.")
    s3_access_key_id: str | None = Field(None, description="Access key id of the S3 store.")
    s3_secret_access_key: SecretStr | None = Field(None, description="Secret access key of the S3 store.")
    render_processes: int = Field(
        default_factory=_usable_cpus,
        ge=1,
        description="Processes that render photos; by default one for each usable CPU.",
    )
    photo_timeout_s: float = Field(
        60.0, gt=0, description="Seconds after which a photo's render is stopped and the photo quarantined."
    )
    photo_memory_mb: int = Field(
        3072, ge=256, description="Memory limit in MiB of one render process, against decompression bombs."
    )
    min_free_disk_mb: int = Field(
        2048,  # a zip of 1000 photos is 570 MB; it exists twice while it is published
        ge=0,
        description="Free disk space in MiB that must be left beside what a run needs; 0 asks for none.",
    )
    work_pool: str = Field("calibguard", description="Prefect work pool that the deployments belong to.")
    remote_pools: RemotePools = Field(
        (),
        description="Pools of rented machines that `make up` registers and serves: kaggle, akash, or both"
        " with a comma between them.",
    )
    prefect_database_url: Annotated[SecretStr, AfterValidator(_postgresql)] | None = Field(
        None,
        description="Database of the Prefect server that `make up` starts:"
        " postgresql+asyncpg://USER:PASSWORD@HOST/NAME; unset means SQLite in the state folder.",
    )
    remote_reap_s: float = Field(
        300.0,
        gt=0,
        description="Seconds between two looks of a worker for rented machines that nobody watches.",
    )
    refit_cron: Annotated[str, AfterValidator(_cron)] = Field(
        "0 2 * * *",
        description="When `refit/nightly` runs, as a cron line; it does so only where a data root is set.",
    )
    time_zone: Annotated[str, AfterValidator(_zone)] = Field(
        "UTC", description="Time zone of that schedule, such as Europe/Berlin."
    )
    portal_url: WebUrl = Field(
        PrivateUrl("http://127.0.0.1:8500"),
        description="Scoring portal. On plain http of this machine it is our own, which `make up` starts.",
    )
    portal_token: SecretStr | None = Field(None, description="Token that the scoring portal asks for.")
    portal_judge: str = Field(
        "calibguard-portal",
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$",
        description="Our own name for the portal's judge; submissions under way are kept by it.",
    )
    portal_upload_hosts: Hosts = Field(
        (),
        description="Hosts besides the portal's own that it may have zips sent to: HOST or HOST:PORT, commas"
        " between them.",
    )
    portal_rescores: bool = Field(
        True,
        description="Whether the judge scores one submission twice; the champion is then scored again beside"
        " each challenger.",
    )
    portal_targets: Folder | None = Field(
        None,
        description="Folder with `originals/` and `targets/` that our own portal scores against; unset means"
        " the data root, where it has `test-originals/` and `test-targets/`.",
    )
    deadline: Moment | None = Field(
        None, description="End of the competition: ISO 8601 with the time zone; unset means none."
    )
    deadline_submission: Literal["enabled", "disabled"] = Field(
        "disabled", description="Whether the fallback before the deadline submits by itself."
    )
    kaggle_username: str | None = Field(None, description="Kaggle user name, with `KAGGLE_KEY`.")
    kaggle_key: SecretStr | None = Field(None, description="Kaggle API key of that user.")
    kaggle_api_token: SecretStr | None = Field(None, description="Kaggle API token; replaces name and key.")
    kaggle_api_url: WebUrl = Field(
        PrivateUrl("https://api.kaggle.com"), description="Kaggle's API; another one only in tests."
    )
    kaggle_mcp_url: WebUrl | None = Field(
        None, description="Kaggle's MCP endpoint, where that transport is chosen."
    )
    akash_api_key: SecretStr | None = Field(
        None, description="Akash Console API key that leases are paid with."
    )
    akash_url: WebUrl = Field(
        PrivateUrl("https://console-api.akash.network"),
        description="Akash's Console API; another one only in tests.",
    )
    akash_image: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}$",
        description="Image that Akash leases run, by its digest: NAME@sha256:DIGEST.",
    )
    akash_gpu_models: Words = Field(
        ("t4", "rtx3090", "rtx4090"),
        description="GPU models that Akash leases may have, any of them, in Akash's spelling.",
    )
    akash_max_usd_per_hour: Decimal = Field(
        Decimal("0.60"),
        ge=Decimal("0.0006"),
        le=100,
        description="Price cap of one Akash lease in USD an hour.",
    )
    akash_monthly_budget_usd: Decimal = Field(
        Decimal(25),
        ge=0,
        description="What Akash leases may cost in a calendar month (UTC), those still open at their caps.",
    )
    akash_train_script_url: WebUrl | None = Field(
        None, description="Training script that Akash leases fetch; runs pin its digest."
    )
    bounty_team_name: str | None = Field(None, description="Team name that the scoring portal is told.")
    bounty_email: str | None = Field(None, description="Address that the scoring portal is told.")
    bounty_kaggle_username: str | None = Field(None, description="Kaggle user name that the portal is told.")
    bounty_github_repo: str | None = Field(None, description="Repository URL that the portal is told.")

    _origins: Mapping[str, _Origin] = PrivateAttr(default_factory=dict)
    _env_file: Path | None = PrivateAttr(default=None)
    _unknown: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        *_unread: PydanticBaseSettingsSource,
        **_unread_by_name: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the caller only: the library merges by name, ``load_settings`` by place."""
        return (init_settings,)

    @overload
    def require(self, setting: PathSetting) -> Path: ...
    @overload
    def require(self, setting: TextSetting) -> str: ...
    @overload
    def require(self, setting: SecretSetting) -> SecretStr: ...
    @overload
    def require(self, setting: UrlSetting) -> PrivateUrl: ...
    def require(self, setting: PathSetting | TextSetting | SecretSetting | UrlSetting) -> object:
        """Return the value of a setting that has no default.

        Raises:
            SettingMissing: It is unset; the message names every place that was looked in.
        """
        value: object = getattr(self, setting)
        if value is None:
            raise SettingMissing(self._missing_sentence(setting))
        return value

    def _missing_sentence(self, setting: str) -> str:
        names = " and ".join(variable_names(setting))
        sentence = f"{setting} is not set: looked for {names} in the environment"
        if self._env_file is None:
            return f"{sentence} (no .env file was given); set one of them"
        state = "which exists" if self._env_file.is_file() else "which does not exist"
        return f"{sentence} and in {str(self._env_file.absolute())!r} ({state}); .env.example documents it"

    @property
    def unknown_variables(self) -> tuple[str, ...]:
        """One sentence for each variable with our prefix that is no setting, with the nearest name."""
        return self._unknown


def variable_names(setting: str) -> tuple[str, ...]:
    """Return the names a setting is read under, ours first."""
    runbook_name = RUNBOOK_NAMES.get(setting)
    return (PREFIX + setting.upper(), *([runbook_name] if runbook_name else []))


def load_settings(env_file: Path | None = DEFAULT_ENV_FILE) -> Settings:
    """Read the environment and one ``.env`` file.

    Args:
        env_file: File to read beside the environment; it need not exist. ``None`` reads no file.

    Raises:
        SettingsInvalid: A value cannot be used, or two names of one setting disagree. All problems at once.
    """
    places = {"environment": _stripped(os.environ), ".env": _env_file_variables(env_file)}
    values, origins, problems = _resolve(places)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsInvalid((*problems, *_problem_sentences(error, origins))) from error
    if problems:
        raise SettingsInvalid(problems)
    settings._origins = origins
    settings._env_file = env_file
    settings._unknown = tuple(_unknown_sentences(places))
    return settings


def child_environment(additions: Mapping[str, str], *, inherits: Inheritance) -> dict[str, str]:
    """Give the environment of a child process: what it inherits of ours, with these variables added.

    Args:
        additions: Variables that it has in any case.
        inherits: ``everything``; ``all_but_prefect``, where it has a Prefect server of its own; ``machine``,
            what any program needs to run here: no setting, and no credential, whoever it belongs to.
    """
    inherited = _INHERITED[inherits]
    return {**{name: value for name, value in os.environ.items() if inherited.fullmatch(name)}, **additions}


def _env_file_variables(env_file: Path | None) -> Mapping[str, str]:
    if env_file is None:
        return {}
    try:
        source = DotEnvSettingsSource(Settings, env_file=env_file, case_sensitive=True)
    except (OSError, UnicodeDecodeError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise SettingsInvalid((f"the settings file {str(env_file)!r} cannot be read: {reason}",)) from error
    return _stripped(source.env_vars)


def _stripped(variables: Mapping[str, str | None]) -> Mapping[str, str]:
    return {name: value.strip() for name, value in variables.items() if value and value.strip()}


def _resolve(
    places: Mapping[str, Mapping[str, str]],
) -> tuple[dict[str, Any], dict[str, _Origin], list[str]]:
    values: dict[str, Any] = {}
    origins: dict[str, _Origin] = {}
    problems: list[str] = []
    for setting in Settings.model_fields:
        for place, variables in places.items():
            names = [name for name in variable_names(setting) if name in variables]
            if len({variables[name] for name in names}) > 1:
                problems.append(
                    f"{' and '.join(names)} have different values in {_in_words(place)}; keep one of them"
                )
            if names and setting not in values:
                values[setting] = variables[names[0]]
                origins[setting] = _Origin(place, names[0])
    return values, origins, problems


def _in_words(place: str) -> str:
    return "the environment" if place == "environment" else "the .env file"


def _problem_sentences(error: ValidationError, origins: Mapping[str, _Origin]) -> Iterable[str]:
    for details in error.errors(include_url=False):
        origin = origins.get(str(details["loc"][0]))
        if origin is None:  # a default that waits for a value that is refused itself
            continue
        # Our own validators phrase what may be shown; the library's speak of numbers, never of a secret.
        ours = details["type"] == "value_error"
        message = details["msg"].removeprefix("Value error, ")
        shown = "" if ours else f", found {details['input']!r}"
        yield f"{origin.name} in {_in_words(origin.place)}: {message[0].lower()}{message[1:]}{shown}"


def _unknown_sentences(places: Mapping[str, Mapping[str, str]]) -> Iterable[str]:
    known = [name for setting in Settings.model_fields for name in variable_names(setting)]
    for place, variables in places.items():
        for name in sorted(variables):
            if name.startswith(PREFIX) and name not in known:
                nearest = get_close_matches(name, known, n=1, cutoff=0.0)[0]
                yield f"{name} in {_in_words(place)} is no setting; the nearest name is {nearest}"


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as it may be shown to anybody: secrets by their length, URLs without credentials."""

    setting: str
    variables: tuple[str, ...]
    value: str
    source: str
    meaning: str


def describe_settings(settings: Settings) -> tuple[SettingRow, ...]:
    """Return every setting with its redacted value and the place it came from, in the model's order."""
    return tuple(
        SettingRow(
            setting=setting,
            variables=variable_names(setting),
            value=_shown(getattr(settings, setting)),
            source=_source(settings, setting),
            meaning=field.description or "",
        )
        for setting, field in Settings.model_fields.items()
    )


def _shown(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, SecretStr):
        return f"set, {len(value)} characters"
    if isinstance(value, tuple):
        return ", ".join(value) or "unset"
    return str(value)


def _source(settings: Settings, setting: str) -> str:
    origin = settings._origins.get(setting)
    if origin is not None:
        return str(origin)
    return "given by the program" if setting in settings.model_fields_set else "default"


def settings_table(rows: Iterable[SettingRow]) -> Table:
    """Lay the rows out for a terminal, under the name that the user's own file has."""
    table = Table(title="CalibGuard settings", caption="each also works as CALIBGUARD_NAME without AUTOHDR_")
    table.add_column("setting", no_wrap=True)
    for column in ("value", "source", "meaning"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(row.variables[-1], row.value, row.source, row.meaning)
    return table


def main(arguments: list[str] | None = None) -> int:
    """Print the redacted table of all settings; return 0, or 2 when a value cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m infra.settings", description=main.__doc__)
    parser.add_argument(
        "--env-file", type=Path, default=DEFAULT_ENV_FILE, help="file read beside the environment"
    )
    env_file: Path = parser.parse_args(arguments).env_file
    errors = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)
    try:
        settings = load_settings(env_file)
    except SettingsInvalid as error:
        for problem in error.problems:
            errors.print(problem)
        return 2
    output = Console(markup=False, highlight=False)
    if not output.is_terminal:
        output.width = 160  # a log or a pager has no width of its own
    output.print(settings_table(describe_settings(settings)))
    for sentence in settings.unknown_variables:
        errors.print(sentence)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
