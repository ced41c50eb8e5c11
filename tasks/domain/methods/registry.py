"""Finds the methods: every module of this package that binds ``METHOD``.

There is no list to keep. A module without ``METHOD``, or two methods of one name, is a programmer's
mistake and stops the first look-up.
"""

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Final

import tasks.domain.methods
from tasks.domain.errors import UnknownMethodError
from tasks.domain.methods.method import Method

_NO_METHODS: Final = frozenset({"method", "per_photo", "registry"})


@cache
def methods() -> Mapping[str, Method]:
    """Give all methods by name, in the order of their names."""
    package = tasks.domain.methods
    names = {module.name for module in pkgutil.iter_modules(package.__path__)} - _NO_METHODS
    found: dict[str, Method] = {}
    for name in sorted(names):
        method = getattr(import_module(f"{package.__name__}.{name}"), "METHOD", None)
        if not isinstance(method, Method):
            raise TypeError(
                f"{package.__name__}.{name} binds no METHOD; every module there defines one method"
            )
        if method.name in found:
            raise TypeError(f"{package.__name__}.{name} defines method {method.name!r} a second time")
        found[method.name] = method
    return MappingProxyType(dict(sorted(found.items())))


def find_method(name: str) -> Method:
    """Give the method of this name.

    Raises:
        UnknownMethodError: There is none; the error lists those there are.
    """
    known = methods()
    if name not in known:
        raise UnknownMethodError(f"there is no method {name!r}; there are {', '.join(known)}")
    return known[name]
