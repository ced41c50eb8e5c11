"""Word a push in Kaggle's own member names, from a local file or from what Kaggle holds already."""

import json
from pathlib import Path
from typing import Final, Literal

from infra.errors import RemoteAnswerInvalid, RemoteRefused
from infra.kaggle.answers import Members, member
from infra.kaggle.notebooks import T4, KernelRef, Push, title_of
from infra.web.remote_text import quoted

_MOST_BYTES: Final = 1 << 20  # Kaggle's own limit is unpublished; data belong elsewhere
_MOUNTS: Final = ("datasetDataSources", "competitionDataSources", "kernelDataSources", "modelDataSources")


def save_members(kernel: KernelRef, push: Push) -> Members:
    """Give the members of a request that saves and runs: private, with internet, with a GPU on T4s."""
    members: Members = {
        "slug": f"{kernel.owner}/{kernel.slug}",
        "newTitle": push.title or title_of(kernel.slug),
        "text": push.source,
        "language": "python",
        "kernelType": push.kind,
        "isPrivate": True,
        "enableInternet": True,
        "enableGpu": push.gpu,
        "kernelExecutionType": "SAVE_AND_RUN_ALL",
        **{name: list(sources) for name, sources in push.sources.items()},
    }
    if push.gpu:
        members["machineShape"] = T4
    if push.timeout_s is not None:
        members["sessionTimeoutSeconds"] = push.timeout_s
    return members


def local_push(path: Path, *, gpu: bool) -> Push:
    """Read a local notebook or script.

    Raises:
        RemoteRefused: It is neither, or cannot be read.
    """
    if path.suffix not in (".py", ".ipynb"):
        raise RemoteRefused(f"{str(path)!r} is neither a script (.py) nor a notebook (.ipynb)")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise RemoteRefused(f"{str(path)!r} is longer than {_MOST_BYTES} bytes; keep data elsewhere")
        text = path.read_text(encoding="utf-8")
        source = text if path.suffix == ".py" else _bare_notebook(text)
    except OSError as error:
        raise RemoteRefused(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RemoteRefused(f"{str(path)!r} is no notebook in JSON: {type(error).__name__}") from error
    return Push(source=source, kind="script" if path.suffix == ".py" else "notebook", gpu=gpu)


def stored_push(stored: Members, *, gpu: bool) -> Push:
    """Push once more what Kaggle holds.

    Raises:
        RemoteAnswerInvalid: Kaggle does not give the source.
        RemoteRefused: It is in another language than Python.
    """
    blob = member(stored, "blob")
    source = member(blob, "source") if isinstance(blob, dict) else None
    if not isinstance(blob, dict) or not isinstance(source, str) or not source:
        raise RemoteAnswerInvalid("Kaggle gives no source of the kernel; name a local notebook to push")
    if (language := member(blob, "language") or "python") != "python":
        raise RemoteRefused(f"the kernel is in {quoted(language)}; only Python kernels are run")
    kind: Literal["script", "notebook"] = "notebook" if member(blob, "kernelType") == "notebook" else "script"
    return with_stored(Push(source=source, kind=kind, gpu=gpu), stored)


def with_stored(push: Push, stored: Members) -> Push:
    """Keep title and mounts that the kernel has: a push that leaves them out would take them away."""
    metadata = member(stored, "metadata")
    if not isinstance(metadata, dict):
        return push
    title = member(metadata, "title")
    mounts = {name: _texts(member(metadata, name)) for name in _MOUNTS}
    return Push(
        source=push.source,
        kind=push.kind,
        gpu=push.gpu,
        title=title if isinstance(title, str) and title else None,
        timeout_s=push.timeout_s,
        sources={name: found for name, found in mounts.items() if found},
    )


def _texts(found: object) -> list[str]:
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _bare_notebook(text: str) -> str:
    """Drop outputs and join each cell's lines: Kaggle takes a source as one text only."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = []
        if isinstance(cell["source"], list):
            cell["source"] = "".join(cell["source"])
    return json.dumps(notebook)
