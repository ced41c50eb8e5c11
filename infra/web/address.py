"""Decide which URLs may be spoken to, and at which network address.

An upload URL comes from another machine and receives the artifact, so its host and port must be on an exact
list, and the address that the name resolves to is checked and then used: looking it up again could give
another one. It refuses user names in URLs, plain http anywhere but on loopback, and, for hosts other than the
portal's own, addresses that are not public.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from infra.errors import PortalUnreachable, UploadUrlRefused
from infra.web.remote_text import quoted

_PORTS = {"http": 80, "https": 443}
_NETLOC = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.IGNORECASE)
_TARGET = re.compile(r"[!-~]*")  # visible ASCII: no space, no line break, nothing that needs encoding


@dataclass(frozen=True, slots=True)
class WebAddress:
    """An http(s) URL that holds no surprise; shown without its query, which may be a credential."""

    scheme: str
    host: str
    """Lower case; an IPv6 address without brackets."""
    port: int
    path: str
    query: str = field(repr=False)
    pinned_ip: str | None = field(default=None, repr=False)
    """Address to connect to instead of looking the host up."""

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path[:80]}"

    @property
    def netloc(self) -> str:
        """``host:port``, the port always spelled out."""
        return _netloc(self.host, self.port)

    @property
    def host_header(self) -> str:
        """As clients write it, and as presigned URLs sign it: without the scheme's own port."""
        return self.netloc if self.port != _PORTS[self.scheme] else self.netloc.rpartition(":")[0]

    def below(self, path: str, *, query: str = "") -> "WebAddress":
        """The address of ``path`` under this one."""
        return WebAddress(self.scheme, self.host, self.port, f"{self.path.rstrip('/')}/{path}", query)


def web_address(url: str) -> WebAddress:
    """Take a URL apart.

    Raises:
        ValueError: It is none that may be spoken to; the message does not repeat its query.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("the URL has no readable host and port") from error
    if fault := _fault(url, parts):
        raise ValueError(f"the URL {fault}")
    host = parts.hostname or ""
    port = _PORTS[parts.scheme] if port is None else port
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(f"the URL is plain http to {quoted(host)}; only https leaves this machine")
    return WebAddress(parts.scheme, host, port, parts.path, parts.query)


def _fault(url: str, parts: SplitResult) -> str | None:
    if not _TARGET.fullmatch(url) or "\\" in url:
        return "holds a character that no URL has"
    if parts.scheme not in _PORTS:
        return f"has the scheme {quoted(parts.scheme)}, not https"
    if "@" in parts.netloc:
        return "holds a user name"
    if parts.fragment:
        return "holds a fragment"
    if not _NETLOC.fullmatch(parts.netloc):
        return "has no readable host"
    return None


def upload_address(url: str, *, portal: WebAddress, upload_hosts: Iterable[str]) -> WebAddress:
    """Check the URL that a portal wants the zip to be sent to, and pin it to one network address.

    Raises:
        UploadUrlRefused: It leads elsewhere than allowed; nothing was sent.
        PortalUnreachable: Its host's name does not resolve at present.
    """
    try:
        address = web_address(url)
    except ValueError as error:
        raise UploadUrlRefused(f"{portal} gave an upload URL that is refused: {error}") from error
    if address.netloc == portal.netloc and address.scheme == portal.scheme:
        return address  # as trusted as the portal itself, wherever that is
    allowed = {_with_port(host) for host in upload_hosts}
    if address.netloc not in allowed:
        raise UploadUrlRefused(
            f"{portal} wants the zip sent to {quoted(address.netloc)}, which is not an allowed upload host; "
            "allow that host and port if it is the judge's own storage"
        )
    return _pinned(address)


def _with_port(host: str) -> str:
    parts = urlsplit(f"https://{host}")
    return _netloc(parts.hostname or "", parts.port or _PORTS["https"])


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _pinned(address: WebAddress) -> WebAddress:
    if _literal(address.host) or address.host == "localhost":
        return address  # the list itself names this address
    found = _resolved(address)
    hidden = sorted(ip for ip in found if not ipaddress.ip_address(ip).is_global)
    if hidden:
        raise UploadUrlRefused(
            f"the upload host {address.netloc} resolves to {hidden[0]}, which is not a public address; allow "
            "the address itself if it is meant"
        )
    return WebAddress(
        address.scheme, address.host, address.port, address.path, address.query, pinned_ip=found[0]
    )


def _resolved(address: WebAddress) -> list[str]:
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise PortalUnreachable(f"the upload host {address.netloc} does not resolve; run again") from error
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_literal(host) and ipaddress.ip_address(host).is_loopback)
