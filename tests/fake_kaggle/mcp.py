"""The fake Kaggle's MCP endpoint: the same kernels, asked in JSON-RPC and answered in an SSE body."""

import json
import re
from collections.abc import Callable, Mapping

from tests.fake_kaggle.kernels import BadRequest, Members

Call = Callable[[Members], Members]


def answer(asked: Members, tools: Mapping[str, Call]) -> bytes | None:
    """The SSE body that answers a JSON-RPC message; None for a notification."""
    if "id" not in asked:
        return None
    reply = {"jsonrpc": "2.0", "id": asked["id"], **_result(asked, tools)}
    return f"event: message\ndata: {json.dumps(reply)}\n\n".encode()


def _result(asked: Members, tools: Mapping[str, Call]) -> Members:
    match asked.get("method"):
        case "initialize":
            server = {"name": "fake-kaggle", "version": "1"}
            return {
                "result": {
                    "protocolVersion": "2025-03-26",
                    "capabilities": {"tools": {}},
                    "serverInfo": server,
                }
            }
        case "tools/list":
            return {"result": {"tools": [{"name": name, "inputSchema": _schema(name)} for name in tools]}}
        case "tools/call":
            return {"result": _called(asked, tools)}
    return {"error": {"code": -32601, "message": "Method not found"}}


def _schema(tool: str) -> Members:
    """As the real one has changed its names: nullable ones where the RPC API has plain ones."""
    known = "userName kernelSlug versionLabel pageSize pageToken"
    if tool == "save_notebook":
        known = "slug newTitle text language kernelType isPrivateNullable enableGpuNullable"
        known += " enableInternetNullable machineShape hasMachineShape kernelExecutionType"
    named: Members = {name: {} for name in known.split()}
    if "kernelExecutionType" in named:
        named["kernelExecutionType"] = {"enum": ["SaveAndRunAll", "QuickSave"]}
    return {"type": "object", "properties": {"request": {"type": "object", "properties": named}}}


def _plain(tool: str, request: Members) -> Members:
    """The request in the RPC API's names; a name or word that the tool does not have is an error."""
    properties = _schema(tool)["properties"]
    assert isinstance(properties, dict)
    known = properties["request"]["properties"]
    if unknown := set(request) - set(known):
        raise BadRequest(f"unknown {unknown}")
    if (mode := request.get("kernelExecutionType", "SaveAndRunAll")) != "SaveAndRunAll":
        raise BadRequest(f"unknown {mode}")
    return {name.removesuffix("Nullable"): to for name, to in request.items() if not name.startswith("has")}


def _called(asked: Members, tools: Mapping[str, Call]) -> Members:
    params = asked.get("params")
    assert isinstance(params, dict)
    name, arguments = str(params.get("name")), params.get("arguments", {})
    if name not in tools:
        return _text(f"Unknown tool: '{name}'", is_error=True)
    try:
        told = tools[name](_plain(name, dict(arguments.get("request", {}))))
    except Exception:
        # All that the real one says, whatever went wrong.
        return _text(f"An error occurred invoking '{name}'.", is_error=True)
    return _text(json.dumps(_snake(told)))


def _text(text: str, *, is_error: bool = False) -> Members:
    return {"content": [{"type": "text", "text": text}], "isError": is_error}


def _snake(told: object) -> object:
    if isinstance(told, dict):
        return {
            re.sub(r"([A-Z])", lambda m: f"_{m[1].lower()}", name): _snake(to) for name, to in told.items()
        }
    return [_snake(one) for one in told] if isinstance(told, list) else told
