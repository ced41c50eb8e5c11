"""Secrets planted in a real stack, which runs through every flow and many errors: none may be found after.

Searched is everything that stack, portal, store and command line leave: database, logs, objects, what was
printed. Zips are stored, not deflated, so that their contents lie open to the search.
"""

import base64
import re
import secrets as drawn
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from deployments.stack import stack_environment
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from infra.store.s3_connection import S3Credentials
from infra.store.seaweedfs import seaweedfs
from tests.faults.bench import Bench, bench
from tests.faults.history import manifests
from tests.faults.stores import environment
from tests.faults.verdict import Verdict
from tests.infra.portal.fake_judge import Act, answer, drop, fake_judge, forever, status
from tests.judged import FAR, NEAR, NEARER, TEAM, bucket_table, judging, pair_table, target_set
from tests.photos import listing_ids
from tests.running_portal import RunningPortal
from tests.waiting import wait_until

_BUCKET: Final = "secrets"
_STORE: Final = f"s3://{_BUCKET}/runs"
_OTHER: Final = (-0.15, 0.30)
_OWN_SIGNATURE: Final = re.compile(rb"signature=[0-9a-f]{16}")
_NEEDS: Final = ("portal", "kaggle", "akash")


@dataclass(frozen=True)
class _Scene:
    """A stack, a store and a portal that know secrets, and what is printed about them."""

    bench: Bench
    folder: Path
    store: ObjectStore
    environment: Mapping[str, str]

    def start(self, deployment: str, env: Mapping[str, str] | None = None, **parameters: object) -> UUID:
        return self.bench.start(_STORE, env=env, deployment=deployment, parameters=parameters)

    def require_end(self, run: UUID, expected: str) -> None:
        """Wait for a run's end, which must be the expected one: a story that is cut short hides nothing."""
        state = self.bench.ended(run, within_s=400).state
        if state is None or state.name != expected:
            raise RuntimeError(f"a run was to end {expected}, it ended {state!r}")

    def run(self, deployment: str, expected: str, **parameters: object) -> None:
        self.require_end(self.start(deployment, None, **parameters), expected)

    def rendered(self, table: Path, tag: str) -> str:
        """Render with one pair for all photos; the run's name."""
        run = self.start("render/global-grid", photos=self.originals, table=str(table), artifact_tag=tag)
        self.require_end(run, "Completed")
        return next(one.name for one in manifests(self.store) if one.provenance.flow_run_id == str(run))

    @property
    def originals(self) -> str:
        return str(self.folder / "targets" / "test-originals")

    def printed(self, *arguments: str) -> None:
        """Keep what a command prints under the stack's own environment."""
        port = self.bench.stack.port
        done = subprocess.run(
            [sys.executable, "-m", *arguments],
            env=stack_environment(self.bench.folder, port, **self.environment),
            capture_output=True,
            check=False,
        )
        with (self.folder / "printed").open("ab") as kept:
            kept.write(done.stdout + done.stderr)


def secrets(folder: Path) -> Iterator[Verdict]:
    """Plant, run, search; one verdict for each secret."""
    folder.mkdir()
    planted = _planted()
    with _scene(folder, planted) as (scene, portal):
        _succeed(scene)
        _meet_other_judges(scene, planted["query of an upload URL"])
        _lose_the_portal(scene, portal, planted["token of another portal"])
        left = dict(_left_behind(scene))
        _require_search(scene, left)
        planted["secret key of S3"] = scene.environment["CALIBGUARD_S3_SECRET_ACCESS_KEY"]
        measured = f"{len(left)} files and objects of {sum(map(len, left.values())) >> 20} MiB searched"
        for name, secret in planted.items():
            yield Verdict("secrets", name, tuple(_hits(secret, left)), measured)
        found = [f"it is in {place}" for place, body in left.items() if _OWN_SIGNATURE.search(body)]
        yield Verdict("secrets", "signatures of our own portal", tuple(found), measured)


def _planted() -> dict[str, str]:
    names = (
        *("token of the portal", "token of another portal", "query of an upload URL"),
        *("Kaggle token", "Kaggle key", "Akash key", "query of the MCP URL", "password in the script URL"),
        *("password of the server", "a misspelt setting", "password of another database"),
    )
    return {name: f"canary{drawn.token_hex(12)}" for name in names}


def _environment(planted: Mapping[str, str], portal: str, server: S3Credentials) -> dict[str, str]:
    auth = f"admin:{planted['password of the server']}"
    return {
        **TEAM,
        **environment(server),
        "CALIBGUARD_STORE_URL": _STORE,
        "CALIBGUARD_PORTAL_URL": portal,
        "CALIBGUARD_PORTAL_TOKEN": planted["token of the portal"],
        "KAGGLE_USERNAME": "kaggler",
        "KAGGLE_KEY": planted["Kaggle key"],
        "KAGGLE_API_TOKEN": planted["Kaggle token"],
        "KAGGLE_MCP_URL": f"https://mcp.example/sse?key={planted['query of the MCP URL']}",
        "AKASH_API_KEY": planted["Akash key"],
        "AKASH_TRAIN_SCRIPT_URL": f"https://me:{planted['password in the script URL']}@example.org/train.py",
        "CALIBGUARD_KAGGLE_KYE": planted["a misspelt setting"],
        "DATABASE_URL": f"postgresql://me:{planted['password of another database']}@db/any",
        "PREFECT_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_AUTH_STRING": auth,
    }


@contextmanager
def _scene(folder: Path, planted: Mapping[str, str]) -> Iterator[tuple[_Scene, RunningPortal]]:
    target_set(folder / "targets", listing_ids(12))
    with (
        _portal(folder, planted["token of the portal"]) as portal,
        seaweedfs(folder / "seaweedfs", bucket=_BUCKET) as server,
    ):
        known = _environment(planted, portal.url, server)
        with bench(folder / "stack", **known) as running:
            yield _Scene(running, folder, open_store(_STORE, s3=server), known), portal


@contextmanager
def _portal(folder: Path, token: str, *, port: int = 0) -> Iterator[RunningPortal]:
    token_file = folder / "token"
    token_file.write_text(token)
    with judging(
        folder / "targets", folder / "portal", port=port, token_file=token_file, log=folder / "portal.log"
    ) as running:
        yield running


def _succeed(scene: _Scene) -> None:
    """From photos to two champions, and what gates and mistakes stop on the way."""
    far = pair_table(scene.folder, FAR)
    scene.run("submit/portal", "Completed", run=scene.rendered(far, "far"))
    for pair, tag in ((NEAR, "near"), (NEARER, "nearer")):
        scene.run(
            "pipeline/safe",
            "Promoted",
            photos=scene.originals,
            method="dim_bucket_microgrid",
            variant=None,
            table=str(bucket_table(scene.folder, pair)),
            artifact_tag=tag,
        )
    scene.run("submit/portal", "Blocked", run=scene.rendered(far, "copy"))
    scene.run("render/safe", "Failed", photos=str(scene.folder / "nowhere"))
    scene.run("promote/gate", "Failed", run="nobody")


def _meet_other_judges(scene: _Scene, secret: str) -> None:
    """Judges that give upload URLs with a credential, and repeat it in what they refuse."""
    name = scene.rendered(pair_table(scene.folder, _OTHER), "other")
    unnamed = forever(status(404))  # of the question who judges

    def repeated(url: str) -> Act:
        return forever(lambda connection, commit: connection.sendall(answer(url.encode(), status=403)))

    for host in ("127.0.0.1:{port}", "upload.example"):
        with fake_judge({"poll": [unnamed]}) as judge:
            judge.upload_url = f"http://{host.format(port=judge.port)}/bucket/key?signature={secret}"
            judge.acts["put"] = [drop, repeated(judge.upload_url)]
            run = scene.start("submit/portal", {"CALIBGUARD_PORTAL_URL": judge.url}, run=name)
            scene.require_end(run, "Failed")


def _lose_the_portal(scene: _Scene, portal: RunningPortal, other_token: str) -> None:
    """A portal that is away, and that knows another token when it is back."""
    portal.kill()
    scene.run("preflight/check", "Failed", needs=_NEEDS)
    scene.printed("flows.cli", "preflight", *(word for need in _NEEDS for word in ("--needs", need)))
    name = max(manifests(scene.store), key=lambda one: one.finished).name
    waiting = scene.start("submit/portal", run=name)
    scene.bench.started_process(waiting)
    wait_until(lambda: scene.bench.logs(waiting), within_s=120, what="a word of the run that waits")
    with _portal(scene.folder, other_token, port=urlsplit(portal.url).port or 0):
        scene.require_end(waiting, "Failed")
        scene.run("preflight/check", "Failed", needs=_NEEDS)
        scene.printed("flows.cli", "submit", name)
        scene.printed("flows.cli", "board")
        scene.printed("infra.settings")


def _left_behind(scene: _Scene) -> Iterator[tuple[str, bytes]]:
    """Everything that could hold a secret, and by its nature should not."""
    for top in ("stack", "portal", "portal.log", "printed"):
        path = scene.folder / top
        for file in [path] if path.is_file() else path.rglob("*"):
            if file.is_file():
                yield file.relative_to(scene.folder).as_posix(), file.read_bytes()
    for found in scene.store.list(""):
        yield f"{scene.store.url}/{found.key}", scene.store.read(found.key)


def _require_search(scene: _Scene, left: Mapping[str, bytes]) -> None:
    """What is no secret must be found in the same way, or nothing would be."""
    known = {
        scene.originals: "stack/prefect/",
        TEAM["CALIBGUARD_BOUNTY_EMAIL"]: "portal/",
        "kaggler": "printed",
    }
    for word, place in known.items():
        if not any(where.startswith(place) for where, body in left.items() if word.encode() in body):
            raise RuntimeError(f"{word!r} should be in {place} and is not found; the search is no test")


def _hits(secret: str, left: Mapping[str, bytes]) -> Iterator[str]:
    """Where a secret stands, plainly or as HTTP's basic authorisation would write it."""
    forms = (secret.encode(), base64.b64encode(f"admin:{secret}".encode()))
    for place, body in left.items():
        for form in forms:
            if (at := body.find(form)) >= 0:
                yield f"it is in {place}: {body[max(0, at - 60) : at].decode('latin-1')!a}"
