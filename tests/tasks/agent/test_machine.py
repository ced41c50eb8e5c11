import subprocess
import sys

import pytest

from gpu.remap.cupy import Device
from tasks.agent.errors import WrongAccelerator
from tasks.agent.machine import usable_devices

T4 = Device("Tesla T4", (7, 5))


def test_two_gpus_of_turing_are_usable() -> None:
    assert usable_devices([T4, T4]) == [T4, T4]


def test_a_gpu_older_than_volta_is_refused_by_name() -> None:
    with pytest.raises(WrongAccelerator, match=r"Tesla P100 has compute capability 6\.0; 7\.0 is the least"):
        usable_devices([T4, Device("Tesla P100", (6, 0))])


@pytest.mark.parametrize(("shown", "seen"), [("", ["0", "1"]), ("2,5", ["2", "5"])])
def test_each_render_process_sees_one_gpu(shown: str, seen: list[str]) -> None:
    program = (
        "import os; from tasks.agent.machine import prepare_for_gpu\n"
        "prepare_for_gpu({index}, None); print(os.environ['CUDA_VISIBLE_DEVICES'])"
    )
    answers = [
        subprocess.run(
            [sys.executable, "-c", program.format(index=index)],
            env={"CUDA_VISIBLE_DEVICES": shown},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for index in range(2)
    ]
    assert answers == seen
