"""Keep objects in a local folder, one file per object, with the guarantees of a conforming S3 store.

A key is the path of its file below the folder, so a person can look at, copy and back up the objects with
ordinary tools. Creation is a hard link, which the kernel grants to one process only; swaps and deletions hold
a lock file besides. What the store needs for itself lies in ``.store``, where no key can lead. Files whose
names are no keys are not objects. It refuses to follow symbolic links below the folder, and has no URLs to
presign.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from infra.errors import (
    ObjectExists,
    PresignUnsupported,
    RangeOutsideObject,
    StoreError,
)
from infra.store import durable, refusals
from infra.store.checksums import sha256_of, sha256_of_chunks
from infra.store.disk_errors import in_sentences
from infra.store.folder_listing import describe_file, object_at, objects_below
from infra.store.interface import PresignedPut, StoredObject
from infra.store.keys import require_key, require_prefix, require_range

_PRIVATE = ".store"
_LEFTOVER_AGE_S = 24 * 3600.0  # no stream to a local disk pauses for a day
_LOCK_PATIENCE_S = 30.0  # a swap takes milliseconds; a holder this slow is stopped or on a dead disk


class LocalStore:
    """``ObjectStore`` in a folder, which the first write makes."""

    def __init__(self, folder: Path) -> None:
        self._root = Path(os.path.realpath(folder))
        self._temporary = self._root / _PRIVATE / "tmp"
        self._lock = self._root / _PRIVATE / "lock"
        self.url = self._root.as_uri()
        if self._root.exists() and not self._root.is_dir():
            raise StoreError(f"{self._root} was to hold the objects but is no folder; name a folder")
        durable.sweep(self._temporary, older_than_s=_LEFTOVER_AGE_S)

    def __repr__(self) -> str:
        return f"LocalStore({self.url!r})"

    def create(self, key: str, body: bytes, *, sha256: str | None = None) -> StoredObject:
        """See ``ObjectStore.create``."""
        digest = sha256_of(body, key=key, stated=sha256)
        # A re-run meets what it stored before, and needs no second copy on the disk to find out.
        if self.head(key) is not None:
            return self._same_or_refuse(key, digest=digest, size=len(body))
        with self._written(key, [body]) as temporary:
            return self._publish(key, temporary, digest=digest)

    def create_stream(self, key: str, chunks: Iterable[bytes]) -> tuple[StoredObject, str]:
        """See ``ObjectStore.create_stream``."""
        running = hashlib.sha256()

        def hashed() -> Iterator[bytes]:
            for chunk in chunks:
                running.update(chunk)
                yield chunk

        with self._written(key, hashed()) as temporary:
            digest = running.hexdigest()
            return self._publish(key, temporary, digest=digest), digest

    def read(self, key: str) -> bytes:
        """See ``ObjectStore.read``."""
        with self._opened(key) as file, self._told("read", key):
            return file.read()

    def read_range(self, key: str, *, start: int, length: int) -> bytes:
        """See ``ObjectStore.read_range``."""
        require_range(start=start, length=length)
        with self._opened(key) as file, self._told("read", key):
            size = os.fstat(file.fileno()).st_size
            file.seek(start)
            body = file.read(length) if start + length <= size else b""
        if len(body) < length or start > size:
            raise RangeOutsideObject(
                f"{key!r} in {self.url} has {size} bytes; {length} from offset {start} were asked"
            )
        return body

    def stream(self, key: str, *, chunk_size: int = 1 << 20) -> Iterator[bytes]:
        """See ``ObjectStore.stream``."""
        with self._opened(key) as file, self._told("read", key):
            while chunk := file.read(chunk_size):
                yield chunk

    def head(self, key: str) -> StoredObject | None:
        """See ``ObjectStore.head``."""
        with self._told("look at", key):
            return object_at(self._path(key), key=key)

    def list(self, prefix: str) -> Iterator[StoredObject]:
        """See ``ObjectStore.list``."""
        with self._told("list", prefix):
            yield from objects_below(self._root, prefix=require_prefix(prefix))

    def swap(self, key: str, body: bytes, *, expected: str | None) -> StoredObject:
        """See ``ObjectStore.swap``."""
        with self._written(key, [body]) as temporary, self._locked(key):
            stored = describe_file(key, temporary.stat())
            if self._install(key, temporary, expected=expected):
                return stored
            found = self.head(key)
            if found is not None and self._holds(found, digest=sha256_of(body, key=key), size=len(body)):
                return found
            if found is None and expected is None:
                raise self._place_taken(key)
            raise refusals.other_version(key, store=self.url, expected=expected, found=found)

    def _install(self, key: str, temporary: Path, *, expected: str | None) -> bool:
        """Put the file in the place of the version ``expected``, False if that is not what is there."""
        found = self.head(key)
        if expected is None:
            return found is None and self._link(key, temporary)
        if found is None or found.version != expected:
            return False
        with self._told("replace", key):
            durable.replace(temporary, self._path(key))
        return True

    def delete(self, key: str, *, expected: str | None = None) -> None:
        """See ``ObjectStore.delete``."""
        if self.head(key) is None:
            return
        with self._locked(key):
            found = self.head(key)
            if found is not None and expected is not None and found.version != expected:
                raise refusals.other_version(key, store=self.url, expected=expected, found=found)
            if found is not None:
                with self._told("delete", key):
                    durable.remove(self._path(key), top=self._root)

    def presign_get(self, key: str, *, expires_s: int) -> str:  # noqa: ARG002  (the protocol's signature)
        """Raise ``PresignUnsupported``: a folder has no URLs."""
        raise self._no_urls(key)

    def presign_put(self, key: str, *, sha256: str, size: int, expires_s: int) -> PresignedPut:  # noqa: ARG002
        """Raise ``PresignUnsupported``: a folder has no URLs."""
        raise self._no_urls(key)

    def presign_create(self, key: str, *, expires_s: int) -> PresignedPut:  # noqa: ARG002
        """Raise ``PresignUnsupported``: a folder has no URLs."""
        raise self._no_urls(key)

    def presign_replace(self, key: str, *, expires_s: int) -> PresignedPut:  # noqa: ARG002
        """Raise ``PresignUnsupported``: a folder has no URLs."""
        raise self._no_urls(key)

    def _path(self, key: str) -> Path:
        path = self._root / require_key(key)
        if os.path.realpath(path) != str(path):
            raise StoreError(
                f"{key!r} in {self.url} leads through a symbolic link, which is not followed; "
                "put the file itself there"
            )
        return path

    def _told(self, action: str, key: str) -> AbstractContextManager[None]:
        return in_sentences(f"{action} {key!r}", folder=self._root)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        with ExitStack() as held:
            with self._told("lock", key):
                held.enter_context(durable.locked(self._lock, patience_s=_LOCK_PATIENCE_S))
            yield

    @contextmanager
    def _opened(self, key: str) -> Iterator[BinaryIO]:
        path = self._path(key)
        with ExitStack() as held:
            with self._told("read", key):
                try:
                    file = held.enter_context(path.open("rb"))
                except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
                    raise refusals.missing(key, store=self.url) from error
            yield file

    @contextmanager
    def _written(self, key: str, chunks: Iterable[bytes]) -> Iterator[Path]:
        """Write a temporary file for the block; exceptions of ``chunks`` itself pass as they are."""
        self._path(key)
        with self._told("write", key):
            temporary, descriptor = durable.open_temporary(self._temporary)
        try:
            try:
                for chunk in chunks:
                    with self._told("write", key):
                        durable.write_all(descriptor, chunk)
                with self._told("write", key):
                    durable.seal(descriptor)
            finally:
                with self._told("write", key):  # some network file systems report a full disk only here
                    os.close(descriptor)
            yield temporary
        finally:
            with suppress(OSError):  # renamed, or swept by a later opening
                temporary.unlink()

    def _link(self, key: str, temporary: Path) -> bool:
        """Publish the file under a new key, False if a file or folder is in the way."""
        with self._told("create", key):
            try:
                durable.link_new(temporary, self._path(key))
            except (FileExistsError, NotADirectoryError):
                return False
        return True

    def _publish(self, key: str, temporary: Path, *, digest: str) -> StoredObject:
        stored = describe_file(key, temporary.stat())
        if self._link(key, temporary):
            return stored
        return self._same_or_refuse(key, digest=digest, size=stored.size)

    def _same_or_refuse(self, key: str, *, digest: str, size: int) -> StoredObject:
        """Take the object in the way for the one to be created if it has the same content."""
        found = self.head(key)
        if found is None:
            raise self._place_taken(key)
        if not self._holds(found, digest=digest, size=size):
            raise refusals.other_content(found, store=self.url, size=size)
        with self._told("create", key):
            durable.sync_folder(self._path(key).parent)  # its writer may not have come to it
        return found

    def _holds(self, found: StoredObject, *, digest: str, size: int) -> bool:
        return found.size == size and sha256_of_chunks(self.stream(found.key)) == digest

    def _place_taken(self, key: str) -> StoreError:
        path = self._path(key)
        if path.is_dir():
            return refusals.folder_of_others(key, store=self.url)
        for folder in path.parents:
            if folder.is_file():
                taken = folder.relative_to(self._root).as_posix()
                return ObjectExists(
                    f"{key!r} needs a folder where {self.url} holds the object {taken!r}; choose another key"
                )
        return refusals.gone_meanwhile(key, store=self.url)

    def _no_urls(self, key: str) -> PresignUnsupported:
        require_key(key)
        return PresignUnsupported(
            f"{key!r} lies in the local folder {self.url}, which has no URLs to presign; remote workers need "
            "an s3:// store"
        )
