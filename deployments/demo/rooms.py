"""Furnished rooms made of boxes, for the demo's photos: what stands where, and what each face looks like.

The world is in metres: x along one wall, y along its neighbour, z up; the room is a box with a corner at the
origin. This module furnishes and paints, ``raycaster`` looks; everything follows from the generator given.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from deployments.demo import materials
from deployments.demo.materials import Colour, Texture

_WALL_COLOURS: tuple[Colour, ...] = (
    (226, 222, 212),
    (214, 218, 220),
    (222, 210, 190),
    (200, 208, 198),
    (190, 200, 212),
    (232, 226, 224),
)
_WOODS: tuple[Colour, ...] = ((150, 112, 74), (112, 78, 50), (186, 152, 112), (88, 66, 50), (204, 184, 156))
_FABRICS: tuple[Colour, ...] = ((96, 110, 126), (136, 92, 84), (108, 120, 96), (170, 160, 146), (66, 78, 100))
_SHELL = ("wall_x0", "wall_x1", "wall_y0", "wall_y1", "floor", "ceiling")
_WHITE: Colour = (236, 236, 232)
_METAL: Colour = (120, 122, 126)


Size = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in metres; ``fitted`` stretches its texture over each whole face."""

    low: Size
    high: Size
    texture: str
    fitted: bool = False
    glows: bool = False


Piece = tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """A room ready to be looked at: its boxes, its six own faces and the textures of all by name."""

    size: Size
    boxes: tuple[Box, ...]
    shell: tuple[str, str, str, str, str, str]
    """Textures of the faces at x=0, x=max, y=0, y=max, the floor and the ceiling."""
    textures: dict[str, Texture] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Wall:
    """One wall seen from inside: ``s`` runs along it, ``d`` away from it into the room."""

    axis: int  # the world axis that the wall runs along: 0 or 1
    far: bool  # at the far end of the other axis
    length: float
    room_depth: float

    def box(
        self, s: Sequence[float], d: Sequence[float], z: Sequence[float], texture: str, **looks: bool
    ) -> Box:
        near, deep = (self.room_depth - d[1], self.room_depth - d[0]) if self.far else (d[0], d[1])
        if self.axis == 0:
            return Box((s[0], near, z[0]), (s[1], deep, z[1]), texture, **looks)
        return Box((near, s[0], z[0]), (deep, s[1], z[1]), texture, **looks)


def draw_room(rng: np.random.Generator, *, clear: Sequence[tuple[float, float]], size: Size) -> Room:
    """Furnish a room of the given size.

    Args:
        rng: Decides everything.
        clear: Places (x, y) in metres that stay free, because cameras stand there.
        size: Width, depth and height in metres.
    """
    walls = _walls(size)
    kinds = rng.permutation(4)
    fixtures: list[Box] = []
    pieces: list[Piece] = [*_table_group(rng, size), *_lamps(rng, size)]
    for wall, kind in zip(walls, kinds, strict=True):
        fixtures += [wall.box((0, wall.length), (0, 0.014), (0, 0.09), "white")]
        fixtures += _fixtures(rng, wall, size[2], kind=int(kind))
        pieces += _furniture(rng, wall, size[2], kind=int(kind))
    standing = (piece for piece in pieces if not any(_blocks(box, place) for box in piece for place in clear))
    boxes = (*fixtures, *(box for piece in standing for box in piece))
    return Room(size, boxes, _SHELL, _textures(rng, size, boxes))


def _walls(size: Size) -> tuple[_Wall, ...]:
    return (
        _Wall(1, far=False, length=size[1], room_depth=size[0]),
        _Wall(1, far=True, length=size[1], room_depth=size[0]),
        _Wall(0, far=False, length=size[0], room_depth=size[1]),
        _Wall(0, far=True, length=size[0], room_depth=size[1]),
    )


def _blocks(box: Box, place: tuple[float, float], margin: float = 0.45) -> bool:
    """Tell whether a box of furniture would stand in front of the lens; flat trim and ceilings never do."""
    if box.low[2] > 2.0 or box.high[2] < 0.12:
        return False
    return all(box.low[axis] - margin < place[axis] < box.high[axis] + margin for axis in (0, 1))


def _fixtures(rng: np.random.Generator, wall: _Wall, height: float, *, kind: int) -> list[Box]:
    """What belongs to the wall: kinds 0 and 1 have a window, 2 a door and pictures, 3 pictures."""
    if kind in (0, 1):
        width = min(rng.uniform(1.3, 2.4), wall.length - 1.0)
        return list(_window(rng, wall, rng.uniform(0.45, wall.length - width - 0.45), width, height))
    door = [] if kind == 3 else list(_door(wall, 0.3))
    return door + list(_pictures(rng, wall, 1.4 if door else 2.2, wall.length - 0.1))


def _furniture(rng: np.random.Generator, wall: _Wall, height: float, *, kind: int) -> Iterator[Piece]:
    """What stands along the wall: low things under windows, nothing before doors, shelves on kind 3."""
    if kind == 3:
        width = rng.uniform(0.9, 1.8)
        yield tuple(_shelf(rng, wall, 0.12, width, min(2.05, height - 0.3)))
        yield from _low_furniture(rng, wall, width + 0.3, wall.length - 0.1, tall=1.0)
    else:
        start, tall = (1.4, 1.0) if kind == 2 else (0.15, 0.7)
        yield from _low_furniture(rng, wall, start, wall.length - 0.15, tall=tall)


def _window(
    rng: np.random.Generator, wall: _Wall, start: float, width: float, height: float
) -> Iterator[Box]:
    sill, top = rng.uniform(0.75, 0.95), min(height - 0.22, 2.25)
    end, bar = start + width, 0.055
    yield wall.box((start, end), (0, 0.006), (sill, top), "view", fitted=True, glows=True)
    for s in ((start - bar, start), (end, end + bar)):
        yield wall.box(s, (0, 0.05), (sill - bar, top + bar), "white")
    for z in ((sill - bar, sill), (top, top + bar)):
        yield wall.box((start, end), (0, 0.05), z, "white")
    panes = 2 if width < 1.7 else 3
    for pane in range(1, panes):
        middle = start + width * pane / panes
        yield wall.box((middle - 0.03, middle + 0.03), (0, 0.035), (sill, top), "white")
    crossbar = sill + 0.7 * (top - sill)
    yield wall.box((start, end), (0, 0.03), (crossbar - 0.02, crossbar + 0.02), "white")
    yield wall.box((start - 0.1, end + 0.1), (0, 0.16), (sill - bar - 0.03, sill - bar), "white")
    yield wall.box((start + 0.2, end - 0.2), (0.03, 0.1), (0.15, 0.62), "radiator")
    if rng.random() < 0.7:
        yield wall.box((start - 0.35, start - 0.02), (0.06, 0.1), (0.05, top + 0.1), "curtain")
        yield wall.box((end + 0.02, end + 0.35), (0.06, 0.1), (0.05, top + 0.1), "curtain")
        yield wall.box((start - 0.4, end + 0.4), (0.07, 0.09), (top + 0.1, top + 0.125), "metal")


def _door(wall: _Wall, start: float) -> Iterator[Box]:
    end, top, bar = start + 0.86, 2.03, 0.08
    yield wall.box((start, end), (0, 0.012), (0.0, top), "door", fitted=True)
    for s in ((start - bar, start), (end, end + bar)):
        yield wall.box(s, (0, 0.035), (0, top + bar), "white")
    yield wall.box((start, end), (0, 0.035), (top, top + bar), "white")
    yield wall.box((start + 0.06, start + 0.18), (0.012, 0.06), (1.02, 1.045), "metal")


def _pictures(rng: np.random.Generator, wall: _Wall, left: float, right: float) -> Iterator[Box]:
    s = left + rng.uniform(0.1, 0.3)
    number = 0
    while s < right - 0.4 and number < 4:
        width, tall = rng.uniform(0.3, 0.9), rng.uniform(0.35, 0.75)
        width = min(width, right - 0.1 - s)
        z = rng.uniform(1.25, 1.4)
        yield wall.box((s, s + width), (0, 0.022), (z, z + tall), "dark")
        yield wall.box(
            (s + 0.03, s + width - 0.03),
            (0.022, 0.026),
            (z + 0.03, z + tall - 0.03),
            f"picture{number}",
            fitted=True,
        )
        s += width + rng.uniform(0.12, 0.5)
        number += 1


def _shelf(rng: np.random.Generator, wall: _Wall, start: float, width: float, top: float) -> Iterator[Box]:
    end, depth, board = start + width, 0.3, 0.022
    for s in ((start, start + board), (end - board, end)):
        yield wall.box(s, (0, depth), (0, top), "wood")
    levels = np.linspace(0.08, top - board, int(rng.integers(5, 7)))
    for number, z in enumerate(levels):
        yield wall.box((start + board, end - board), (0, depth), (z, z + board), "wood")
        if number + 1 < len(levels):
            filled = width * rng.uniform(0.5, 0.95)
            tall = (levels[1] - levels[0]) * rng.uniform(0.6, 0.85)
            yield wall.box(
                (start + board, start + filled),
                (0.01, 0.2),
                (z + board, z + board + tall),
                f"books{number % 3}",
                fitted=True,
            )
    if rng.random() < 0.7:
        yield wall.box((start + 0.1, start + 0.35), (0.05, 0.25), (top, top + 0.22), "accent")


def _low_furniture(
    rng: np.random.Generator, wall: _Wall, left: float, right: float, *, tall: float
) -> Iterator[Piece]:
    """Sofas, sideboards and stools side by side, none higher than ``tall``."""
    s = left + rng.uniform(0.0, 0.3)
    while s < right - 0.6:
        width = min(rng.uniform(0.9, 2.1), right - s)
        kind = rng.integers(3)
        if kind == 0 and width > 1.3:
            yield tuple(_sofa(wall, s, width, min(tall, 0.82)))
        elif kind == 1:
            yield tuple(_sideboard(rng, wall, s, width, min(tall, 0.78)))
        else:
            width = min(width, 0.5)
            yield (wall.box((s, s + width), (0.05, 0.05 + width), (0.0, 0.42), "fabric"),)
        s += width + rng.uniform(0.15, 0.7)


def _sofa(wall: _Wall, s: float, width: float, top: float) -> Iterator[Box]:
    yield wall.box((s, s + width), (0.06, 0.9), (0.08, 0.42), "fabric")
    yield wall.box((s, s + width), (0.06, 0.26), (0.42, top), "fabric")
    for side in (s, s + width - 0.18):
        yield wall.box((side, side + 0.18), (0.06, 0.92), (0.08, 0.62), "fabric")
    middle = s + width / 2
    for seat in ((s + 0.2, middle - 0.01), (middle + 0.01, s + width - 0.2)):
        yield wall.box(seat, (0.27, 0.92), (0.43, 0.53), "fabric")
    yield wall.box((s + 0.25, s + 0.65), (0.28, 0.4), (0.53, 0.85), "accent")


def _sideboard(rng: np.random.Generator, wall: _Wall, s: float, width: float, top: float) -> Iterator[Box]:
    yield wall.box((s, s + width), (0.02, 0.45), (0.1, top), "cabinet", fitted=True)
    yield wall.box((s - 0.015, s + width + 0.015), (0.01, 0.47), (top, top + 0.025), "wood")
    for leg in (s + 0.05, s + width - 0.09):
        yield wall.box((leg, leg + 0.04), (0.06, 0.4), (0.0, 0.1), "dark")
    place = s + 0.1
    while place < s + width - 0.25:
        side, tall = rng.uniform(0.08, 0.24), rng.uniform(0.08, 0.35)
        texture = str(rng.choice(["accent", "white", "metal", "dark", "books0"]))
        yield wall.box((place, place + side), (0.12, 0.12 + side), (top + 0.025, top + 0.025 + tall), texture)
        place += side + rng.uniform(0.05, 0.4)


def _table_group(rng: np.random.Generator, size: Size) -> Iterator[Piece]:
    """A rug near the middle, a table on it with things on top, and chairs where it is high enough."""
    x, y = size[0] * rng.uniform(0.4, 0.6), size[1] * rng.uniform(0.4, 0.6)
    wide, deep = rng.uniform(0.5, 0.8), rng.uniform(0.35, 0.5)
    top = float(rng.choice([0.42, 0.74]))
    rug = (x - wide - 0.6, y - deep - 0.5, 0.0), (x + wide + 0.6, y + deep + 0.5, 0.012)
    yield (Box(*rug, "rug", fitted=True),)
    yield (*_table(x, y, wide, deep, top), *_table_things(rng, x, y, wide, deep, top))
    if top > 0.6:
        for away in (-1, 1):
            for place in (x - wide / 2, x + wide / 2):
                yield tuple(_chair(place, y + away * (deep + 0.12), away))


def _table(x: float, y: float, wide: float, deep: float, top: float) -> Iterator[Box]:
    under = top - 0.035
    yield Box((x - wide, y - deep, under), (x + wide, y + deep, top), "wood")
    for a in (x - wide + 0.07, x + wide - 0.07):
        for b in (y - deep + 0.07, y + deep - 0.07):
            yield Box((a - 0.03, b - 0.03, 0.0), (a + 0.03, b + 0.03, under), "wood")


def _table_things(
    rng: np.random.Generator, x: float, y: float, wide: float, deep: float, top: float
) -> Iterator[Box]:
    for _ in range(int(rng.integers(2, 6))):
        a, b = x + rng.uniform(-0.8, 0.8) * wide, y + rng.uniform(-0.7, 0.7) * deep
        side, tall = rng.uniform(0.03, 0.12), rng.uniform(0.02, 0.25)
        texture = str(rng.choice(["accent", "white", "dark"]))
        yield Box((a - side, b - side, top), (a + side, b + side, top + tall), texture)


def _chair(x: float, y: float, away: int) -> Iterator[Box]:
    half = 0.21
    yield Box((x - half, y - half, 0.43), (x + half, y + half, 0.47), "dark")
    for a in (x - half, x + half - 0.035):
        for b in (y - half, y + half - 0.035):
            yield Box((a, b, 0.0), (a + 0.035, b + 0.035, 0.43), "dark")
    outer, inner = y + away * half, y + away * (half - 0.03)
    yield Box((x - half, min(outer, inner), 0.47), (x + half, max(outer, inner), 0.92), "dark")


def _lamps(rng: np.random.Generator, size: Size) -> Iterator[Piece]:
    """A lamp that hangs in the middle and one that stands in a corner."""
    x, y = size[0] * rng.uniform(0.4, 0.6), size[1] * rng.uniform(0.4, 0.6)
    drop = size[2] - rng.uniform(0.12, 0.35)
    yield _around(x, y, 0.2, (drop - 0.08, drop), "white"), _around(x, y, 0.008, (drop, size[2]), "metal")
    x, y = (0.35, size[1] - 0.35) if rng.random() < 0.5 else (size[0] - 0.35, 0.35)
    pole, foot = _around(x, y, 0.012, (0.0, 1.35), "metal"), _around(x, y, 0.14, (0.0, 0.02), "metal")
    yield pole, foot, _around(x, y, 0.17, (1.35, 1.65), "white")


def _around(x: float, y: float, half: float, z: tuple[float, float], texture: str) -> Box:
    """A square box around an upright line; white ones are lamp shades."""
    low, high = (x - half, y - half, z[0]), (x + half, y + half, z[1])
    return Box(low, high, texture, glows=texture == "white")


def _textures(rng: np.random.Generator, size: Size, boxes: Sequence[Box]) -> dict[str, Texture]:
    """Draw every texture of a room; its own six faces carry light and shadows."""
    wall, wood, fabric, accent = (
        _pick(rng, palette) for palette in (_WALL_COLOURS, _WOODS, _FABRICS, _FABRICS)
    )
    textures = {
        "white": materials.plain(rng, 1.0, 1.0, _WHITE, grain=1.0),
        "metal": materials.plain(rng, 0.5, 0.5, _METAL, grain=2.0),
        "dark": materials.plain(rng, 0.5, 0.5, (58, 52, 48), grain=2.0),
        "accent": materials.plain(rng, 0.5, 0.5, accent, grain=6.0),
        "fabric": materials.plain(rng, 2.0, 1.0, fabric, grain=6.0),
        "rug": materials.tiles(rng, 1.6, 1.2, accent, side_m=0.2),
        "wood": materials.planks(rng, 2.0, 1.0, wood),
        "curtain": materials.stripes(rng, 0.5, 0.5, _pick(rng, _WALL_COLOURS)),
        "radiator": materials.stripes(rng, 2.0, 0.5, _WHITE),
        "cabinet": materials.cabinet_front(1.6, 0.7, wood, door_m=0.45),
        "door": materials.cabinet_front(0.86, 2.03, _WHITE, door_m=0.86),
        "view": materials.window_view(rng, 2.0, 1.4),
    }
    textures |= {f"books{number}": materials.books(rng, 1.2, 0.32) for number in range(3)}
    textures |= {f"picture{number}": materials.painting(rng, 0.6, 0.5) for number in range(4)}
    for name, length in (
        ("wall_x0", size[1]),
        ("wall_x1", size[1]),
        ("wall_y0", size[0]),
        ("wall_y1", size[0]),
    ):
        textures[name] = _lit(materials.plain(rng, length, size[2], wall, grain=1.2), strength=0.2)
    textures["ceiling"] = _lit(materials.plain(rng, size[0], size[1], _WHITE, grain=0.8), strength=0.12)
    textures["floor"] = _shadowed(_lit(_floor(rng, size, wood), strength=0.15), size, boxes)
    return textures


def _pick(rng: np.random.Generator, palette: Sequence[Colour]) -> Colour:
    return palette[int(rng.integers(len(palette)))]


def _floor(rng: np.random.Generator, size: Size, wood: Colour) -> Texture:
    if rng.random() < 0.65:
        return materials.planks(rng, size[0], size[1], wood)
    return materials.tiles(rng, size[0], size[1], (196, 190, 180), side_m=float(rng.choice([0.3, 0.45, 0.6])))


def _lit(texture: Texture, *, strength: float) -> Texture:
    """Darken towards the edges, as corners of a room are, over about half a metre."""
    height, width = texture.shape[:2]
    down = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None] / materials.TEXELS_PER_M
    along = np.minimum(np.arange(width), np.arange(width)[::-1])[None, :] / materials.TEXELS_PER_M
    gain = 1.0 - strength * (np.exp(-down / 0.35) + np.exp(-along / 0.35))
    return (texture * gain[..., None].astype(np.float32)).astype(np.uint8)


def _shadowed(floor: Texture, size: Size, boxes: Sequence[Box]) -> Texture:
    """Lay a soft shadow under everything that stands on or near the floor."""
    scale = 30  # shadow texels per metre: soft, so coarse is enough
    shade: NDArray[np.float32] = np.ones((round(size[1] * scale), round(size[0] * scale)), np.float32)
    for box in boxes:
        if box.high[2] > 0.02 and box.low[2] < 0.8:
            x0, y0, x1, y1 = (round(value * scale) for value in (*box.low[:2], *box.high[:2]))
            shade[max(0, shade.shape[0] - y1 - 2) : shade.shape[0] - y0 + 2, max(0, x0 - 2) : x1 + 2] = 0.55
    soft = cv2.resize(cv2.GaussianBlur(shade, (0, 0), 3.0), floor.shape[1::-1])
    return (floor * soft[..., None]).astype(np.uint8)
