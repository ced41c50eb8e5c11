"""What our own portal is started with, and the real one over HTTP: real drawn photos, the real metric."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import simplejpeg
from pydantic import SecretStr

from deployments.demo.photos import draw_target_set
from gpu.jpeg.codec import decode_bgr
from gpu.jpeg.header import read_header
from infra.errors import PortalDenied, SubmissionFailed
from infra.portal.client.connection import Patience, Portal
from infra.portal.client.presence import presence
from infra.portal.client.submission import ScoredAnswer, submit
from infra.settings import SettingMissing, Settings, SettingsInvalid, child_environment
from infra.store.opening import open_store
from tasks.adapters import scoring_portal
from tasks.portal import PortalChoice, own_address, portal_command, portal_targets
from tests.infra.portal.submissions import TEAM, archive_of, zipped

PATIENT = Patience(request_s=30, upload_s=30, retry_s=30, scoring_s=120, poll_s=0.1)


@dataclass(frozen=True)
class Served:
    """A portal's process and address."""

    process: "subprocess.Popen[str]"
    url: str


@contextmanager
def served(targets: Path, folder: Path, *options: str) -> Iterator[Served]:
    command = [
        sys.executable,
        "-m",
        "flows.cli",
        "portal",
        "serve",
        f"--targets={targets}",
        "--port=0",
        *options,
    ]
    environment = child_environment({"CALIBGUARD_STATE_DIR": str(folder / "state")}, inherits="machine")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(process, process.stdout.readline().removeprefix("portal: ").strip())
        finally:
            process.kill()


@pytest.fixture(scope="module")
def target_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_target_set(tmp_path_factory.mktemp("target_set"), 4, long_side=320)


def photos_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.jpg"))}


def scored(photos: dict[str, bytes], url: str, folder: Path) -> ScoredAnswer:
    portal, store = Portal(url, judge="own"), open_store(str(folder / "store"))
    return submit(archive_of(zipped(photos)), TEAM, portal=portal, store=store, patience=PATIENT)


def scores_of(answer: ScoredAnswer) -> list[float]:
    return [float(line.rpartition(",")[2]) for line in answer.csv.decode().splitlines()[1:]]


def encoded_again(photo: bytes) -> bytes:
    pixels = decode_bgr(photo, read_header(photo))
    return bytes(simplejpeg.encode_jpeg(pixels, 95, "BGR", colorsubsampling="420"))


def test_identity_scores_0_the_target_100_and_a_damaged_photo_is_a_hard_fail(
    target_set: Path, tmp_path: Path
) -> None:
    originals, targets = (photos_in(target_set / name) for name in ("test-originals", "test-targets"))
    mixed = dict(targets)
    cut, again, *_ = mixed
    mixed[cut] = mixed[cut][:-100]
    mixed[again] = encoded_again(mixed[again])
    with served(target_set, tmp_path, "--judge-name=mine", "--judge-version=2", "--processes=2") as portal:
        left_alone = scored(originals, portal.url, tmp_path)
        perfect = scored(targets, portal.url, tmp_path)
        answer = scored(mixed, portal.url, tmp_path)
        portal.process.send_signal(signal.SIGINT)
        assert portal.process.wait(timeout=60) == 0
    assert scores_of(left_alone) == [0.0] * 4
    assert left_alone.summary["hard_fails"] == 0
    assert scores_of(perfect) == [100.0] * 4
    assert perfect.judge is not None
    assert (perfect.judge.name, perfect.judge.version, perfect.judge.metric_profile) == (
        "mine",
        "2",
        "portal",
    )
    first, second, *rest = scores_of(answer)
    assert (first, rest, answer.summary["hard_fails"]) == (0.0, [100.0, 100.0], 1)
    assert 80 < second < 100  # one more JPEG of quality 95: 86 to 96 for photos this small


def test_a_target_that_is_damaged_fails_the_job_and_scores_nothing(target_set: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    for name in ("originals", "targets"):
        (folder / name).mkdir(parents=True)
        for file, photo in photos_in(target_set / f"test-{name}").items():
            (folder / name / file).write_bytes(photo)
    sent = photos_in(folder / "targets")
    damaged = min(sent)
    (folder / "targets" / damaged).write_bytes(sent[damaged][:-100])
    with served(folder, tmp_path, "--mode=plain", "--profile=portal_loose") as portal:
        judge = httpx.get(f"{portal.url}/api/judge", trust_env=False).json()
        with pytest.raises(SubmissionFailed, match=f"photo '{Path(damaged).stem}': its target is unusable"):
            scored(sent, portal.url, tmp_path)
    assert judge["metric_profile"] == "portal_loose plain"


def test_a_portal_that_is_there_says_so_to_those_with_its_token(target_set: Path, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("open sesame")
    with served(target_set, tmp_path, f"--token-file={secret}") as running:
        portal = Portal(running.url, "own", token=SecretStr("open sesame"))
        assert presence(portal, total_s=20) == f"{running.url} answers with status 200"
        with pytest.raises(PortalDenied, match="check the portal's token"):
            presence(Portal(running.url, "own"), total_s=20)


def test_without_a_target_set_serving_ends_with_the_setting_that_is_missing() -> None:
    with pytest.raises(SettingMissing, match="portal_targets is not set"):
        portal_command(PortalChoice(), Settings())


def options(choice: PortalChoice, settings: Settings) -> dict[str, str]:
    words = portal_command(choice, settings)
    assert words[:3] == [sys.executable, "-m", "infra.portal.server"]
    return dict(word.removeprefix("--").split("=", 1) for word in words[3:])


def test_what_the_owner_leaves_open_is_what_settings_say() -> None:
    settings = Settings(
        state_dir="state", portal_url="http://localhost:9000", portal_targets="set", render_processes=3
    )
    assert options(PortalChoice(), settings) == {
        "targets": "set",
        "state": "state/portal",
        "scorer": "tasks.portal_scorer:portal",
        "metric-profile": "portal",
        "processes": "3",
        "host": "localhost",
        "port": "9000",
        "public-url": "http://localhost:9000",
    }


def test_a_mode_and_an_address_of_ones_own_are_passed_on() -> None:
    choice = PortalChoice(
        targets=Path("mine"),
        profile="portal_exact",
        mode="plain",
        host="0.0.0.0",  # noqa: S104
        public_url="https://judge",
    )
    told = options(choice, Settings(portal_targets="set"))
    assert told["targets"] == "mine"
    assert told["scorer"] == "tasks.portal_scorer:portal_exact_plain"
    assert told["metric-profile"] == "portal_exact plain"
    assert (told["host"], told["public-url"], "port" in told) == ("0.0.0.0", "https://judge", False)  # noqa: S104


@pytest.mark.parametrize("folders", [(), ("test-originals",), ("test-targets",)])
def test_a_data_root_without_both_test_folders_is_no_target_set(
    folders: tuple[str, ...], tmp_path: Path
) -> None:
    for name in folders:
        (tmp_path / name).mkdir()
    assert portal_targets(Settings(data_root=tmp_path)) is None


def test_a_data_root_with_both_test_folders_is_the_target_set_unless_another_is_named(tmp_path: Path) -> None:
    for name in ("test-originals", "test-targets"):
        (tmp_path / name).mkdir()
    assert portal_targets(Settings(data_root=tmp_path)) == tmp_path
    assert portal_targets(Settings(data_root=tmp_path, portal_targets="other")) == Path("other")


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8500", True),
        ("http://[::1]:8500/", True),
        ("http://localhost", True),
        ("http://127.0.0.1:8500/judge", False),
        ("https://127.0.0.1:8500", False),
        ("https://judge.example", False),
        ("http://judge.example", False),
    ],
)
def test_a_portal_is_our_own_on_plain_http_of_this_machine(url: str, own: bool) -> None:
    assert (own_address(Settings(portal_url=url)) is not None) == own


def test_the_portal_that_settings_name_is_the_one_submitted_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_PORTAL_URL", "https://judge.example/v1")
    monkeypatch.setenv("CALIBGUARD_PORTAL_UPLOAD_HOSTS", "bucket.example")
    portal = scoring_portal()
    assert (str(portal.address), portal.judge) == ("https://judge.example:443/v1", "calibguard-portal")
    assert (portal.token, portal.upload_hosts) == (None, frozenset({"bucket.example"}))


def test_a_portal_on_plain_http_elsewhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALIBGUARD_PORTAL_URL", "http://judge.example")
    with pytest.raises(SettingsInvalid, match=r"CALIBGUARD_PORTAL_URL cannot be used: .*only https leaves"):
        scoring_portal()
