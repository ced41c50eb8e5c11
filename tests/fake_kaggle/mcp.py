"""The fake Kaggle's MCP endpoint: the same kernels, asked in JSON-RPC and answered in an SSE body."""

import json
import re
from collections.abc import Callable, Mapping

from tests.fake_kaggle.kernels import Members

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
            return {"result": {"tools": [{"name": name, "inputSchema": {}} for name in tools]}}
        case "tools/call":
            return {"result": _called(asked, tools)}
    return {"error": {"code": -32601, "message": "Method not found"}}


def _called(asked: Members, tools: Mapping[str, Call]) -> Members:
    params = asked.get("params")
    assert isinstance(params, dict)
    name, arguments = str(params.get("name")), params.get("arguments", {})
    if name not in tools:
        return _text(f"Unknown tool: '{name}'", is_error=True)
    try:
        told = tools[name](dict(arguments.get("request", {})))
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
