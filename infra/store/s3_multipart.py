"""Upload one object in parts that appear together, at the end, or not at all."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from infra.store.checksums import as_base64, composite_sha256

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

T = TypeVar("T")

PART_BYTES = 8 << 20
"""Size of all parts but the last; S3 takes parts from 5 MiB and 10,000 of them, so 78 GiB is the limit."""


class Ask(Protocol):
    """How requests are sent: errors translated, outages borne with."""

    def __call__(self, action: str, request: Callable[[], T], /) -> T:
        """Return what ``request`` does; ``action`` is for messages."""
        ...


class MultipartUpload:
    """One upload in parts; leaving the block without ``complete`` discards them."""

    def __init__(self, client: S3Client, *, bucket: str, name: str, ask: Ask) -> None:
        self.size = 0
        self._client = client
        self._bucket = bucket
        self._name = name
        self._ask = ask
        self._sha256 = hashlib.sha256()
        self._parts: list[CompletedPartTypeDef] = []
        self._open = False

    def __enter__(self) -> Self:
        """Begin the upload."""
        reply = self._ask(
            f"begin the upload of {self._name!r}",
            lambda: self._client.create_multipart_upload(
                Bucket=self._bucket, Key=self._name, ChecksumAlgorithm="SHA256"
            ),
        )
        self._id = reply["UploadId"]
        self._open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Discard what was uploaded, unless it was completed."""
        if self._open:
            self._abort(error)

    def add(self, part: bytes) -> None:
        """Upload the next part; all but the last have ``PART_BYTES`` bytes."""
        number, checksum = len(self._parts) + 1, as_base64(hashlib.sha256(part).hexdigest())
        reply = self._ask(
            f"store part {number} of {self._name!r}",
            lambda: self._client.upload_part(
                Bucket=self._bucket,
                Key=self._name,
                UploadId=self._id,
                PartNumber=number,
                Body=part,
                ChecksumSHA256=checksum,
            ),
        )
        self._parts.append({"PartNumber": number, "ETag": reply["ETag"], "ChecksumSHA256": checksum})
        self._sha256.update(part)
        self.size += len(part)

    def sha256(self) -> str:
        """Return the digest, in hex, of what was added."""
        return self._sha256.hexdigest()

    def checksum(self) -> str:
        """Return the checksum that the server keeps for the object made of these parts."""
        return composite_sha256(part["ChecksumSHA256"] for part in self._parts)

    def complete(self) -> str:
        """Make the parts one new object and return its version.

        Raises:
            VersionConflict: The name is taken.
            ObjectMissing: The server no longer knows the upload; an earlier try may have completed it.
        """
        reply = self._ask(
            f"complete the upload of {self._name!r}",
            lambda: self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._name,
                UploadId=self._id,
                MultipartUpload={"Parts": self._parts},
                IfNoneMatch="*",
            ),
        )
        self._open = False
        return reply["ETag"]

    def _abort(self, error: BaseException | None) -> None:
        """Discard the parts, once: whoever waits for ``error`` has waited for the server already."""
        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._name, UploadId=self._id)
        except (BotoCoreError, ClientError) as refusal:
            gone = isinstance(refusal, ClientError) and refusal.response["Error"]["Code"] == "NoSuchUpload"
            if error is not None and not gone:
                error.add_note(
                    "Its invisible parts remain and cost space; to remove them run: aws s3api "
                    f"abort-multipart-upload --bucket {shlex.quote(self._bucket)} "
                    f"--key {shlex.quote(self._name)} --upload-id {shlex.quote(self._id)}"
                )
