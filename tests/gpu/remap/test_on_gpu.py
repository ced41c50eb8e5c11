"""The kernel on a real GPU: parity, bad input and throughput, written to ``gpu_results.json``."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.errors import BackendUnavailableError
from gpu.lens_curve import LensCurve
from gpu.radial_map import RadialMap
from gpu.remap.backend import Border, Interpolation, Plane
from gpu.remap.cupy import CupyRemap
from gpu.remap.reference import reference_remap

pytestmark = pytest.mark.gpu

FILL = (17, 201)
PHOTO = ImageSize(2048, 1367)
RESULTS = Path(__file__).with_name("gpu_results.json")


@pytest.fixture(scope="module")
def backend() -> CupyRemap:
    try:
        return CupyRemap()
    except BackendUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def results(backend: CupyRemap) -> Iterator[dict[str, Any]]:
    import cupy

    device = cupy.cuda.runtime.getDeviceProperties(0)
    gathered: dict[str, Any] = {
        "device": device["name"].decode(),
        "compute_capability": f"{device['major']}.{device['minor']}",
        "driver_cuda": cupy.cuda.runtime.driverGetVersion(),
        "runtime_cuda": cupy.cuda.runtime.runtimeGetVersion(),
        "version": backend.version,
        "difference_from_reference": {},
        "kernel_us_per_2048x1367_plane": {},
    }
    yield gathered
    RESULTS.write_text(json.dumps(gathered, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def test_every_mode_equals_the_exact_reference(
    backend: CupyRemap,
    results: dict[str, Any],
    mode: tuple[Interpolation, Border],
    mapping: RadialMap,
    planes: Sequence[Plane],
) -> None:
    interpolation, border = mode

    found = backend.remap(planes, mapping, interpolation=interpolation, border=border, fill=FILL)

    expected = reference_remap(planes, mapping, interpolation=interpolation, border=border, fill=FILL)
    difference = np.abs(np.stack(found).astype(int) - np.stack(expected))
    entry = results["difference_from_reference"].setdefault(
        f"{interpolation} {border}", {"max": 0, "mean": 0}
    )
    entry["max"] = max(entry["max"], int(difference.max()))
    entry["mean"] = max(entry["mean"], float(difference.mean()))
    assert difference.max() <= 1  # grey level, as on the host
    assert difference.mean() <= 0.002


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 3)])
def test_a_tiny_plane_is_sampled_as_the_reference_says(
    backend: CupyRemap, shape: tuple[int, int], mode: tuple[Interpolation, Border]
) -> None:
    interpolation, border = mode
    plane = np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
    mapping = LensCurve((6.1, 0.0, 0.7)).radial_map(ImageSize(shape[1], shape[0]))

    (found,) = backend.remap([plane], mapping, interpolation=interpolation, border=border, fill=[9])

    (expected,) = reference_remap([plane], mapping, interpolation=interpolation, border=border, fill=[9])
    assert np.abs(found.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("factor", [1e30, float("nan"), float("inf")])
def test_a_wild_curve_reads_outside_and_nowhere_else(
    backend: CupyRemap, planes: Sequence[Plane], factor: float
) -> None:
    height, width = planes[0].shape
    curve = LensCurve((1.0,)).radial_map(ImageSize(width, height))
    wild = RadialMap(curve.out_centre, curve.out_scale, curve.src_centre, curve.src_scale, (1.0, 0.0, factor))

    found = backend.remap(planes, wild, interpolation="lanczos4", border="constant", fill=FILL)

    assert [int(plane[0, 0]) for plane in found] == list(FILL)


def test_planes_in_fortran_order_are_taken(backend: CupyRemap, planes: Sequence[Plane]) -> None:
    height, width = planes[0].shape
    mapping = LensCurve((1.0, 0.0, -0.1)).radial_map(ImageSize(width, height))

    turned, straight = (
        backend.remap(arrays, mapping, interpolation="cubic", border="reflect", fill=FILL)
        for arrays in ([np.asfortranarray(plane) for plane in planes], planes)
    )

    np.testing.assert_array_equal(turned, straight)


def test_planes_of_two_sizes_are_refused_before_the_device_sees_them(
    backend: CupyRemap, planes: Sequence[Plane]
) -> None:
    mapping = LensCurve((1.0,)).radial_map(ImageSize(10, 10))

    with pytest.raises(ValueError, match="uint8 arrays of one shape"):
        backend.remap(
            [planes[0], planes[1][:5]], mapping, interpolation="linear", border="reflect", fill=FILL
        )


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "lanczos4"])
def test_throughput_is_recorded(
    backend: CupyRemap, results: dict[str, Any], interpolation: Interpolation
) -> None:
    import cupy

    stack = cupy.random.randint(0, 256, (8, PHOTO.height, PHOTO.width), dtype=cupy.uint8)
    mapping = LensCurve((0.98, 0.0, -0.06, 0.0, 0.09)).radial_map(PHOTO)

    def launch() -> None:
        backend.remap_on_device(stack, mapping, interpolation=interpolation, border="reflect", fill=[0] * 8)

    micros = _device_micros(launch) / len(stack)

    results["kernel_us_per_2048x1367_plane"][interpolation] = round(micros, 2)
    results["copy_us_per_2048x1367_plane"] = round(_device_micros(stack.copy) / len(stack), 2)
    assert micros > 0.0


def _device_micros(launch: Callable[[], object]) -> float:
    """Least device time of one launch, of twenty, in microseconds."""
    import cupy

    times = []
    for _ in range(20):
        start, stop = cupy.cuda.Event(), cupy.cuda.Event()
        start.record()
        launch()
        stop.record()
        stop.synchronize()
        times.append(1e3 * cupy.cuda.get_elapsed_time(start, stop))
    return float(min(times))
