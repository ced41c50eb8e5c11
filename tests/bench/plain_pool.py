"""Renders the same photos without Prefect and without a store: a process pool, files in, files out.

Run as ``python -m tests.bench.plain_pool PHOTOS OUTPUT PROCESSES``; the caller times the whole process. It
checks what ``render_photo`` checks, and keeps no digest, no record and no promise about crashes.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from gpu.coordinates import ImageSize
from gpu.jpeg.header import read_header
from gpu.legacy import legacy_radial_map
from gpu.render import RenderJob, limit_process, render_photo
from tests.bench.one_photo import K1, K2, QUALITY


def render_file(path: Path, output: Path) -> None:
    """Render one file as the shipped table's row of its size says, cubic and reflected."""
    photo = path.read_bytes()
    header = read_header(photo)
    job = RenderJob(
        photo=photo,
        mapping=legacy_radial_map(K1, K2, 0.0, ImageSize(header.width, header.height)),
        interpolation="cubic",
        border="reflect",
        quality=QUALITY,
        backend="opencv",
    )
    (output / path.name).write_bytes(render_photo(job).jpeg)


def main(photos: Path, output: Path, processes: int) -> None:
    """Render every photo of a folder into another."""
    output.mkdir(parents=True)
    with ProcessPoolExecutor(processes, initializer=limit_process, initargs=(3072,)) as pool:
        list(pool.map(partial(render_file, output=output), sorted(photos.iterdir())))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
