"""Tell what can go wrong in the outside world, one type per remedy.

Adapters translate whatever their library raises into this tree, in sentences that hold no secret and no URL
query. Whether trying again can help is a property of the type (``retryable``), so that no caller reads
messages. A caller's own mistake (a malformed key, a negative length) is a ``ValueError`` and not in the tree.

    AdapterError
    └── StoreError                 the object store
        ├── ObjectMissing          no object under this key
        ├── ObjectExists           the key holds other content, and objects are never overwritten
        ├── VersionConflict        compare-and-swap lost: the object is not the version that was expected
        ├── RangeOutsideObject     the object is shorter than the bytes asked of it
        ├── DigestMismatch         the bytes are not the ones that were promised
        ├── PresignUnsupported     this kind of store has no URLs to hand out
        ├── StoreDenied            credentials or file permissions refuse
        ├── StoreFull              disk or quota exhausted
        ├── StoreNotConforming     the store lacks a guarantee that promotion rests on
        └── StoreUnavailable       not reachable or not now; retryable
"""

from typing import ClassVar


class AdapterError(Exception):
    """An outside system did not do what was asked; the message says what to do about it."""

    retryable: ClassVar[bool] = False
    """Whether the same call, unchanged, may succeed later."""


class StoreError(AdapterError):
    """The object store refused or failed."""


class ObjectMissing(StoreError):
    """No object is stored under the key."""


class ObjectExists(StoreError):
    """The key is taken by different content."""


class VersionConflict(StoreError):
    """The object is not, or is no longer, the version that was expected."""


class RangeOutsideObject(StoreError):
    """The byte range reaches beyond the end of the object."""


class DigestMismatch(StoreError):
    """Bytes and promised SHA-256 disagree."""


class PresignUnsupported(StoreError):
    """The store cannot hand out URLs."""


class StoreDenied(StoreError):
    """The store refuses these credentials or this user."""


class StoreFull(StoreError):
    """No space or quota is left."""


class StoreNotConforming(StoreError):
    """The store does not keep a promise that the project rests on."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or cannot answer at present."""

    retryable: ClassVar[bool] = True
