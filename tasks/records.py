"""Reads records back from the object store, trusting none because it is there, and keeps new ones."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from infra.errors import ObjectMissing
from infra.store.interface import ObjectStore
from tasks.domain.errors import DocumentError, DomainError
from tasks.domain.schemas import Record
from tasks.domain.strict_json import parse_record

T = TypeVar("T", bound=Record)

_MAX_BYTES = 64 * 1024 * 1024  # a plan has half a kB a photo


class RecordUnreadable(DomainError):
    """A stored record is damaged, or was written by another version."""


class EvidenceAltered(DomainError):
    """A stored object is not the one that the ledger seals, or is gone."""


def read_record(kind: type[T], key: str, store: ObjectStore) -> T:
    """Read the record under a key.

    Raises:
        ObjectMissing: Nothing is stored under the key.
        RecordUnreadable: What is stored there is no such record; names the first field that is wrong.
    """
    return parsed_record(kind, store.read(key), key, store)


def read_sealed_record(kind: type[T], key: str, sha256: str, store: ObjectStore) -> T:
    """Read a record whose digest is known.

    Raises:
        EvidenceAltered: It is another one, or missing.
        RecordUnreadable: It was written by another version.
    """
    return parsed_record(kind, read_sealed(key, sha256, store), key, store)


def read_sealed(key: str, sha256: str, store: ObjectStore) -> bytes:
    """Read an object whose digest is known.

    Raises:
        EvidenceAltered: It is another one, or missing.
    """
    try:
        body = store.read(key)
    except ObjectMissing as error:
        raise EvidenceAltered(
            f"{store.url}/{key} is gone; the ledger says that it has SHA-256 {sha256[:12]}; see "
            f"`calibguard fsck`"
        ) from error
    found = hashlib.sha256(body).hexdigest()
    if found != sha256:
        raise EvidenceAltered(
            f"{store.url}/{key} has SHA-256 {found[:12]}, the ledger says {sha256[:12]}; see "
            f"`calibguard fsck`"
        )
    return body


def sha256_of(key: str, store: ObjectStore) -> str:
    """Hash an object as it lies there now.

    Raises:
        ObjectMissing: It is not there.
    """
    return hashlib.sha256(store.read(key)).hexdigest()


def keep_record(
    record: Record, key_of: Callable[[str, str], str], name: str, store: ObjectStore
) -> tuple[str, str]:
    """Store a record about a run under a key of its digest; the same record again is no error.

    Args:
        record: What is kept.
        key_of: Makes the key of the run's name and the digest.
        name: Of the run.
        store: Where it is kept.

    Returns:
        Key and SHA-256, for a ledger entry to seal.
    """
    document = record.model_dump_json(indent=1).encode()
    key = key_of(name, hashlib.sha256(document).hexdigest())
    return key, keep_bytes(key, document, store)


def keep_bytes(key: str, document: bytes, store: ObjectStore) -> str:
    """Store a document and give its SHA-256, for a ledger entry to seal."""
    digest = hashlib.sha256(document).hexdigest()
    store.create(key, document, sha256=digest)
    return digest


def parsed_record(kind: type[T], body: bytes, key: str, store: ObjectStore) -> T:
    """Parse a record that was read from under a key.

    Raises:
        RecordUnreadable: It is no such record; names the first field that is wrong.
    """
    try:
        return parse_record(body, kind, source=f"{store.url}/{key}", max_bytes=_MAX_BYTES)
    except DocumentError as error:
        raise RecordUnreadable(
            f"{error.source} is no {kind.__name__} of this version: {error.problems[0]}; "
            f"restore it, or move it out of the store"
        ) from error
