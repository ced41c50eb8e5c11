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
    guardrails: tuple[str, ...] = ()
    """What would force the safe row of this size, whatever the profile; empty when nothing does."""
    coefficient_source: Literal["searched", "loaded", "run", "shipped", "fallback"]
    """``run``: of an earlier run, such as the champion's, which the request names as its table."""
    interpolation: Interpolation
    border: Border
    expected_error_px: float | None = None
    """Predicted RMS error of the warp in pixels, where the method can tell."""
    error_bound_px: float | None = None
    """The error stays below it with a probability of 0.9."""
    objective: float | None = None
    """What a method that looks at pixels made small on this photo, under the warp it chose."""


class QuarantinedPhoto(Record):
    """A file that is left out of the run, and why."""

    file_name: str
    code: str
    """Stable word for the sort of defect, such as ``truncated`` or ``bad_name``."""
    reason: str
    """One sentence: what was expected, what was found, what to do."""


class Inventory(Record):
    """What lies in a photo folder: the photos to render, the files that cannot be, the rest."""

    folder: str
    photos: tuple[PhotoRef, ...]
    quarantined: tuple[QuarantinedPhoto, ...]
    ignored: tuple[str, ...]
    """Names that are no photos: sub-folders, hidden files and files of other kinds."""


class Engine(Record):
    """Everything that decides the bytes of a rendered photo besides its input and its warp."""

    backend: Literal["opencv", "cupy"]
    quality: int = Field(ge=1, le=100)
    """JPEG quality of the output, 1 to 100."""
    versions: dict[str, str]
    """Version of each library that touches pixels or bytes, and of the renderer itself."""


class PhotoShard(Record):
    """A slice of the run that is rendered, kept and retried as one."""

    index: int = Field(ge=0)
    digest: Sha256
    """Content key: equal photos, warps and engine give the same key wherever they are rendered."""
    photos: tuple[RoutedPhoto, ...]


class RenderedPhoto(Record):
    """What the store holds for one rendered photo."""

    id: str
    size: int = Field(ge=1)
    """Bytes."""
    crc32: int = Field(ge=0, lt=1 << 32)
    sha256: Sha256


class RenderedShard(Record):
    """The outcome of a shard; its presence in the store means that every photo in it is there."""

    digest: Sha256
    photos: tuple[RenderedPhoto, ...]
    quarantined: tuple[QuarantinedPhoto, ...]


class MethodChoice(Record):
    """The method a user chose, and what it leaves to choose."""

    method: str
    variant: str | None
    """Profile or policy; None only until the method's default is named."""
    interpolation: Interpolation | None
    """None leaves the choice to the table."""
    border: Border | None
    table: str | None
    """File of a table or policy, ``shipped``, a refit's candidate, or a run whose table is taken; None takes
    the champion's (see ``tasks.promoted_table``) where there is one of the method, else the shipped one."""


class RenderRequest(MethodChoice):
    """What the user asked for, as recorded in plan and manifest."""

    photos_folder: str
    shard_size: int = Field(ge=1, le=10_000)
    artifact_tag: str | None
    accept_quarantined: bool
    """Whether the user allows a zip that lacks quarantined photos to be submitted."""


class RunPlan(Record):
    """What a run is going to do; written create-only, it also claims the run's name."""

    name: str
    run_id: str
    created: str
    """When the run was asked for, ISO 8601 in UTC."""
    request: RenderRequest
    engine: Engine
    table_digest: Sha256 | None
    input_digest: Sha256
    """SHA-256 over the sorted lines ``file name NUL sha256`` of all photos taken in."""
    shards: tuple[PhotoShard, ...]
    quarantined: tuple[QuarantinedPhoto, ...]
    ignored: tuple[str, ...]
    """Names in the folder that are no photos."""


class SubmissionZip(Record):
    """The assembled zip: stored, sorted, byte-identical for equal photos."""

    key: str
    size: int
    """Bytes."""
    sha256: Sha256
    behaviour_digest: Sha256
    """SHA-256 over the sorted lines ``file name NUL sha256`` of its photos: survives re-zipping."""
    photos: int


class RouteUse(Record):
    """How often one route was taken with one coefficient set."""

    route: str
    warp: Warp
    interpolation: Interpolation
    border: Border
    coefficient_source: str
    photos: int


class Provenance(Record):
    """What ran: enough to run it again."""

    git_commit: str | None
    git_dirty: bool | None
    """Whether any file of the program differed from the commit or was new; None outside a git checkout."""
    command: str
    """Deployment name, or the command line that was run."""
    flow_run_id: str
    """Empty where a command ran without a flow."""
    parameters: dict[str, object]
    python: str
    platform: str


class RunManifest(Record):
    """The record of a finished run; written last, never changed. Its presence means complete."""

    name: str
    created: str
    finished: str
    provenance: Provenance
    request: RenderRequest
    engine: Engine
    plan_sha256: Sha256
    """Digest of the stored plan, which tells the route and the reason of each photo."""
    table_digest: Sha256 | None
    """Digest of the coefficients in force, stored as ``table.json`` beside the plan."""
    input_digest: Sha256
    routes: tuple[RouteUse, ...]
    submission: SubmissionZip
    contact_sheet: str
    """Key of the contact sheet in the store."""
    contact_sheet_sha256: Sha256
    rendered: int
    quarantined: tuple[QuarantinedPhoto, ...]
    shards: tuple[Sha256, ...]
    """Digest of each shard, in order."""
    shard_records: tuple[Sha256 | None, ...]
    """SHA-256 of the record of each shard, in order; None where none was kept, see ``shards.is_settled``."""
    submittable: bool
    """False while photos are quarantined and the user has not accepted that."""


class Check(Record):
    """One line of the preflight table."""

    name: str
    passed: bool
    found: str
    """What was found, in words."""
    remedy: str
    """What to do when it did not pass."""
