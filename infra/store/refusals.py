"""Word the refusals that all kinds of store share, so that they read alike."""

from infra.errors import ObjectExists, ObjectMissing, StoreUnavailable, VersionConflict
from infra.store.interface import StoredObject


def missing(key: str, *, store: str) -> ObjectMissing:
    """Nothing is stored under the key."""
    return ObjectMissing(f"{store} holds no object {key!r}")


def other_content(found: StoredObject, *, store: str, size: int) -> ObjectExists:
    """The key is taken; ``size`` is that of the object which was to be created."""
    return ObjectExists(
        f"{found.key!r} in {store} holds other content ({found.size} bytes, not {size}); objects are never "
        "overwritten, choose another key"
    )


def folder_of_others(key: str, *, store: str) -> ObjectExists:
    """Keys below this one are taken."""
    return ObjectExists(f"{key!r} in {store} is the folder of other objects; choose another key")


def gone_meanwhile(key: str, *, store: str) -> StoreUnavailable:
    """What was in the way of a creation is no longer there."""
    return StoreUnavailable(f"{key!r} in {store} was deleted while it was created; run again")


def other_version(
    key: str, *, store: str, expected: str | None, found: StoredObject | None
) -> VersionConflict:
    """The object is not the one that was expected; None stands for no object."""
    wanted = "no object" if expected is None else f"version {expected}"
    present = "nothing" if found is None else f"version {found.version}"
    return VersionConflict(
        f"{key!r} in {store} was expected to be {wanted} but is {present}; read it and decide anew"
    )
