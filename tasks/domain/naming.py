"""Names of photos and artifacts: what may be one, what it says, and how a new one is made.

No clock: the time of an artifact is an argument. No store: whether a name is taken is asked elsewhere.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasks.domain.errors import ArtifactNameError, PhotoNameError

_PHOTO_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")
_LISTING = re.compile(r"(.+)_g[0-9]+")
_WORD = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
_WORD_LENGTH = 80  # family, tag and stamp together stay below the 255 bytes of a file name
_BARE_VERSION = re.compile(r"v[0-9]+", re.IGNORECASE)
SUBMISSION_NAME = re.compile(r"submission_(?P<words>.+)_(?P<stamp>[0-9]{8}_[0-9]{6})")
STAMP = "%Y%m%d_%H%M%S"


def photo_id(file_name: str) -> str:
    """Take the id out of a photo's file name.

    Raises:
        PhotoNameError: The name is not ``{id}.jpg``, the extension in lower case and the id of 1 to 120
            ASCII letters, digits, ``.``, ``_`` and ``-``, not beginning with ``.`` or ``-``.
    """
    stem = file_name.removesuffix(".jpg")
    if stem == file_name:
        raise PhotoNameError(f"{file_name!r} does not end in '.jpg'; photos are named {{id}}.jpg")
    if not _PHOTO_ID.fullmatch(stem):
        raise PhotoNameError(
            f"{file_name!r} has no usable id before '.jpg': 1 to 120 of the letters a-z, A-Z, digits, '.', "
            f"'_' and '-' were expected, not beginning with '.' or '-'; rename the file"
        )
    return stem


def listing_of(photo_id: str) -> str:
    """Name the listing a photo belongs to: what stands before ``_g<number>``, else the id itself."""
    match = _LISTING.fullmatch(photo_id)
    return match[1] if match else photo_id


def duplicate_ids(file_names: Iterable[str]) -> frozenset[str]:
    """Give the ids, case folded, that more than one of the ``{id}.jpg`` names stands for.

    Two such photos would overwrite each other when the submission is unpacked on a file system that
    ignores case. Names that do not end in ``.jpg`` are no photos' names and are left out.
    """
    ids = Counter(name.removesuffix(".jpg").casefold() for name in file_names if name.endswith(".jpg"))
    return frozenset(name for name, count in ids.items() if count > 1)


@dataclass(frozen=True, slots=True)
class SubmissionName:
    """What a submission's name says: family of the method, variant within it, and when (UTC)."""

    family: str
    variant: str
    at: datetime


def check_artifact_tag(tag: str) -> str:
    """Give back a tag that a user chose to name a variant.

    Raises:
        ArtifactNameError: It is not lower-case words of letters and digits joined by ``_`` or ``-``, or
            it is a bare ``v<number>``.
    """
    _check_word(tag, "artifact tag")
    _refuse_bare_version(tag, "artifact tag")
    return tag


def submission_name(family: str, variant: str, at: datetime) -> str:
    """Make ``submission_<family>_<variant>_<YYYYMMDD_HHMMSS>``, without extension.

    A variant that repeats its family in front, as ``zero_guard_v1`` of ``zero_guard``, is not doubled.

    Args:
        family: Family of the method, lower-case words.
        variant: Profile, policy or artifact tag, lower-case words.
        at: When the run began, in UTC; parts of a second are dropped.

    Raises:
        ArtifactNameError: A word is unusable, or the family is a bare ``v<number>``.
        ValueError: ``at`` names no zone, or another one than UTC.
    """
    _check_word(family, "method family")
    _refuse_bare_version(family, "method family")
    _check_word(variant, "variant")
    if at.utcoffset() != timedelta(0):
        raise ValueError(f"artifact names are stamped in UTC, got {at.isoformat()}; pass datetime.now(UTC)")
    return f"submission_{family}_{_within(family, variant)}_{at.strftime(STAMP)}"


def parse_submission_name(name: str, *, families: Collection[str]) -> SubmissionName:
    """Take a submission's name apart; ``.zip`` at its end is allowed.

    Args:
        name: A name as ``submission_name`` makes it.
        families: Known families. Both parts may hold ``_``, so only this list tells where the family
            ends; the longest that fits is taken.

    Raises:
        ArtifactNameError: It is a bare ``v<number>``, has no stamp, or begins with no known family.
    """
    stem = name.removesuffix(".zip")
    _refuse_bare_version(stem, "submission name")
    match = SUBMISSION_NAME.fullmatch(stem)
    if match is None:
        raise ArtifactNameError(
            f"{name!r} is no submission name; submission_<family>_<variant>_<YYYYMMDD_HHMMSS> was expected"
        )
    family = max((one for one in families if match["words"].startswith(f"{one}_")), key=len, default=None)
    if family is None:
        raise ArtifactNameError(
            f"{name!r} begins with no known family; known are {', '.join(sorted(families))}"
        )
    variant = match["words"].removeprefix(f"{family}_")
    _check_word(variant, "variant")
    return SubmissionName(family=family, variant=variant, at=_parse_stamp(match["stamp"], name))


def _within(family: str, variant: str) -> str:
    """Drop the family from the front of its variant."""
    return variant.removeprefix(f"{family}_") or variant


def _parse_stamp(stamp: str, name: str) -> datetime:
    try:
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise ArtifactNameError(f"{name!r} ends in {stamp!r}, which is no date and time: {error}") from error


def _check_word(word: str, what: str) -> None:
    if len(word) > _WORD_LENGTH or not _WORD.fullmatch(word):
        raise ArtifactNameError(
            f"{what} {word!r} is unusable: at most {_WORD_LENGTH} lower-case letters and digits were "
            f"expected, in words joined by '_' or '-'"
        )


def _refuse_bare_version(name: str, what: str) -> None:
    if _BARE_VERSION.fullmatch(name):
        raise ArtifactNameError(
            f"{what} {name!r} is a bare version, which tells neither method nor behaviour; "
            f"name the method and what is special about it"
        )
