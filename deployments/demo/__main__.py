"""``make demo``: from nothing to a verdict, through a real Prefect server and worker and a real portal.

A drawn test set is rendered, scored and held against the gates, because its perfect corrections are drawn
too; a folder of your own is rendered only, until you name targets for it.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import unquote, urlsplit

from prefect.client.schemas.objects import FlowRun

from deployments.demo.photos import draw_target_set
from deployments.demo.portal import portal_over
from deployments.demo.runs import Runner
from deployments.stack import StackError, borrowed_stack
from flows.cli_ledger import board_table
from flows.terminal import print_table
from infra.errors import AdapterError
from infra.portal.client.connection import Patience, Portal
from infra.portal.client.judging import ask_judge
from infra.settings import Settings, load_settings
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from tasks.domain.errors import DomainError
from tasks.domain.ledger import LedgerEntry, board, judges
from tasks.domain.schemas import RunManifest
from tasks.keys import manifest_key
from tasks.ledger import entries

_DRAWN_PHOTOS = 48
_DRAWN_SHARD = 12  # small enough that the drawn set shows several shards
_TEAM = {
    "CALIBGUARD_BOUNTY_TEAM_NAME": "calibguard demo",
    "CALIBGUARD_BOUNTY_EMAIL": "demo@localhost",
    "CALIBGUARD_BOUNTY_KAGGLE_USERNAME": "demo",
    "CALIBGUARD_BOUNTY_GITHUB_REPO": "none",
}
_BASELINE_FAMILY = "global_grid"


def main() -> int:
    """Render a drawn set of photos, or a folder of your own; have the drawn set scored and decide on it."""
    parser = argparse.ArgumentParser(prog="make demo", description=main.__doc__)
    parser.add_argument("--photos", type=Path, help="folder of {id}.jpg photos; default: a set that is drawn")
    parser.add_argument("--draw", type=int, default=_DRAWN_PHOTOS, help="how many are drawn (%(default)s)")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        own = settings.state_dir.resolve() / "demo"  # apart from the store that may be the one in earnest
        if arguments.photos:
            _render_only(settings, arguments.photos.resolve(), own)
        else:
            _from_nothing_to_a_verdict(settings, own, count=arguments.draw)
    except (StackError, AdapterError, DomainError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _render_only(settings: Settings, photos: Path, own: Path) -> None:
    store = open_store(str(own / "store"))
    state = settings.state_dir.resolve()
    print("Prefect server and worker on loopback", flush=True)
    with borrowed_stack(state) as stack:
        runner = Runner(state, stack, {"CALIBGUARD_STORE_URL": store.url})
        run = runner.run("render/safe", {"photos": str(photos)})
    _print_rendered(_manifest_of(run, store), store)


def _from_nothing_to_a_verdict(settings: Settings, own: Path, *, count: int) -> None:
    print(f"drawing {count} photos of rooms through real lens curves, and as they should be", flush=True)
    drawn = draw_target_set(own / "target_set", count)
    store = open_store(str(own / "store"))
    state = settings.state_dir.resolve()
    print("Prefect server and worker on loopback, and a portal that scores", flush=True)
    with borrowed_stack(state) as stack, portal_over(drawn, own / "portal", settings) as url:
        env = {"CALIBGUARD_STORE_URL": store.url, "CALIBGUARD_PORTAL_URL": url, **_TEAM}
        runner = Runner(state, stack, env)
        photos = {"photos": str(drawn), "shard_size": _DRAWN_SHARD}
        _score_baseline(runner, photos, store, portal=url)
        verdict = runner.run("pipeline/safe", photos)
    _print_verdict(verdict, store)
    _print_rendered(_newest_manifest(store), store)


def _score_baseline(runner: Runner, photos: Mapping[str, object], store: ObjectStore, *, portal: str) -> None:
    """Have the baseline scored that a first champion must beat, unless this judge did in an earlier demo."""
    identity = ask_judge(Portal(portal, judge="demo"), patience=Patience())
    known = [one for one in entries(store) if (one.event, one.family) == ("scored", _BASELINE_FAMILY)]
    if any(one.judge and one.judge.model_dump() == asdict(identity) for one in known if identity):
        return
    run = runner.run("render/global-grid", photos)
    runner.run("submit/portal", {"run": _manifest_of(run, store).name})


def _manifest_of(run: FlowRun, store: ObjectStore) -> RunManifest:
    for manifest in _manifests(store):
        if manifest.provenance.flow_run_id == str(run.id):
            return manifest
    raise StackError(f"the run completed, yet no manifest in {store.url} names it")


def _newest_manifest(store: ObjectStore) -> RunManifest:
    return max(_manifests(store), key=lambda manifest: manifest.finished)


def _manifests(store: ObjectStore) -> list[RunManifest]:
    prefix, suffix = manifest_key("*").split("*")
    keys = [found.key for found in store.list(prefix) if found.key.endswith(suffix)]
    return [RunManifest.model_validate(json.loads(store.read(key))) for key in keys]


def _print_verdict(run: FlowRun, store: ObjectStore) -> None:
    state = run.state
    print(f"verdict: {state.name if state else ''}: {state.message if state else ''}")
    known = entries(store)
    for judge in judges(known):
        if judge is not None:
            print_table(board_table(board(known, judge)))
    if (report := newest_report(known)) is not None:
        print(f"report: {_path(report, store)}")


def newest_report(known: Sequence[LedgerEntry]) -> str | None:
    """Give the key of the report that the ledger tells last: of one run, the one with the gates."""
    reports = (key for entry in reversed(known) for key in entry.evidence if key.startswith("reports/"))
    return next(reports, None)


def _print_rendered(manifest: RunManifest, store: ObjectStore) -> None:
    for photo in manifest.quarantined:
        print(f"quarantined: {photo.file_name}: {photo.reason}")
    print(f"manifest: {_path(manifest_key(manifest.name), store)}")
    print(f"contact sheet: {_path(manifest.contact_sheet, store)}")
    print(f"zip: {_path(manifest.submission.key, store)}")
    print(f"sha256: {manifest.submission.sha256}")
    print(f"photos: {manifest.rendered} rendered, {len(manifest.quarantined)} quarantined")


def _path(key: str, store: ObjectStore) -> str:
    return f"{unquote(urlsplit(store.url).path)}/{key}"


if __name__ == "__main__":
    raise SystemExit(main())
