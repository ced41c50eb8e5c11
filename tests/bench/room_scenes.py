"""`python -m tests.bench.room_scenes FOLDER`: draws rooms as scenes for a generator of realistic pairs.

Writes `FOLDER/photos/`, corrected photos of seven rooms, 3000 px wide, and `FOLDER/sources.csv` with a line
for each. A room is a group: none is in training and test alike.
"""

import csv
import shutil
import sys
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from deployments.demo.photos import draw_photos

_ROOMS = {"count": 28, "seed": 77, "long_side": 3000}
_COLUMNS = ("file", "kind", "group", "width", "height", "licence", "source", "scene", "class")


def draw_room_scenes(folder: Path) -> None:
    """Draw the rooms; the same ones every time."""
    photos = folder / "photos"
    photos.mkdir(parents=True)
    with TemporaryDirectory() as drawn, (folder / "sources.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(_COLUMNS)
        rooms = draw_photos(Path(drawn) / "rooms-originals", **_ROOMS, with_targets=True)
        for number, (_, room) in enumerate(groupby(rooms, lambda one: one.listing)):
            for one in room:
                place = photos / f"{one.photo_id}.jpg"
                shutil.move(str(one.target), place)
                size = (one.size.width, one.size.height)
                table.writerow(
                    (
                        f"photos/{place.name}",
                        "photo",
                        f"room-{number}",
                        *size,
                        "own",
                        "own",
                        one.photo_id,
                        "A",
                    )
                )


if __name__ == "__main__":
    draw_room_scenes(Path(sys.argv[1]))
