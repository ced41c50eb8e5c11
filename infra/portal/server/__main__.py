"""The command ``python -m infra.portal.server``: serve a portal until interrupted.

It prints one line with the portal's URL once it listens. The token comes from a file, because every user of a
machine can read a command line.
"""

import argparse
from pathlib import Path

from pydantic import SecretStr

from infra.errors import AdapterError
from infra.portal.server.serving import PortalOptions, serve
from infra.portal.server.uploads import UploadLimits


def main(arguments: list[str] | None = None) -> int:
    """Serve; exit status 0 after an orderly stop, 2 when the portal cannot start."""
    parser = _parser()
    given = parser.parse_args(arguments)
    try:
        serve(_options(given), announce=lambda url: print(f"portal: {url}", flush=True))
    except (AdapterError, ValueError, OSError) as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.portal.server",
        description="Serve a portal that speaks the judge's protocol and scores against your targets.",
    )
    add = parser.add_argument
    add("--targets", type=Path, required=True, help="folder with [test-]originals/ and [test-]targets/")
    add("--state", type=Path, required=True, help="folder of jobs, results and uploads")
    add("--scorer", required=True, metavar="MODULE:FUNCTION", help="metric, called for each photo")
    add("--metric-profile", required=True, help="name of the metric's parameters, told with each result")
    add("--judge-name", default=PortalOptions.judge_name, help="told with each result (%(default)s)")
    add("--judge-version", default=PortalOptions.judge_version, help="told with each result (%(default)s)")
    add("--host", default=PortalOptions.host, help="address to listen on (%(default)s)")
    add("--port", type=int, default=PortalOptions.port, help="0 for any free port (%(default)s)")
    add("--public-url", help="how clients reach the portal (http://HOST:PORT)")
    add("--token-file", type=Path, help="file with the token; needed unless HOST is loopback")
    add("--processes", type=int, default=1, help="worker processes (%(default)s)")
    add("--photo-timeout-s", type=float, default=60.0, help="time to score one photo (%(default)s)")
    add("--max-upload-mb", type=int, default=2048, help="largest zip in MiB (%(default)s)")
    return parser


def _options(given: argparse.Namespace) -> PortalOptions:
    token = given.token_file and SecretStr(given.token_file.read_text(encoding="utf-8").strip())
    return PortalOptions(
        targets=given.targets,
        state=given.state.absolute(),
        scorer=given.scorer,
        metric_profile=given.metric_profile,
        judge_name=given.judge_name,
        judge_version=given.judge_version,
        host=given.host,
        port=given.port,
        public_url=given.public_url,
        token=token or None,
        processes=given.processes,
        photo_timeout_s=given.photo_timeout_s,
        limits=UploadLimits(max_bytes=given.max_upload_mb << 20),
    )


if __name__ == "__main__":
    raise SystemExit(main())
