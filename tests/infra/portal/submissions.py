"""Small submissions and the patience of tests."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace

from infra.portal.client.connection import Archive, Patience, TeamIdentity

TEAM = TeamIdentity("team", "kaggler", "a@b.example", "https://github.com/team/repo")
QUICK = Patience(request_s=10, upload_s=10, retry_s=20, scoring_s=20, poll_s=0.02, lease_s=60)
"""Looks often and gives up late: a busy machine must not look like a fault."""
IMPATIENT = replace(QUICK, request_s=0.7, upload_s=0.7)
"""For judges that hang."""
SOON_TIRED = replace(QUICK, retry_s=0.5, scoring_s=0.6)
"""For faults that last for ever."""


def zipped(files: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, body in files.items():
            archive.writestr(zipfile.ZipInfo(name), body)  # without the clock: equal files, equal zips
    return target.getvalue()


def archive_of(body: bytes, *, chunk: int = 1 << 16) -> Archive:
    def chunks() -> Iterator[bytes]:
        for start in range(0, len(body), chunk):
            yield body[start : start + chunk]

    digest = hashlib.sha256(body).hexdigest()
    return Archive(chunks, len(body), digest, behaviour_digest=digest)
