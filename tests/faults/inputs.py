"""Bad input, named: every mistake fails its run in one sentence, without a traceback or leftovers."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectHTTPStatusError

from infra.store.opening import open_store
from tasks.domain.tables import shipped_text
from tests.faults.bench import Bench
from tests.faults.verdict import Verdict
from tests.photos import fill_folder, jpeg, listing_ids

_LONGEST = 1500


@dataclass(frozen=True)
class BadInput:
    """One mistake and words that must be among those the user reads."""

    name: str
    photos: Path
    said: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    state: str = "Failed"


def inputs(bench: Bench) -> Iterator[Verdict]:
    """Start all runs, which wait for each other in the work pool, and judge each."""
    folder = bench.folder / "inputs"
    cases = [*_folders(folder), *_tables(folder), *_options(folder)]
    runs = [
        (case, bench.start(str(folder / "stores" / case.name), case.photos, parameters=case.parameters))
        for case in cases
    ]
    for case, run in runs:
        ended = bench.ended(run, within_s=900)
        yield _judged(case, ended, bench.logs(run), folder / "stores" / case.name)
    yield _refused_by_schema(bench, folder)


def _folders(folder: Path) -> Iterator[BadInput]:
    good = fill_folder(folder / "good", listing_ids(4))
    yield BadInput("missing folder", folder / "nowhere", "does not exist; name an existing one")
    (folder / "empty").mkdir()
    yield BadInput("empty folder", folder / "empty", "holds no photo; put '{id}.jpg' files there")
    yield BadInput("file as folder", good / "home000_g0.jpg", "is a file; name the folder")
    names = ("PHOTO.JPG", "spaced name.jpg", "photo.jpeg", "-minus.jpg")
    yield BadInput("bad names only", _named(folder / "names", names), "none of the 4 photos in")
    mixed = fill_folder(_named(folder / "mixed", names), ["good"])
    yield BadInput("bad names among good", mixed, "1 photos rendered, 4 quarantined", state="Quarantined")
    twice = fill_folder(_named(folder / "twice", ("home.jpg", "HOME.jpg")), ["good"])
    yield BadInput("duplicate ids", twice, "1 photos rendered, 2 quarantined", state="Quarantined")


def _named(folder: Path, names: tuple[str, ...]) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(jpeg())
    return folder


def _tables(folder: Path) -> Iterator[BadInput]:
    photos = folder / "good"

    def case(name: str, edit: Callable[[dict[str, Any]], object], said: str) -> BadInput:
        document = json.loads(shipped_text("calibguard_dim.json"))
        edit(document)
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document))
        return BadInput(f"table: {name}", photos, said, {"table": str(path)})

    def first(document: dict[str, Any]) -> dict[str, Any]:
        row: dict[str, Any] = document["dimensions"]["2048x1367"]
        return row

    yield case("NaN", lambda table: first(table)["safe"].update(k1=float("nan")), "NaN is no JSON number")
    yield case("unknown key", lambda table: table.update(dimension={}), "is an unknown key")
    yield case("no parents", lambda table: table.pop("parents"), "parents: is missing")
    yield case(
        "no heavy_crop parent", lambda table: table["parents"].pop("heavy_crop"), "missing: heavy_crop"
    )
    yield case("folding curve", lambda table: first(table)["primary"].update(k1=-2.31, k2=0), "folds the map")
    yield BadInput("table: missing file", photos, "cannot be read", {"table": str(folder / "none.json")})
    (folder / "text.json").write_text("k1 = 0.2")
    yield BadInput("table: no JSON", photos, "text.json", {"table": str(folder / "text.json")})


def _options(folder: Path) -> Iterator[BadInput]:
    photos = folder / "good"
    yield BadInput("wrong method", photos, "there is no method 'magic'", {"method": "magic"})
    yield BadInput("wrong variant", photos, "has no variant 'bold'", {"variant": "bold"})
    yield BadInput("bare version as tag", photos, "is a bare version", {"artifact_tag": "v2"})


def _judged(case: BadInput, ended: FlowRun, logs: list[str], store: Path) -> Verdict:
    state = ended.state
    message = (state.message if state else None) or ""
    keys = [found.key for found in open_store(str(store)).list("")]
    return Verdict(
        "input", case.name, tuple(_wrongs(case, state.name if state else None, message, logs, keys)), message
    )


def _wrongs(
    case: BadInput, state: str | None, message: str, logs: list[str], keys: list[str]
) -> Iterator[str]:
    if state != case.state:
        yield f"the state is {state}, expected {case.state}"
    if case.said not in message:
        yield f"{case.said!r} is not said"
    # Problems of a document are a list: one sentence to a line, set in by two spaces.
    if any(not line.startswith("  ") for line in message.splitlines()[1:]) or len(message) > _LONGEST:
        yield f"the message of {len(message)} characters is no sentence"
    if any("Traceback" in line for line in logs):
        yield "there is a traceback in the logs"
    if case.state == "Failed" and any(not key.endswith("/plan.json") for key in keys):
        yield f"the failed run left {keys}"


def _refused_by_schema(bench: Bench, folder: Path) -> Verdict:
    """A value outside a parameter's type never becomes a run."""
    try:
        run = bench.start(str(folder / "stores" / "schema"), folder / "good", parameters={"quality": 0})
    except PrefectHTTPStatusError as error:
        return Verdict(
            "input", "quality 0", (), f"refused before a run existed, status {error.response.status_code}"
        )
    state = bench.ended(run).state
    wrong = () if state and state.is_failed() else (f"the run ended in {state!r}",)
    return Verdict("input", "quality 0", wrong, f"accepted as a run that ended in {state!r}")
