"""Which files are the agent: what its bundle holds, and what the digest in its manifest is taken over."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_PLACES: Final = (
    "gpu",
    "tasks/__init__.py",
    "tasks/agent",
    "tasks/domain",
    "tasks/originals.py",
    "tasks/photo_rendering.py",
    "tasks/photo_workers.py",
    "tasks/warps.py",
)
_KINDS: Final = frozenset({".py", ".cu", ".json", ".txt"})


def source_files() -> Iterator[tuple[str, bytes]]:
    """Yield the path below the root and the content of each file, sorted by path."""
    places = (_ROOT / place for place in _PLACES)
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    for path in sorted(file for file in files if file.suffix in _KINDS):
        yield path.relative_to(_ROOT).as_posix(), path.read_bytes()


def code_digest() -> str:
    """SHA-256 over the lines ``path NUL sha256`` of all files, the same wherever they lie."""
    total = hashlib.sha256()
    for path, content in source_files():
        total.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return total.hexdigest()
