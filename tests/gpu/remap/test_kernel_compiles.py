import pytest
from cupy.cuda import nvrtc

from gpu.remap.cupy import NVRTC_OPTIONS, kernel_names, kernel_source


@pytest.mark.parametrize("architecture", [75, 90], ids=["sm_75 (T4)", "sm_90 (H100)"])
def test_every_instance_of_the_kernel_compiles(architecture: int) -> None:
    program = nvrtc.createProgram(kernel_source(), "remap.cu", (), ())
    for name in kernel_names():
        nvrtc.addNameExpression(program, name)

    try:
        nvrtc.compileProgram(program, (*NVRTC_OPTIONS, f"--gpu-architecture=compute_{architecture}"))
    except nvrtc.NVRTCError:
        pytest.fail(nvrtc.getProgramLog(program))

    ptx = nvrtc.getPTX(program).decode()
    entries = [nvrtc.getLoweredName(program, name) for name in kernel_names()]
    assert len(set(entries)) == 9
    assert [name for name in entries if f".entry {name}(" not in ptx] == []
