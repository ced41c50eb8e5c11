"""The records that cross boundaries: task to task, process to process, run to run.

All of them are frozen, refuse unknown fields and non-finite numbers, and travel as JSON. What they mean
is decided elsewhere: methods route photos, ``shards`` plans them, ``submission_zip`` packs them.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Interpolation = Literal["linear", "cubic", "lanczos4"]
Border = Literal["constant", "reflect", "replicate"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 as 64 lower-case hex digits")]


class Record(BaseModel):
    """Base of every record: frozen, closed, finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PhotoRef(Record):
    """One photo of the data set, as found and measured before anything is rendered."""

    id: str
    """File name without ``.jpg``."""
    width: int = Field(ge=1)
    """Pixels as stored, whatever the orientation tag says."""
    height: int = Field(ge=1)
    """Pixels as stored."""
    size: int = Field(ge=0)
    """Bytes of the file."""
    sha256: Sha256


class IdentityWarp(Record):
    """Leave the photo as it is: its bytes are passed on untouched."""

    kind: Literal["identity"] = "identity"


class LegacyWarp(Record):
    """The user's (k1, k2, alpha): OpenCV Brown with fx = fy = width and ``getOptimalNewCameraMatrix``."""

    kind: Literal["legacy"] = "legacy"
    k1: float
    k2: float
    alpha: float = Field(default=0.0, ge=0.0, le=1.0)


class CurveWarp(Record):
    """A lens curve with one isotropic zoom; see ``gpu.lens_curve`` for equations and units."""

    kind: Literal["curve"] = "curve"
    factors: tuple[float, ...] = Field(min_length=1, max_length=7)
    """Coefficient of each power of the radius, the radius in units of half the diagonal."""
    centre_shift: tuple[float, float] = (0.0, 0.0)
    """Optical centre off the photo's centre, in units of half the diagonal."""


Warp = Annotated[IdentityWarp | LegacyWarp | CurveWarp, Field(discriminator="kind")]


class RoutedPhoto(Record):
    """One photo with the warp a method chose for it, and why."""

    photo: PhotoRef
    warp: Warp
    route: str
    """Route label, such as ``dim_safe`` or ``parent_primary``."""
    reason: str
    """One sentence: what decided for this route."""
    coefficient_source: Literal["searched", "loaded", "shipped", "fallback"]
    interpolation: Interpolation
    border: Border
    expected_error_px: float | None = None
    """Predicted RMS error of the warp in pixels, where the method can tell."""
