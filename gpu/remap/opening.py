"""The one door to the remap back ends: each is imported only when it is asked for by name."""

from gpu.remap.backend import BackendName, RemapBackend


def open_backend(name: BackendName) -> RemapBackend:
    """Import and prepare the back end of this name.

    Raises:
        BackendUnavailableError: This machine lacks its library, driver or device.
    """
    match name:
        case "opencv":
            from gpu.remap.opencv import OpenCvRemap

            return OpenCvRemap()
        case "cupy":
            from gpu.remap.cupy import CupyRemap

            return CupyRemap()
        case _:
            raise ValueError(f"remap back ends are 'opencv' and 'cupy', got {name!r}")
