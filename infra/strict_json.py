"""Read the JSON objects that two programs exchange over the network, and nothing that merely resembles one.

What ``json`` lets pass is refused here: NaN and infinities, repeated keys, endless digits, deep nesting, text
that is no UTF-8. It stops at the first problem: its author is a program, not a person who mends a file.
"""

import json
import math

_DEEPEST = 16  # the protocol nests 4 deep
_MOST_DIGITS = 19  # as many as a 64-bit integer has


def parse_object(body: bytes) -> dict[str, object]:
    """Return the JSON object that ``body`` is.

    Raises:
        ValueError: It is something else; the message says what, without repeating the body.
    """
    tree = parse_json(body)
    if not isinstance(tree, dict):
        raise ValueError(f"it is a JSON {type(tree).__name__}, not an object")
    return tree


def parse_json(body: bytes) -> object:
    """Return the JSON tree that ``body`` is, for a protocol that has lists at the top too.

    Raises:
        ValueError: It is something else; the message says what, without repeating the body.
    """
    try:
        tree: object = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError as error:
        raise ValueError("it is no UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON at character {error.pos}") from error
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error
    _require_shallow(tree)
    return tree


_TOO_DEEP = f"it is nested deeper than {_DEEPEST} levels"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"it holds {name}, which is no JSON number")


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError("it holds a number beyond the range of a float")
    return number


def _short(digits: str) -> int:
    if len(digits.removeprefix("-")) > _MOST_DIGITS:
        raise ValueError(f"it holds an integer of {len(digits)} digits")
    return int(digits)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("it holds an object with a repeated key")
    return members


def _require_shallow(tree: object) -> None:
    level: list[object] = [tree]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ValueError(_TOO_DEEP)


def _children(node: object) -> list[object]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []
