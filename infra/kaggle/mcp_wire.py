"""JSON-RPC over HTTP, as MCP has it: one POST for each message, an SSE body or plain JSON for each answer."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Final

import httpx
from pydantic import SecretStr

from infra.errors import RemoteAnswerInvalid, RemoteRefused
from infra.kaggle.answers import Members
from infra.kaggle.refusals import KaggleBusy, status_refusal
from infra.strict_json import parse_object
from infra.web.address import web_address
from infra.web.remote_text import quoted

_PROTOCOL: Final = "2025-03-26"
_SILENCE_S: Final = 60.0
_ANSWER_S: Final = 180.0
_MOST_CHARACTERS: Final = 32 << 20


class McpWire:
    """A session with an MCP server, begun by the first question."""

    def __init__(self, url: str, token: SecretStr) -> None:
        self._address = web_address(url)
        self._url = url
        self._headers = {
            "Authorization": f"Bearer {token.get_secret_value()}",
            "Accept": "application/json, text/event-stream",
            "Accept-Encoding": "identity",
        }
        self._numbers = itertools.count(1)
        self._begun = False

    def ask(self, method: str, params: Members) -> Members:
        """Return the result of a method.

        Raises:
            KaggleBusy: No whole answer came, or one that asks to come back later.
            RemoteRefused: The server says no.
            RemoteAnswerInvalid: The answer is no JSON-RPC.
        """
        if not self._begun:
            client = {"name": "calibguard", "version": "1"}
            self._exchange(
                "initialize", {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": client}
            )
            self._exchange("notifications/initialized", None)
            self._begun = True
        return self._exchange(method, params)

    def _exchange(self, method: str, params: Members | None) -> Members:
        """Send a message; one without params is a notification and has no answer."""
        number = None if params is None else next(self._numbers)
        message: Members = {"jsonrpc": "2.0", "method": method}
        if number is not None:
            message |= {"id": number, "params": params}
        asked = f"{method} of {self._address}"
        try:
            with (
                httpx.Client(trust_env=False, timeout=_SILENCE_S) as client,
                client.stream("POST", self._url, json=message, headers=self._headers) as response,
            ):
                self._require_yes(response, asked)
                if session := response.headers.get("mcp-session-id"):
                    self._headers["Mcp-Session-Id"] = session
                return {} if number is None else _result(_messages(response), number, asked=asked)
        except httpx.HTTPError as error:
            unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            why = f"{asked} had no whole answer: {type(error).__name__}"
            raise KaggleBusy(why, refused=unsent) from error

    def _require_yes(self, response: httpx.Response, asked: str) -> None:
        if 200 <= response.status_code < 300:
            return
        body = response.read().decode("utf-8", "replace")[:2000]
        refusal = status_refusal(response.status_code, body, asked=asked, retry_after_s=None)
        raise refusal or RemoteRefused(f"{asked} is redirected; set KAGGLE_MCP_URL to the final URL")


def _messages(response: httpx.Response) -> Iterator[str]:
    """Each JSON message of a body, as soon as it is there: the server may leave the stream open."""
    if "text/event-stream" not in response.headers.get("content-type", ""):
        yield response.read().decode("utf-8", "replace")
        return
    deadline = time.monotonic() + _ANSWER_S
    parts: list[str] = []
    length = 0
    for line in response.iter_lines():
        length += len(line)
        if length > _MOST_CHARACTERS or time.monotonic() > deadline:
            raise KaggleBusy("the MCP endpoint answers without end")
        if line.startswith("data:"):
            parts.append(line.removeprefix("data:").removeprefix(" "))
        elif not line and parts:
            yield "\n".join(parts)
            parts = []


def _result(messages: Iterator[str], number: int, *, asked: str) -> Members:
    """The result of the message of this number; what else the server sends is passed over."""
    for text in messages:
        try:
            message = parse_object(text.encode())
        except ValueError as error:
            raise KaggleBusy(f"the answer to {asked} cannot be read: {error}") from error
        if message.get("id") != number:
            continue
        if error_told := message.get("error"):
            raise RemoteRefused(f"the MCP endpoint refuses {asked}: {quoted(json.dumps(error_told))}")
        result = message.get("result")
        if not isinstance(result, dict):
            raise RemoteAnswerInvalid(f"the result of {asked} must be an object, got {quoted(result)}")
        return result
    raise KaggleBusy(f"{asked} had no answer")
