"""Kaggle through its MCP endpoint: the same notebooks behind other words.

Whatever goes wrong there, its tools say "An error occurred invoking" and no more; the names of their
arguments change, so they are taken from the tools' own schema; and no tool deletes.
"""

from collections.abc import Mapping
from functools import cached_property, partial
from typing import Literal

from pydantic import SecretStr

from infra.errors import CreateAmbiguous, RemoteAnswerInvalid, RemoteRefused
from infra.kaggle.answers import (
    Members,
    OutputFile,
    SessionStatus,
    entries,
    read_page,
    read_status,
)
from infra.kaggle.kernel_log import log_text
from infra.kaggle.mcp_wire import McpWire
from infra.kaggle.notebooks import KernelRef, Push
from infra.kaggle.patience import Patience
from infra.kaggle.pushing import TakenWithComplaints, started
from infra.kaggle.refusals import BadRequest, KaggleBusy
from infra.kaggle.sources import save_members
from infra.strict_json import parse_object
from infra.web.remote_text import quoted

_PAGE = 200
_MOST_PAGES = 100


class ToolFailed(BadRequest):
    """A tool failed; the endpoint does not say why."""


class KaggleMcp:
    """One account at Kaggle; not to be shared by threads."""

    name: Literal["api", "mcp"] = "mcp"

    def __init__(self, url: str, token: SecretStr, *, patience: Patience | None = None) -> None:
        self._wire = McpWire(url, token)
        self._patience = patience or Patience()

    def status(self, kernel: KernelRef) -> SessionStatus:
        """Ask how a session is."""
        return read_status(self._read("get_notebook_session_status", _addressed(kernel)))

    def output(self, kernel: KernelRef) -> tuple[list[OutputFile], str]:
        """List the files that a session left, and give its log."""
        files: list[OutputFile] = []
        log, token = "", ""
        for _ in range(_MOST_PAGES):
            asked = {**_addressed(kernel), "pageSize": _PAGE, **({"pageToken": token} if token else {})}
            told = self._read("list_notebook_session_output", asked)
            page, kept, token = read_page(told)
            files, log = [*files, *page], log or kept
            if not token:
                return files, log_text(log)
        raise RemoteAnswerInvalid(f"the output of {kernel} has more than {_MOST_PAGES} pages")

    def run(self, kernel: KernelRef, push: Push | None, *, gpu: bool) -> KernelRef:  # noqa: ARG002
        """Push and run.

        Raises:
            RemoteRefused: No push is given, or Kaggle refuses it.
            CreateAmbiguous: It may run: there is no tool to delete it with.
        """
        if push is None:
            raise RemoteRefused("through the MCP endpoint only what is pushed runs; name a local notebook")
        request = save_members(kernel, push)
        try:
            told = self._patience.repeat_unsent(lambda: self._call("save_notebook", request))
            return started(kernel, told)
        except (ToolFailed, TakenWithComplaints, KaggleBusy) as error:
            if isinstance(error, KaggleBusy) and error.unsent:
                raise
            raise CreateAmbiguous(f"{kernel} may or may not run ({error}); look at Kaggle") from error

    def delete(self, kernel: KernelRef) -> bool:
        """Refuse: no tool deletes.

        Raises:
            RemoteRefused: Always.
        """
        raise RemoteRefused(
            f"Kaggle's MCP endpoint has no tool that deletes, so {kernel} is as it was; use --transport api"
        )

    def _read(self, name: str, request: Members) -> Members:
        return self._patience.repeat_read(lambda: self._call(name, request))

    def _call(self, name: str, request: Members) -> Members:
        fitted = _fitted(request, self._schemas.get(name, {}))
        result = self._wire.ask("tools/call", {"name": name, "arguments": {"request": fitted}})
        content = entries(result, "content")
        text = str(content[0].get("text", "")) if content else ""
        if result.get("isError") or text.startswith("An error occurred"):
            raise ToolFailed(f"Kaggle's tool {name} says {quoted(text)}; --transport api tells more")
        try:
            return parse_object(text.encode())
        except ValueError as error:
            raise RemoteAnswerInvalid(
                f"Kaggle's tool {name} must answer in JSON, got {quoted(text)}"
            ) from error

    @cached_property
    def _schemas(self) -> Mapping[str, Members]:
        """What each tool's request may hold, as far as the endpoint tells."""
        schemas: dict[str, Members] = {}
        token = ""
        for _ in range(_MOST_PAGES):
            cursor: Members = {"cursor": token} if token else {}
            told = self._patience.repeat_read(partial(self._wire.ask, "tools/list", cursor))
            schemas |= {str(tool.get("name")): _request_schema(tool) for tool in entries(told, "tools")}
            if not (token := str(told.get("nextCursor") or "")):
                break
        return schemas


def _addressed(kernel: KernelRef) -> Members:
    label: Members = {"versionLabel": kernel.label} if kernel.label else {}
    return {"userName": kernel.owner, "kernelSlug": kernel.slug, **label}


def _request_schema(tool: Members) -> Members:
    """The properties of ``arguments.request``; empty where the schema does not lead there."""
    schema: object = tool.get("inputSchema")
    for name in ("properties", "request", "properties"):
        schema = schema.get(name) if isinstance(schema, dict) else None
    return schema if isinstance(schema, dict) else {}


def _fitted(request: Members, schema: Members) -> Members:
    """Give members the names and enum words that a tool knows; all as they are where it tells none.

    Kaggle has had ``X``, ``XNullable``, and ``X`` beside ``hasX``.
    """
    if not schema:
        return request
    fitted: Members = {}
    for name, value in request.items():
        known = f"{name}Nullable" if name not in schema and f"{name}Nullable" in schema else name
        fitted[known] = _spelled(value, schema.get(known))
        has = f"has{name[0].upper()}{name[1:]}"
        if has in schema:
            fitted[has] = True
    return fitted


def _spelled(value: object, property_schema: object) -> object:
    """An enum's word as the tool spells it: ``SaveAndRunAll`` for ``SAVE_AND_RUN_ALL``."""
    words = property_schema.get("enum") if isinstance(property_schema, dict) else None
    if not isinstance(words, list) or not isinstance(value, str):
        return value
    bare = value.replace("_", "").lower()
    return next((word for word in words if str(word).replace("_", "").lower() == bare), value)
