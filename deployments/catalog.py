"""The deployments and the work pool they run on, as data; ``deployments.register`` makes them real."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from infra.remote.names import Kind

RENDER = "flows.render.render"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One entry of Prefect's deployments page.

    Attributes:
        entrypoint: Module path of the flow, so that it runs wherever the project is installed.
        name: Second half of ``prefect deployment run FLOW/NAME``.
        parameters: What the deployment fixes; the rest keeps the flow's defaults.
        tags: For filtering in the UI.
        schedule: When it runs by itself, where settings name the time; None: only when it is asked to.
        pool: Work pool of rented machines; None for the pool of the settings, on this machine.
    """

    entrypoint: str
    name: str
    description: str
    parameters: dict[str, object] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    schedule: Literal["nightly", "before the deadline"] | None = None
    pool: Kind | None = None


def catalog() -> Iterator[Deployment]:
    """Every deployment of the project."""
    for profile in ("safe", "balanced", "aggressive"):
        yield _render(profile, "calibguard_dim", profile, f"Coefficients by exact size, profile {profile}.")
    yield _render("global-grid", "global_grid", "seed", "One coefficient pair for all photos.")
    yield _render("dim-bucket", "dim_bucket_microgrid", "tuned", "One coefficient pair for each size bucket.")
    for number in (1, 2, 3):
        policy = f"zero_guard_v{number}"
        yield _render(
            f"zero-guard-v{number}",
            "zero_guard",
            policy,
            f"The tuned buckets with the replacements of {policy}.",
        )
    for name, method, variant, what in (
        ("hough-proxy", "hough_proxy", "candidates", "the longest straight segments"),
        ("laplacian-proxy", "laplacian_proxy", "candidates", "the most Laplacian energy"),
        ("nelder", "nelder_per_image", "simplex", "the longest segments that Nelder-Mead finds"),
    ):
        yield _render(name, method, variant, f"Chooses per photo by {what}; a baseline.")
    yield _render(
        "shoot-atlas",
        "shoot_atlas",
        "safe",
        "A lens curve per photo: by metadata, lines in its listing's photos, or pairs of its size.",
    )
    for name, apply in (("dry-run", False), ("apply", True)):
        yield Deployment(
            entrypoint="flows.prune.prune",
            name=name,
            description="Removes rendered results by name or pattern." if apply else "Shows what would go.",
            parameters={"apply": apply},
            tags=("prune",),
        )
    yield Deployment(
        entrypoint="flows.refit.refit",
        name="nightly",
        description="Refits atlas and tables from all training pairs into a candidate; promotes nothing.",
        tags=("refit",),
        schedule="nightly",
    )
    yield Deployment(
        entrypoint="flows.render_batch.render_batch",
        name="here",
        description="Renders one batch as a rented machine would, on this one; for trying pools.",
        tags=("render-batch",),
    )
    yield Deployment(
        entrypoint="flows.build_table.build_table",
        name="pairs",
        description="Builds one table from training pairs into a candidate; promotes nothing.",
        tags=("build-table",),
    )
    yield from _judged()
    yield Deployment(
        entrypoint="flows.diagnose.diagnose",
        name="pairs",
        description="Tries a method on training pairs before any upload; all figures are proxy.",
        tags=("diagnose",),
    )
    yield Deployment(
        entrypoint="flows.preflight.preflight",
        name="check",
        description="Everything a run needs, checked before one is started.",
        tags=("preflight",),
    )


def remote_catalog(pools: Iterable[Kind]) -> Iterator[Deployment]:
    """What is added for pools of rented machines, where settings name them."""
    for pool in pools:
        yield Deployment(
            entrypoint="flows.render_batch.render_batch",
            name=pool,
            description=f"Renders one batch on a machine rented at {pool.capitalize()}; `render` starts it.",
            tags=("render-batch", pool),
            pool=pool,
        )
        safe = _render("safe", "calibguard_dim", "safe", "")
        yield replace(
            safe,
            name=f"safe-{pool}",
            description=f"As render/safe, its shards on machines rented at {pool.capitalize()}.",
            parameters={**safe.parameters, "pools": [f"render-batch/{pool}"], "backend": "cupy"},
            tags=(*safe.tags, pool),
        )


def _judged() -> Iterator[Deployment]:
    """From a finished run to a champion."""
    told = {
        "submit/portal": "Has a finished run scored by the portal, at most once.",
        "analyse/scored": "Takes a scored run apart and writes its report.",
        "promote/gate": "Holds a scored run against all gates; makes it champion where they allow it.",
    }
    for full_name, description in told.items():
        flow, name = full_name.split("/")
        entrypoint = f"flows.{flow}.{flow}"
        yield Deployment(entrypoint=entrypoint, name=name, description=description, tags=(flow,))
    yield Deployment(
        entrypoint="flows.fallback.fallback",
        name="deadline",
        description="In the last hour before the deadline: the best heuristic, without a model.",
        tags=("fallback",),
        schedule="before the deadline",
    )
    for profile in ("safe", "balanced", "aggressive"):
        yield Deployment(
            entrypoint="flows.pipeline.pipeline",
            name=profile,
            description=f"Render, submit, analyse and promote: calibguard_dim, profile {profile}.",
            parameters={"method": "calibguard_dim", "variant": profile},
            tags=("pipeline", "calibguard_dim", profile),
        )


def _render(name: str, method: str, variant: str, description: str) -> Deployment:
    return Deployment(
        entrypoint=RENDER,
        name=name,
        description=description,
        parameters={"method": method, "variant": variant},
        tags=("render", method, variant),
    )
