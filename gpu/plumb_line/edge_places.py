"""Where exactly an edge runs: sub-pixel places along a polyline, and what of them is a smooth chain.

At stations along the polyline the grey levels are read across it, and the place of the steepest step is kept
if it goes the way of the whole chain. A fold of wallpaper, a plant or a shadow that crosses is no smooth line
and is dropped here, however straight or bent the rest may be: low powers are the lens' to explain.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Levels = NDArray[np.float32]

BINS = 12  # places kept of each chain, each the mean of the stations in its stretch
_STATION = 3.0  # samples from one station to the next
# Samples read across the edge on either side, and from one reading to the next: readings closer than samples
# repeat what lies between two of them, and draw the place by up to a quarter of a sample.
_REACH, _STEP = 4.0, 1.0
_LEAST_STEP = 1.6  # grey levels per reading: weaker edges are texture and noise
_SMOOTH_DEGREE = 4  # of the polynomial that any lens bow follows to 0.02 px over the whole photo
_STRAY = 3.5  # robust standard deviations off the polynomial
_LEAST_FILLED = 0.6  # of the bins


@dataclass(frozen=True, slots=True, eq=False)
class EdgeRun:
    """The measured places of one edge.

    Attributes:
        places: (BINS, 2) in samples, in order; NaN where nothing was found.
        roughness: RMS distance of the places from a smooth line, across it, in samples.
    """

    places: Array
    roughness: float


def measure_run(levels: Levels, corners: Array) -> EdgeRun | None:
    """Measure the edge along a polyline; None where it is no smooth line for most of its length.

    Args:
        levels: (h, w) grey levels, lightly smoothed.
        corners: (n, 2) of the polyline, in samples.
    """
    stations, normals = _stations(corners)
    offsets, found = _steepest(levels, stations, normals)
    places = (stations + offsets[:, None] * normals)[found]
    if len(places) < BINS:
        return None
    start, along = corners[0], _direction(corners)
    t = (places - start) @ along
    d = (places - start) @ np.array([-along[1], along[0]])
    t, d = _without_strays(t, d)
    return _binned(t, d, start, along) if len(t) >= BINS else None


def _stations(corners: Array) -> tuple[Array, Array]:
    """Spread stations evenly over a polyline, with the unit normal at each."""
    steps = np.diff(corners, axis=0)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*steps.T))])
    wanted = np.arange(_STATION / 2, reached[-1], _STATION)
    places = np.stack([np.interp(wanted, reached, corners[:, axis]) for axis in (0, 1)], axis=1)
    slope = np.gradient(places, axis=0) if len(places) > 1 else steps[:1]
    slope /= np.hypot(*slope.T)[:, None]
    return places, np.stack([-slope[:, 1], slope[:, 0]], axis=1)


def _steepest(levels: Levels, stations: Array, normals: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Find the steepest step across the edge at each station: its offset, and whether there is one.

    The peak of the slope lies between readings: a parabola through three of them has its top there.
    """
    across = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
    read_at = stations[:, None] + across[None, :, None] * normals[:, None]
    u, v = (np.asarray(read_at[..., axis], np.float32) for axis in (0, 1))
    profile = cv2.remap(levels, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    slopes = np.diff(np.asarray(profile, np.float64), axis=1)
    if np.median(slopes[:, slopes.shape[1] // 2 - 1 : slopes.shape[1] // 2 + 1].sum(axis=1)) < 0:
        slopes = -slopes
    top = np.clip(slopes.argmax(axis=1), 1, slopes.shape[1] - 2)
    rows = np.arange(len(slopes))
    before, here, after = (slopes[rows, top + shift] for shift in (-1, 0, 1))
    curvature = before - 2.0 * here + after
    found = (here >= _LEAST_STEP) & (here >= before) & (here >= after) & (curvature < 0.0)
    shift = 0.5 * (before - after) / np.where(found, curvature, -1.0)
    return (across[top] + _STEP / 2 + shift * _STEP), found


def _direction(corners: Array) -> Array:
    chord = corners[-1] - corners[0]
    return np.asarray(chord / np.hypot(*chord))


def _without_strays(t: Array, d: Array) -> tuple[Array, Array]:
    """Drop stations that lie off a smooth line through the rest, in three rounds."""
    for _ in range(3):
        if len(t) < BINS:
            break
        misses = d - _smooth(t, d)
        spread = 1.4826 * float(np.median(np.abs(misses))) + 0.02
        kept = np.abs(misses) <= _STRAY * spread
        if kept.all():
            break
        t, d = t[kept], d[kept]
    return t, d


def _smooth(t: Array, d: Array) -> Array:
    middle, half = (t.max() + t.min()) / 2, max((t.max() - t.min()) / 2, 1e-9)
    x = (t - middle) / half
    basis = np.polynomial.legendre.legvander(x, _SMOOTH_DEGREE)
    return np.asarray(basis @ np.linalg.solve(basis.T @ basis, basis.T @ d))


def _binned(t: Array, d: Array, start: Array, along: Array) -> EdgeRun | None:
    edges = np.linspace(t.min(), t.max(), BINS + 1)
    number = np.clip(np.searchsorted(edges, t, side="right") - 1, 0, BINS - 1)
    count = np.bincount(number, minlength=BINS)
    filled = count > 0
    if filled.mean() < _LEAST_FILLED:
        return None
    mean_t, mean_d = (np.bincount(number, values, BINS) / np.maximum(count, 1) for values in (t, d))
    misses = (mean_d[filled] - _smooth(mean_t[filled], mean_d[filled])).astype(np.float64)
    freedom = max(filled.sum() - _SMOOTH_DEGREE - 1, 1)
    places = start + mean_t[:, None] * along + mean_d[:, None] * np.array([-along[1], along[0]])
    places[~filled] = np.nan
    return EdgeRun(np.asarray(places), float(np.sqrt(np.square(misses).sum() / freedom)))
