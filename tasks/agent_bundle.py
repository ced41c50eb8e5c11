"""Packs the agent for machines that have none: one zip, the same bytes for the same code, and a start script.

The list of libraries is cut from the project's lock file and kept beside the agent, so that an installed
package, which has no lock file, can still pack it.
"""

import hashlib
import io
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.store.interface import ObjectStore
from tasks.agent import bootstrap
from tasks.agent.sources import source_files
from tasks.keys import agent_key

LIBRARIES: Final = (
    "annotated-types",
    "numpy",
    "opencv-python-headless",
    "pebble",
    "pillow",
    "pydantic",
    "pydantic-core",
    "simplejpeg",
    "typing-extensions",
    "typing-inspection",
)
"""All that the agent imports, and what that needs in turn; CuPy comes with the machine or its image."""

GPU_LIBRARIES: Final = ("cuda-pathfinder", "cupy-cuda12x", "nvidia-cuda-nvrtc-cu12")
"""What an image for a GPU adds, see ``deployments/akash``."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_UNIX: Final = 3
_READABLE: Final = 0o644 << 16


@dataclass(frozen=True, slots=True)
class Bundle:
    """The agent's code as one zip."""

    body: bytes = field(repr=False)
    sha256: str


def agent_bundle() -> Bundle:
    """Pack the code that this machine runs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for path, content in source_files():
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            archive.writestr(entry, content)
    body = packed.getvalue()
    return Bundle(body, hashlib.sha256(body).hexdigest())


def store_bundle(bundle: Bundle, store: ObjectStore) -> str:
    """Store a bundle, if it is not there yet; returns its key."""
    key = agent_key(bundle.sha256)
    store.create(key, bundle.body, sha256=bundle.sha256)
    return key


def bootstrap_script(bundle_url: str, bundle_sha256: str, spec_url: str) -> str:
    """Write the script that a rented machine starts with; both URLs in it are credentials."""
    source = Path(bootstrap.__file__).read_text(encoding="utf-8")
    return f"{source}\n\nsys.exit(main({bundle_url!r}, {bundle_sha256!r}, {spec_url!r}))\n"


def locked_libraries(lock: str, libraries: Collection[str] = LIBRARIES) -> str:
    """Cut libraries, with their hashes, out of the text of a lock file."""
    wanted: list[str] = []
    taking = False
    for line in lock.splitlines():
        if line.startswith("    #"):
            continue
        if not line.startswith(" "):
            taking = line.partition("==")[0] in libraries
        if taking:
            wanted.append(line)
    return "".join(f"{line}\n" for line in wanted)
