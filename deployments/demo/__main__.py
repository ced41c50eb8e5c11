"""``make demo``: from nothing to a verified submission zip, through a real Prefect server and worker."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings

from deployments.demo.photos import draw_photos
from deployments.stack import Stack, StackError, borrowed_stack, stack_environment
from infra.errors import AdapterError
from infra.settings import load_settings
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from tasks.domain.schemas import RunManifest
from tasks.keys import manifest_key

_DRAWN_PHOTOS = 48
_DRAWN_SHARD = 12  # small enough that the drawn set shows several shards
_WATCH_S = 24 * 3600


def main() -> int:
    """Render a drawn set of photos, or a folder of your own, through a real Prefect server and worker."""
    parser = argparse.ArgumentParser(prog="make demo", description=main.__doc__)
    parser.add_argument("--photos", type=Path, help="folder of {id}.jpg photos; default: a set that is drawn")
    arguments = parser.parse_args()
    try:
        return _demo(load_settings().state_dir.resolve(), arguments.photos)
    except (StackError, AdapterError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _demo(state: Path, photos: Path | None) -> int:
    own = state / "demo"  # apart from the store that settings name, which may be the one in earnest
    parameters = [f"photos={json.dumps(str(photos.resolve()))}"] if photos else _drawn(own / "photos")
    store = open_store(str(own / "store"))
    print("Prefect server and worker on loopback", flush=True)
    with borrowed_stack(state) as stack:
        run = _render(state, stack, parameters, store)
    if run.state is None or not run.state.is_completed():
        print(run.state.message if run.state else "the run never began", file=sys.stderr)
        return 1
    _print_result(_manifest_of(run, store), store)
    return 0


def _drawn(folder: Path) -> list[str]:
    print(f"drawing {_DRAWN_PHOTOS} photos of rooms through real lens curves", flush=True)
    draw_photos(folder, count=_DRAWN_PHOTOS)
    return [f"photos={json.dumps(str(folder))}", f"shard_size={_DRAWN_SHARD}"]


def _render(state: Path, stack: Stack, parameters: list[str], store: ObjectStore) -> FlowRun:
    tag = f"demo-{uuid4().hex}"
    words = ["deployment", "run", "render/safe", "--watch", "--watch-timeout", str(_WATCH_S), "--tag", tag]
    for parameter in parameters:
        words += ["--param", parameter]
    words += ["--job-variable", f"env={json.dumps({'CALIBGUARD_STORE_URL': store.url})}"]
    print("prefect deployment run render/safe --watch", flush=True)
    command = [sys.executable, "-m", "prefect", *words]
    subprocess.run(command, env=stack_environment(state, stack.port), check=False)
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=[tag]))
    with temporary_settings({PREFECT_API_URL: stack.api_url}), get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=tagged)
    if not runs:
        raise StackError("the run was not accepted; its own words stand above")
    return runs[0]


def _manifest_of(run: FlowRun, store: ObjectStore) -> RunManifest:
    prefix, suffix = manifest_key("*").split("*")
    for found in store.list(prefix):
        text = store.read(found.key) if found.key.endswith(suffix) else b"{}"
        if json.loads(text).get("provenance", {}).get("flow_run_id") == str(run.id):
            return RunManifest.model_validate_json(text)
    raise StackError(f"the run completed, yet no manifest in {store.url} names it")


def _print_result(manifest: RunManifest, store: ObjectStore) -> None:
    def path(key: str) -> str:
        return f"{unquote(urlsplit(store.url).path)}/{key}"

    for photo in manifest.quarantined:
        print(f"quarantined: {photo.file_name}: {photo.reason}")
    print(f"manifest: {path(manifest_key(manifest.name))}")
    print(f"contact sheet: {path(manifest.contact_sheet)}")
    print(f"zip: {path(manifest.submission.key)}")
    print(f"sha256: {manifest.submission.sha256}")
    print(f"photos: {manifest.rendered} rendered, {len(manifest.quarantined)} quarantined")


if __name__ == "__main__":
    raise SystemExit(main())
