"""The error tree of the array room's geometry: what can be wrong in the world rather than in the call.

    Exception
    ├── ValueError
    │   └── LensModelError            coefficients that describe no usable warp, or have no exact form
    └── RuntimeError
        └── BackendUnavailableError   a remap back end that this machine cannot run

A caller's mistake (wrong shape, wrong dtype, unknown name) stays a plain ``ValueError`` or ``TypeError``.
None of these is worth a retry: the same input meets the same error.
"""


class LensModelError(ValueError):
    """The coefficients fold the map, are not finite, or cannot be written exactly in the asked form."""


class BackendUnavailableError(RuntimeError):
    """The asked back end needs a library, driver or device that this machine lacks; nothing was rendered."""
