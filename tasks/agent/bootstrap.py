"""What is pushed to a machine that has Python and little else: fetch the agent, check it, start it.

This file, with one call added, is the whole script (see ``tasks.agent_bundle``), so it imports the standard
library only. Nothing that was fetched is opened before its SHA-256 is the one that the script was made with.
Libraries that are missing, or whose version decides output bytes and is another, are installed from a list
with hashes into a folder of their own; the machine's libraries are left as they are.
"""

import hashlib
import http.client
import importlib.metadata
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

LARGEST = 64 * 2**20  # bytes of the bundle, and of all that is in it
TRIES = 5
LIMIT_S = 60.0  # for one try
REQUIREMENTS = "tasks/agent/requirements.txt"
EXACT = {"pillow", "simplejpeg"}  # their versions decide output bytes
MODULES = {"opencv-python-headless": "cv2", "pillow": "PIL"}  # where the name is not the distribution's


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def main(bundle_url: str, bundle_sha256: str, spec_url: str) -> int:
    """Run the agent of this bundle on that batch; returns its exit status."""
    folder = Path(tempfile.mkdtemp(prefix="calibguard-"))
    try:
        extract(fetch(bundle_url, bundle_sha256), folder)
        packages = install(folder)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"the agent cannot start: {error}", flush=True)
        return 3
    paths = [str(folder), *packages, os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONUNBUFFERED": "1",
        "CALIBGUARD_SPEC_URL": spec_url,
    }
    command = [sys.executable, "-m", "tasks.agent"]
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def fetch(url: str, sha256: str) -> bytes:
    """Download the bundle; ValueError unless it is the one that is meant."""
    for attempt in range(1, TRIES + 1):
        try:
            body = read_within_limits(url)
        except (OSError, http.client.HTTPException) as error:
            # Not the error's own text: it may hold the URL, whose query is a credential.
            status = f" {error.code}" if isinstance(error, urllib.error.HTTPError) else ""
            print(f"fetching the bundle: {type(error).__name__}{status}", flush=True)
            if attempt < TRIES:
                time.sleep(2.0 ** (attempt - 1))  # by hand: no library is installed yet
            continue
        if hashlib.sha256(body).hexdigest() != sha256:
            raise ValueError(f"the bundle of {len(body)} bytes has not the SHA-256 {sha256}")
        return body
    raise ValueError(f"the bundle could not be fetched in {TRIES} tries")


def read_within_limits(url: str) -> bytes:
    """Read a body of at most ``LARGEST`` bytes within ``LIMIT_S`` seconds; OSError where it takes longer."""
    ends = time.monotonic() + LIMIT_S
    body = bytearray()
    opener = urllib.request.build_opener(_NoRedirects, urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=LIMIT_S) as answer:
        while chunk := answer.read1(1 << 16):
            body += chunk
            if len(body) > LARGEST or time.monotonic() > ends:
                raise OSError("too long")
    return bytes(body)


def extract(bundle: bytes, folder: Path) -> None:
    """Write the files of the bundle below a folder; ValueError for a name or size that is none of ours."""
    with tempfile.TemporaryFile() as file:
        file.write(bundle)
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            if sum(entry.file_size for entry in entries) > LARGEST:
                raise ValueError(f"the bundle unpacks to more than {LARGEST} bytes")
            for entry in entries:
                target = folder / checked_name(entry.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("xb") as written:  # a name that comes twice is an error
                    written.write(archive.read(entry))


def checked_name(name: str) -> str:
    """Give a name back that stays below the folder; ValueError for any other."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_./-]*", name) or ".." in PurePosixPath(name).parts:
        raise ValueError(f"the bundle holds a file named {name!r}")
    return name


def install(folder: Path) -> list[str]:
    """Install what is needed and lacking; returns the folders to look into, none where nothing was."""
    text = (folder / REQUIREMENTS).read_text(encoding="utf-8")
    wanted = [pin for pin in re.split(r"\n(?=[a-z])", text) if is_lacking(pin)]
    if not wanted:
        return []
    packages, listed = folder / "packages", folder / "wanted.txt"
    listed.write_text("".join(f"{pin.rstrip()}\n" for pin in wanted), encoding="utf-8")
    options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", *options]
    subprocess.run([*command, "--target", packages, "--requirement", listed], check=True)
    return [str(packages)]


def is_lacking(pin: str) -> bool:
    """Whether a pinned library is missing, or must have exactly this version and has not."""
    match = re.match(r"([a-z0-9-]+)==([^ ;\\]+)", pin)
    if match is None:
        return False  # a comment
    name, version = match.groups()
    if importlib.util.find_spec(MODULES.get(name, name.replace("-", "_"))) is None:
        return True
    return name in EXACT and importlib.metadata.version(name) != version
