"""Speak HTTP to Kaggle through its own SDK, with what that lacks: time limits and size limits.

The SDK words requests and signs them. It sets no time limit, looks for credentials in the environment and in
the home directory, and takes unknown words in answers for known ones. So credentials are given here, no
redirect is followed and no proxy variable heeded, each request has a fresh connection, and answers go unread
to ``answers``. Nothing here tries anything again.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import requests
from kagglesdk.kaggle_env import KaggleEnv
from kagglesdk.kaggle_http_client import KaggleHttpClient
from kagglesdk.kaggle_object import KaggleObject
from pydantic import SecretStr
from urllib3.exceptions import HTTPError, NewConnectionError

from infra.errors import RemoteAnswerInvalid
from infra.kaggle.refusals import KaggleSilent
from infra.web.address import WebAddress, web_address

API_URL: Final = "https://api.kaggle.com"
_MOST_BYTES: Final = 32 << 20  # a session's log comes inside an answer
_CHUNK: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class KaggleAccess:
    """Where Kaggle is and who asks.

    Attributes:
        token: API token; it replaces user name and key.
        username: Kaggle user; beside a token it saves asking who the token's owner is.
    """

    token: SecretStr | None = None
    username: str | None = None
    key: SecretStr | None = None
    url: str = API_URL

    def __post_init__(self) -> None:
        if self.token is None and (self.username is None or self.key is None):
            raise ValueError("Kaggle needs a token, or a user name and its key")
        _ = self.address

    @property
    def address(self) -> WebAddress:
        """The API's URL, checked."""
        return web_address(self.url)


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds of one exchange."""

    connect_s: float = 10.0
    silence_s: float = 30.0
    """Between two bytes."""
    answer_s: float = 120.0
    """From the answer's head to its last byte."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, whatever its status."""

    asked: str
    """The request without secrets."""
    status: int
    body: bytes
    headers: Mapping[str, str]


class KaggleHttp(KaggleHttpClient):  # type: ignore[misc]  # the SDK is untyped
    """The SDK's HTTP client at any URL, with limits.

    The names with an underscore are the SDK's own: a contract test and the cap on its version watch them.
    """

    def __init__(self, access: KaggleAccess, limits: TimeLimits) -> None:
        super().__init__(env=KaggleEnv.PROD)
        self._endpoint = access.url.rstrip("/")
        self._limits = limits
        self._session = _session(access, limits)

    def ask(self, service: str, method: str, request: KaggleObject) -> Answer:
        """Call an RPC method.

        Raises:
            KaggleSilent: No whole answer came.
        """
        return self._whole(f"{method} of Kaggle", lambda: self.call(service, method, request, None))

    def get(self, path: str, query: Mapping[str, str]) -> Answer:
        """Fetch what is not an RPC method.

        Raises:
            KaggleSilent: No whole answer came.
        """
        url = f"{self._endpoint}/v1/{path}"
        return self._whole(f"GET {path} of Kaggle", lambda: self._session.get(url, params=dict(query)))

    def listen(self, path: str, query: Mapping[str, str], *, for_s: float) -> Answer:
        """Fetch what goes on for as long as it is listened to; the body is what came until then.

        Raises:
            KaggleSilent: Not even the head of an answer came.
        """
        url = f"{self._endpoint}/v1/{path}"
        pause = (self._limits.connect_s, for_s)
        try:
            with self._session.get(url, params=dict(query), timeout=pause) as response:
                body = _heard(response, for_s=for_s)
                return Answer(f"GET {path} of Kaggle", response.status_code, body, response.headers)
        except (requests.RequestException, HTTPError) as error:
            why = f"GET {path} of Kaggle had no answer: {type(error).__name__}"
            raise KaggleSilent(why, unsent=_is_unsent(error)) from error

    def _whole(self, asked: str, send: Callable[[], requests.Response]) -> Answer:
        try:
            with send() as response:
                body = read_body(response, within_s=self._limits.answer_s)
                return Answer(asked, response.status_code, body, response.headers)
        except (requests.RequestException, HTTPError, TimeoutError) as error:
            why = f"{asked} had no whole answer: {type(error).__name__}"
            raise KaggleSilent(why, unsent=_is_unsent(error)) from error
        except OverflowError as error:
            raise RemoteAnswerInvalid(f"the answer to {asked} is longer than {_MOST_BYTES} bytes") from error

    def _init_session(self) -> requests.Session:
        return self._session

    def _get_request_url(self, service_name: str, request_name: str) -> str:
        return f"{self._endpoint}/v1/{service_name}/{request_name}"

    def _prepare_response(self, _type: object, http_response: requests.Response) -> requests.Response:
        return http_response


class _Session(requests.Session):
    """Sends with time limits, and hands back the head of an answer as soon as it is there."""

    def __init__(self, limits: TimeLimits) -> None:
        super().__init__()
        self.trust_env = False
        self._limits = limits

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        limits = options.get("timeout") or (self._limits.connect_s, self._limits.silence_s)
        return super().send(request, **{**options, "timeout": limits, "stream": True})

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        return None


def _session(access: KaggleAccess, limits: TimeLimits) -> requests.Session:
    session = _Session(limits)
    session.headers.update({"User-Agent": "calibguard", "Connection": "close", "Accept-Encoding": "identity"})
    if access.token is not None:
        session.auth = KaggleHttpClient.BearerAuth(access.token.get_secret_value())
    elif access.username and access.key:
        session.auth = (access.username, access.key.get_secret_value())
    return session


def read_body(response: requests.Response, *, within_s: float) -> bytes:
    """Read a body whole.

    Raises:
        TimeoutError: It took longer.
        OverflowError: It is too long.
    """
    deadline = time.monotonic() + within_s
    body = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > _MOST_BYTES:
            raise OverflowError
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(body)


def _heard(response: requests.Response, *, for_s: float) -> bytes:
    """Read until nothing comes, the time is up or the connection breaks."""
    deadline = time.monotonic() + for_s
    body = bytearray()
    with suppress(HTTPError):
        while time.monotonic() < deadline and len(body) < _MOST_BYTES:
            if not (chunk := response.raw.read1(_CHUNK, decode_content=True)):
                break
            body += chunk
    return bytes(body)


def _is_unsent(error: Exception) -> bool:
    """Whether no connection came about, so that Kaggle has received nothing."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)
