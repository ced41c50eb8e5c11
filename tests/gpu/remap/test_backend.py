import subprocess
import sys

import numpy as np
import pytest

from gpu.coordinates import ImageSize
from gpu.lens_curve import LensCurve
from gpu.remap.backend import BackendName, checked_size
from gpu.remap.opening import open_backend

LEVELS = np.zeros((4, 6), dtype=np.uint8)


def run_python(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    ).stdout


def test_opening_the_cpu_back_end_names_itself_and_imports_no_cupy() -> None:
    printed = run_python(
        "import sys; from gpu.remap.opening import open_backend; b = open_backend('opencv');"
        "print(b.name, b.version, 'cupy' in sys.modules)"
    )

    assert printed.startswith("opencv opencv 5.")
    assert printed.endswith(" False\n")


@pytest.mark.parametrize(
    ("hide", "sentence"),
    [
        ("os.environ['CUDA_VISIBLE_DEVICES'] = ''", "needs an NVIDIA GPU with its driver"),
        ("sys.modules['cupy'] = None", "needs CuPy"),
    ],
    ids=["no device", "no CuPy"],
)
def test_a_machine_without_a_gpu_is_told_so_and_never_given_another_back_end(
    hide: str, sentence: str
) -> None:
    printed = run_python(
        f"import os, sys; {hide}\n"
        "from gpu.remap.opening import open_backend\n"
        "from gpu.errors import BackendUnavailableError\n"
        "try: open_backend('cupy')\n"
        "except BackendUnavailableError as error: print(error)"
    )

    assert sentence in printed
    assert "choose back end 'opencv'" in printed


def test_an_unknown_back_end_is_refused() -> None:
    name: BackendName = "vulkan"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="'opencv' and 'cupy', got 'vulkan'"):
        open_backend(name)


@pytest.mark.parametrize(
    ("planes", "fill", "sentence"),
    [
        ([], [], "at least one plane, got none"),
        ([LEVELS.astype(np.float32)], [0], r"got float32\[4, 6\]"),
        ([np.zeros((4, 6, 3), np.uint8)], [0], r"got uint8\[4, 6, 3\]"),
        ([LEVELS, LEVELS[:2]], [0, 0], r"got uint8\[4, 6\], uint8\[2, 6\]"),
        ([LEVELS], [0, 0], r"1 planes need as many fill levels within 0..255, got \[0, 0\]"),
        ([LEVELS], [256], r"within 0..255, got \[256\]"),
    ],
)
def test_planes_that_do_not_belong_together_are_refused(
    planes: list[np.ndarray], fill: list[int], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        checked_size(planes, fill)


def test_the_identity_curve_returns_the_planes() -> None:
    plane = np.random.default_rng(1).integers(0, 256, (31, 47), dtype=np.uint8)
    identity = LensCurve((1.0,)).radial_map(ImageSize(47, 31))

    for interpolation in ("linear", "cubic", "lanczos4"):
        (found,) = open_backend("opencv").remap(
            [plane], identity, interpolation=interpolation, border="reflect", fill=[0]
        )
        np.testing.assert_array_equal(found, plane)
