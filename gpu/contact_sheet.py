"""Draws a contact sheet: each original beside its corrected photo.

Works on JPEG bytes that were decoded strictly before; it judges nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from gpu.preview import fitted_photo

_TILE_WIDTH = 420
_CAPTION_HEIGHT = 26
_GAP = 10
_PAPER = 248
_INK = (60, 60, 60)
_QUALITY = 85


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One photo of the sheet."""

    caption: str
    original: bytes
    corrected: bytes


def contact_sheet(rows: Sequence[SheetRow], *, columns: int = 2) -> bytes:
    """Draw the rows, one or more, ``columns`` of them side by side, as one JPEG.

    Portrait photos are fitted into the height of a landscape tile, so that every row has one height.
    """
    cells = [_cell(row) for row in rows]
    blank = np.full_like(cells[0], _PAPER)
    cells += [blank] * (-len(cells) % columns)
    lines = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return bytes(simplejpeg.encode_jpeg(np.vstack(lines), quality=_QUALITY, colorspace="BGR"))


def _cell(row: SheetRow) -> NDArray[np.uint8]:
    gap = np.full((_tile_height(), _GAP, 3), _PAPER, np.uint8)
    pair = np.hstack([gap, _tile(row.original), gap, _tile(row.corrected), gap])
    caption = np.full((_CAPTION_HEIGHT, pair.shape[1], 3), _PAPER, np.uint8)
    cv2.putText(caption, row.caption, (_GAP, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)
    return np.vstack([pair, caption])


def _tile(jpeg: bytes) -> NDArray[np.uint8]:
    small = fitted_photo(jpeg, width=_TILE_WIDTH, height=_tile_height())
    tile = np.full((_tile_height(), _TILE_WIDTH, 3), _PAPER, np.uint8)
    top, left = (_tile_height() - small.shape[0]) // 2, (_TILE_WIDTH - small.shape[1]) // 2
    tile[top : top + small.shape[0], left : left + small.shape[1]] = small
    return tile


def _tile_height() -> int:
    return _TILE_WIDTH * 2 // 3
