"""Read a stack definition as strictly as the Console does, and a little more strictly where we mean to be.

Source: docs of SDL 2.0 and the validation in chain-sdk, from memory of their rules: a globally exposed
service, a denomination that is paid in, profiles that exist. The digest of the image and the placement's
letters are our own rules.
"""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import yaml

_PLACEMENT = re.compile(r"[a-z0-9-]{1,32}")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9./_:-]*@sha256:[0-9a-f]{64}")
_TOP = {"version", "services", "profiles", "deployment"}
_SERVICE = {"image", "command", "args", "env", "expose"}
_RESOURCES = {"cpu", "memory", "gpu", "storage"}
_STORAGE = {"size", "name", "attributes"}


class SdlInvalid(Exception):
    """What the Console answers with 400 ``Invalid SDL: ...``."""


@dataclass(frozen=True)
class Order:
    """What is wanted."""

    placement: str
    """The group's name on chain, for everybody to see."""
    service: str
    image: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    port: int
    """Of the container, exposed to the world."""
    cap: Decimal
    """Most that a bid may ask, in uact for each block of 6 seconds."""
    models: frozenset[str]
    """GPU models of which any will do; empty: no GPU is wanted."""


def read_sdl(text: str) -> Order:
    """Take a definition of one service apart; SdlInvalid where it is none."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SdlInvalid("no YAML") from error
    top = _mapping(tree, "the document", only=_TOP, needed=_TOP)
    if top["version"] not in ("2.0", "2.1"):
        raise SdlInvalid(f'version must be the text "2.0", got {top["version"]!r}')
    name, service = _only(_mapping(top["services"], "services"), "services")
    profiles = _mapping(top["profiles"], "profiles", needed={"compute", "placement"})
    placement, placed = _only(_mapping(profiles["placement"], "placement"), "placement")
    if not _PLACEMENT.fullmatch(placement):
        raise SdlInvalid(f"placement {placement!r} must be of [a-z0-9-]{{1,32}}")
    where = _mapping(_mapping(top["deployment"], "deployment", needed={name})[name], name, needed={placement})
    use = _mapping(where[placement], placement, needed={"profile", "count"})
    if use["count"] != 1:
        raise SdlInvalid(f"count must be 1 here, got {use['count']!r}")
    profile = str(use["profile"])
    compute = _mapping(profiles["compute"], "compute", needed={profile})
    wanted = _mapping(_mapping(compute[profile], profile, needed={"resources"})["resources"], "resources")
    told = _mapping(service, name, only=_SERVICE, needed={"image", "expose"})
    return Order(
        placement=placement,
        service=name,
        image=_image(told["image"]),
        command=(*_texts(told.get("command", [])), *_texts(told.get("args", []))),
        environment=dict(_variable(line) for line in _texts(told.get("env", []))),
        port=_global_port(told["expose"]),
        cap=_cap(placed, profile),
        models=_models(wanted),
    )


def _image(image: object) -> str:
    if not isinstance(image, str) or not _IMAGE.fullmatch(image):
        raise SdlInvalid("the image must be named by its digest")
    return image


def _variable(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals or not name:
        raise SdlInvalid("an environment variable is NAME=VALUE")
    return name, value


def _global_port(expose: object) -> int:
    for one in _list(expose, "expose"):
        port = _mapping(one, "expose", needed={"port"})
        if any(_mapping(to, "to").get("global") is True for to in _list(port.get("to", []), "to")):
            if not isinstance(port["port"], int):
                raise SdlInvalid("a port is a number")
            return port["port"]
    raise SdlInvalid("zero global services")


def _cap(placed: object, profile: str) -> Decimal:
    pricing = _mapping(
        _mapping(placed, "placement", needed={"pricing"})["pricing"], "pricing", needed={profile}
    )
    price = _mapping(pricing[profile], "pricing", only={"denom", "amount"}, needed={"denom", "amount"})
    if price["denom"] != "uact":
        raise SdlInvalid(f"denom must be 'uact', got {price['denom']!r}")
    try:
        amount = Decimal(str(price["amount"]))
    except InvalidOperation as error:
        raise SdlInvalid("amount is no number") from error
    if not amount.is_finite() or amount <= 0:
        raise SdlInvalid(f"amount must be positive, got {amount}")
    return amount


def _models(wanted: Mapping[str, object]) -> frozenset[str]:
    _mapping(wanted, "resources", only=_RESOURCES, needed={"cpu", "memory", "storage"})
    for volume in _list(wanted["storage"], "storage"):
        _mapping(volume, "storage", only=_STORAGE, needed={"size"})
    if "gpu" not in wanted:
        return frozenset()
    gpu = _mapping(wanted["gpu"], "gpu", only={"units", "attributes"}, needed={"units", "attributes"})
    vendor = _mapping(_mapping(gpu["attributes"], "attributes", needed={"vendor"})["vendor"], "vendor")
    models = [
        _mapping(model, "model", needed={"model"})["model"] for model in _list(vendor["nvidia"], "nvidia")
    ]
    if not models or not all(isinstance(model, str) and model == model.lower() for model in models):
        raise SdlInvalid("GPU models are words in lower case")
    return frozenset(map(str, models))


def _mapping(
    found: object, what: str, *, only: Set[str] | None = None, needed: Set[str] = frozenset()
) -> Mapping[str, object]:
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise SdlInvalid(f"{what} must be a mapping")
    if missing := needed - set(found):
        raise SdlInvalid(f"{what} lacks {sorted(missing)}")
    if only is not None and (unknown := set(found) - only):
        raise SdlInvalid(f"{what} has the unknown {sorted(unknown)}")
    return found


def _only(found: Mapping[str, object], what: str) -> tuple[str, object]:
    if len(found) != 1:
        raise SdlInvalid(f"{what} must be one here, got {len(found)}")
    return next(iter(found.items()))


def _list(found: object, what: str) -> list[object]:
    if not isinstance(found, list):
        raise SdlInvalid(f"{what} must be a list")
    return found


def _texts(found: object) -> tuple[str, ...]:
    texts = _list(found, "command, args and env")
    if not all(isinstance(text, str) for text in texts):
        raise SdlInvalid("command, args and env are lists of texts")
    return tuple(map(str, texts))
