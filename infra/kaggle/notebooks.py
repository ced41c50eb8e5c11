"""What the commands and the provider ask of Kaggle, whichever way it is asked."""

import re
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from infra.kaggle.answers import OutputFile, SessionStatus

T4: Final = "NvidiaTeslaT4"
"""Two T4; one alone is not offered, and a session is billed by its length whatever it has."""
LONGEST_SESSION_S: Final = 12 * 3600
_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?")
_OWNER: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})")
_SHORTEST_TITLE: Final = 5


@dataclass(frozen=True, slots=True)
class KernelRef:
    """A kernel, and where ``version`` is given one version of it."""

    owner: str
    slug: str
    version: int | None = None

    def __post_init__(self) -> None:
        if not _OWNER.fullmatch(self.owner) or not _SLUG.fullmatch(self.slug):
            raise ValueError(
                f"a kernel is OWNER/SLUG, the slug of at most 50 of a-z, 0-9 and '-', got"
                f" {self.owner!r} and {self.slug!r}"
            )

    def __str__(self) -> str:
        kernel = f"{self.owner}/{self.slug}"
        return kernel if self.version is None else f"{kernel}/{self.version}"

    @property
    def label(self) -> str | None:
        """The version as Kaggle wants it; the bare number is not found."""
        return None if self.version is None else f"v{self.version}"


def kernel_ref(text: str) -> KernelRef:
    """Take ``OWNER/SLUG`` or ``OWNER/SLUG/VERSION`` apart."""
    parts = text.split("/")
    version = parts[2] if len(parts) == 3 else None
    if len(parts) not in (2, 3) or (version is not None and not re.fullmatch(r"[1-9][0-9]{0,8}", version)):
        raise ValueError(f"OWNER/SLUG or OWNER/SLUG/VERSION was expected, got {text!r}")
    return KernelRef(parts[0], parts[1], int(version) if version else None)


@dataclass(frozen=True, slots=True)
class Push:
    """What is to run.

    Attributes:
        source: A script, or a notebook's JSON.
        title: Kaggle makes the slug of a new kernel from it; None makes it from the slug.
        gpu: Ask for T4s.
        timeout_s: After which Kaggle ends the session; None leaves it to Kaggle.
        sources: Data sets and competitions that are mounted, under Kaggle's own member names.
    """

    source: str = field(repr=False)
    kind: Literal["script", "notebook"]
    gpu: bool
    title: str | None = None
    timeout_s: int | None = None
    sources: dict[str, list[str]] = field(default_factory=dict)


def title_of(slug: str) -> str:
    """Give the title that Kaggle makes this slug from.

    Raises:
        ValueError: It would make another slug.
    """
    if len(slug) < _SHORTEST_TITLE or "--" in slug:
        raise ValueError(f"a slug of {_SHORTEST_TITLE} or more, without '--', was expected, got {slug!r}")
    return slug.replace("-", " ")


class Notebooks(Protocol):
    """One way of talking to Kaggle. All methods block."""

    name: Literal["api", "mcp"]

    def status(self, kernel: KernelRef) -> SessionStatus:
        """Ask how a session is."""
        ...

    def run(self, kernel: KernelRef, push: Push | None, *, gpu: bool) -> KernelRef:
        """Start a session of the push, or once more of what the kernel holds; return its version."""
        ...

    def output(self, kernel: KernelRef) -> tuple[list[OutputFile], str]:
        """List the files that a session left, and give its log; neither exists before the session's end."""
        ...

    def delete(self, kernel: KernelRef) -> bool:
        """Delete a kernel with its sessions and their output; False where there is none."""
        ...
