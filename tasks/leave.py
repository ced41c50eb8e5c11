"""Signs leave for a rented machine: URLs for one object each, good for one time span, and no other right."""

from dataclasses import dataclass

from infra.store.interface import ObjectStore
from tasks.domain.batches import Outlet, Place


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave to read, create or replace objects of a store.

    All methods raise ``PresignUnsupported`` where the store is a local folder.

    Attributes:
        expires_s: Seconds that each URL is good for.
    """

    store: ObjectStore
    expires_s: int

    def to_read(self, key: str) -> str:
        """Sign a GET."""
        return self.store.presign_get(key, expires_s=self.expires_s)

    def to_create(self, key: str) -> Place:
        """Sign a PUT that never overwrites, and a GET to look at what is there."""
        leave = self.store.presign_create(key, expires_s=self.expires_s)
        return Place(put=leave.url, headers=dict(leave.headers), get=self.to_read(key))

    def to_replace(self, key: str) -> Outlet:
        """Sign a PUT that may be repeated."""
        return Outlet(put=self.store.presign_replace(key, expires_s=self.expires_s).url)
