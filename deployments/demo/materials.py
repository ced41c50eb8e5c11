"""Textures of the demo's rooms, drawn with a random generator, and the sheet they are packed on.

Textures are ``(H, W, 3)`` uint8 RGB, drawn at ``TEXELS_PER_M``. Nothing is read from a file, and nothing here
knows where in a room a texture ends up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.uint8]
Colour = tuple[float, float, float]

TEXELS_PER_M = 240
_SHEET_WIDTH = 4096
_MARGIN = 8  # texels of replicated edge, so that reduced sheets do not bleed into each other


@dataclass(frozen=True, slots=True)
class Patch:
    """The rectangle of the sheet that holds one texture, in texels."""

    x: int
    y: int
    width: int
    height: int


def pack(textures: Sequence[Texture]) -> tuple[Texture, tuple[Patch, ...]]:
    """Lay textures out in rows on one sheet, each with a margin of its own edge colour."""
    patches: list[Patch] = []
    x = y = row_height = 0
    for texture in textures:
        height, width = texture.shape[:2]
        if x + width + 2 * _MARGIN > _SHEET_WIDTH:
            x, y, row_height = 0, y + row_height, 0
        patches.append(Patch(x + _MARGIN, y + _MARGIN, width, height))
        x += width + 2 * _MARGIN
        row_height = max(row_height, height + 2 * _MARGIN)
    sheet = np.zeros((y + row_height, _SHEET_WIDTH, 3), np.uint8)
    for texture, patch in zip(textures, patches, strict=True):
        top, left = patch.y - _MARGIN, patch.x - _MARGIN
        bordered = cv2.copyMakeBorder(texture, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REPLICATE)
        sheet[top : top + bordered.shape[0], left : left + bordered.shape[1]] = bordered
    return sheet, tuple(patches)


def texels(metres: float) -> int:
    """Return a length in texels, 4 or more and few enough for one row of the sheet."""
    return int(np.clip(round(metres * TEXELS_PER_M), 4, _SHEET_WIDTH - 2 * _MARGIN))


def plain(
    rng: np.random.Generator, width_m: float, height_m: float, colour: Colour, *, grain: float
) -> Texture:
    """One colour with soft blotches and a fine grain, ``grain`` grey levels strong."""
    width, height = texels(width_m), texels(height_m)
    fine = rng.standard_normal((height // 2 + 1, width // 2 + 1), dtype=np.float32)
    coarse = rng.standard_normal((height // 60 + 2, width // 60 + 2), dtype=np.float32)
    mottled = cv2.resize(fine, (width, height)) + cv2.resize(
        coarse, (width, height), interpolation=cv2.INTER_CUBIC
    )
    return _tinted(mottled * grain, colour)


def planks(rng: np.random.Generator, width_m: float, height_m: float, colour: Colour) -> Texture:
    """Floor boards 12 cm wide along the height, each with its own tone and streaks of grain."""
    width, height = texels(width_m), texels(height_m)
    streaks = rng.standard_normal((height // 40 + 2, width // 2 + 1), dtype=np.float32)
    level = 5.0 * cv2.resize(streaks, (width, height))
    board = texels(0.12)
    for left in range(0, width, board):
        joints = np.cumsum(rng.uniform(0.6, 1.8, 16) * TEXELS_PER_M).astype(int)
        for top, bottom in zip((0, *joints), (*joints, height), strict=True):
            level[top:bottom, left : left + board] += rng.normal(0.0, 9.0)
            level[bottom - 1 : bottom + 1, left : left + board] -= 45.0
        level[:, left : left + 1] -= 50.0
    return _tinted(level, colour)


def tiles(
    rng: np.random.Generator, width_m: float, height_m: float, colour: Colour, *, side_m: float
) -> Texture:
    """Square tiles with light joints."""
    width, height, side = texels(width_m), texels(height_m), texels(side_m)
    tones = rng.normal(0.0, 5.0, (height // side + 1, width // side + 1)).astype(np.float32)
    level = np.kron(tones, np.ones((side, side), np.float32))[:height, :width].copy()
    level += (
        cv2.resize(rng.standard_normal((height // 3, width // 3), dtype=np.float32), (width, height)) * 3.0
    )
    level[::side] += 35.0
    level[:, ::side] += 35.0
    level[1::side] -= 30.0
    level[:, 1::side] -= 30.0
    return _tinted(level, colour)


def stripes(rng: np.random.Generator, width_m: float, height_m: float, colour: Colour) -> Texture:
    """Folds of a curtain, or the ribs of a radiator: soft stripes along the height."""
    width, height = texels(width_m), texels(height_m)
    phase = np.linspace(0.0, 2.0 * np.pi * width_m / 0.09, width) + rng.uniform(0.0, 6.0)
    fold = 22.0 * np.sin(phase + 0.7 * np.sin(phase / 3.1))
    return _tinted(np.broadcast_to(fold, (height, width)).astype(np.float32), colour)


def books(rng: np.random.Generator, width_m: float, height_m: float) -> Texture:
    """Backs of books of many widths and heights, in front of a dark shelf."""
    width, height = texels(width_m), texels(height_m)
    picture = np.full((height, width, 3), 38, np.uint8)
    left = 0
    while left < width:
        right = left + int(rng.uniform(0.018, 0.05) * TEXELS_PER_M)
        top = int(height * rng.uniform(0.05, 0.4))
        back = rng.uniform(40, 215, 3)
        picture[top:, left : max(right - 1, left + 1)] = back
        band = top + (height - top) // 4
        picture[band : band + max(2, height // 12), left + 1 : right - 2] = 255 - back
        left = right if rng.random() > 0.07 else right + texels(0.1)
    return picture


def cabinet_front(width_m: float, height_m: float, colour: Colour, *, door_m: float) -> Texture:
    """Doors of ``door_m`` side by side, with joints and a handle each."""
    width, height = texels(width_m), texels(height_m)
    level = np.zeros((height, width), np.float32)
    count = max(1, round(width_m / door_m))
    for door in range(count):
        left, right = round(door * width / count), round((door + 1) * width / count)
        level[:, right - 2 : right] -= 90.0
        inset = max(2, min(texels(0.06), (right - left) // 4, height // 4))
        cv2.rectangle(level, (left + inset, inset), (right - inset, height - inset), -26.0, 2)
        middle = (right - inset // 2) if door % 2 == 0 else (left + inset // 2)
        cv2.rectangle(level, (middle - 2, height // 3), (middle + 2, height // 3 + texels(0.12)), -120.0, -1)
    level[:2] -= 60.0
    return _tinted(level, colour)


def painting(rng: np.random.Generator, width_m: float, height_m: float) -> Texture:
    """An abstract print: a gradient with a few discs and bars."""
    width, height = texels(width_m), texels(height_m)
    ends = rng.uniform(60, 235, (2, 1, 1, 3))
    rise = np.linspace(0.0, 1.0, height)[:, None, None]
    picture = np.ascontiguousarray(np.broadcast_to(ends[0] * (1 - rise) + ends[1] * rise, (height, width, 3)))
    for _ in range(7):
        x, y, side = (int(value) for value in rng.uniform(0.05, 0.95, 3) * (width, height, width / 3))
        colour = tuple(float(value) for value in rng.uniform(20, 245, 3))
        if rng.random() < 0.5:
            cv2.circle(picture, (x, y), side // 2 + 2, colour, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(picture, (x, y), (x + side, y + side // 3 + 2), colour, -1)
    return picture.astype(np.uint8)


def window_view(rng: np.random.Generator, width_m: float, height_m: float) -> Texture:
    """A bright outside: sky, a row of houses with windows, and a lawn, nearly burnt out."""
    width, height = texels(width_m), texels(height_m)
    rise = np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None, None]
    picture = np.broadcast_to(
        (1 - rise) * (225, 238, 255) + rise * (250, 250, 250), (height, width, 3)
    ).copy()
    horizon = int(height * rng.uniform(0.55, 0.7))
    x = 0
    while x < width:
        house, top = texels(rng.uniform(0.25, 0.6)), int(horizon - height * rng.uniform(0.08, 0.3))
        picture[top:horizon, x : x + house] = rng.uniform(165, 225, 3)
        for left in range(x + 10, x + house - 14, 26):
            for row in range(top + 10, horizon - 14, 30):
                picture[row : row + 14, left : left + 10] = 130
        x += house + texels(rng.uniform(0.0, 0.3))
    picture[horizon:] = (198, 214, 178)
    return picture.astype(np.uint8)


def _tinted(level: NDArray[np.float32], colour: Colour) -> Texture:
    """Add grey levels to a colour, more to the channels that are brighter."""
    tint = np.asarray(colour, np.float32)
    levels = np.clip(tint + level[..., None] * (tint / tint.max()), 0, 255)
    return np.asarray(levels, np.uint8)
