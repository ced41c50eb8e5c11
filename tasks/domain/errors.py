"""What the rules refuse, as one tree of errors whose text is meant for the person who runs the job.

    ValueError
      DomainError                 any refusal by a rule; nothing was written
        PhotoNameError            a file name that cannot be a photo's name
        ArtifactNameError         a name or tag that cannot name an artifact
        DocumentError             a JSON file with problems, all of them listed
        UnknownMethodError        no method of that name
        UnknownVariantError       the method has no profile or policy of that name
        UnusableWarpError         coefficients that fold the photo, or that its size cannot bear

A ``TypeError`` is left for what only a programmer can get wrong.
"""

from collections.abc import Sequence
from typing import Final

_LISTED: Final = 50  # more problems than a person reads at once are counted only


class DomainError(ValueError):
    """A rule says no; the text says what was expected, what was found and what to do."""


class PhotoNameError(DomainError):
    """A file name is not ``{id}.jpg`` with an id that every store and file system can hold."""


class ArtifactNameError(DomainError):
    """A family, variant, tag or whole name that cannot name an artifact."""


class DocumentError(DomainError):
    """A JSON document is refused; ``problems`` holds one sentence for each thing wrong in it."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        self.source = source
        self.problems = tuple(problems)
        listed = "".join(f"\n  {problem}" for problem in self.problems[:_LISTED])
        if len(self.problems) > _LISTED:
            listed += f"\n  and {len(self.problems) - _LISTED} more"
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{source} has {count}:{listed}")

    def __reduce__(self) -> tuple[type["DocumentError"], tuple[str, tuple[str, ...]]]:
        """Pickle by the two arguments, because the text alone cannot rebuild the error."""
        return type(self), (self.source, self.problems)


class UnknownMethodError(DomainError):
    """No method of that name is installed."""


class UnknownVariantError(DomainError):
    """The method has no profile or policy of that name."""


class UnusableWarpError(DomainError):
    """The coefficients give no usable map for the photo's size."""
