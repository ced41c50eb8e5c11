"""``make demo``: from nothing to a verified submission zip, through a real Prefect server and worker."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deployments.demo.photos import draw_photos
from deployments.stack import Stack, StackError, running_stack, stack_environment
from infra.settings import SettingsInvalid, load_settings
from infra.store.interface import ObjectStore
from infra.store.opening import open_store
from tasks.domain.schemas import RunManifest
from tasks.keys import manifest_key

_DRAWN_PHOTOS = 48
_DRAWN_SHARD = 12  # small enough that the drawn set shows several shards


def main() -> int:
    """Render a drawn set of photos, or a folder of your own, through a real Prefect server and worker."""
    parser = argparse.ArgumentParser(prog="make demo", description=main.__doc__)
    parser.add_argument("--photos", type=Path, help="folder of {id}.jpg photos; default: a set that is drawn")
    arguments = parser.parse_args()
    try:
        state = (load_settings().state_dir / "demo").resolve()
        return _demo(state, arguments.photos)
    except (StackError, SettingsInvalid) as error:
        print(error, file=sys.stderr)
        return 1


def _demo(state: Path, photos: Path | None) -> int:
    parameters = [f"photos={json.dumps(str(photos.resolve()))}"] if photos else _drawn(state / "photos")
    store = open_store(str(state / "store"), s3=None)
    before = set(_runs(store))
    print("starting a Prefect server and worker on loopback", flush=True)
    with running_stack(state, CALIBGUARD_STORE_URL=str(state / "store")) as stack:
        status = _render(state, stack, parameters)
    new = sorted(set(_runs(store)) - before)
    if status or not new:
        print("the run did not finish; its own words stand above", file=sys.stderr)
        return status or 1
    _print_result(RunManifest.model_validate_json(store.read(manifest_key(new[-1]))), store)
    return 0


def _drawn(folder: Path) -> list[str]:
    print(f"drawing {_DRAWN_PHOTOS} photos of rooms through real lens curves", flush=True)
    draw_photos(folder, count=_DRAWN_PHOTOS)
    return [f"photos={json.dumps(str(folder))}", f"shard_size={_DRAWN_SHARD}"]


def _render(state: Path, stack: Stack, parameters: list[str]) -> int:
    command = [sys.executable, "-m", "prefect", "deployment", "run", "render/safe", "--watch"]
    for parameter in parameters:
        command += ["--param", parameter]
    print("prefect deployment run render/safe --watch", flush=True)
    return subprocess.run(command, env=stack_environment(state, stack.port), check=False).returncode


def _runs(store: ObjectStore) -> list[str]:
    """Names of the finished runs: those with a manifest."""
    prefix, suffix = manifest_key("*").split("*")
    keys = [found.key for found in store.list(prefix)]
    return [key.removeprefix(prefix).removesuffix(suffix) for key in keys if key.endswith(suffix)]


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
