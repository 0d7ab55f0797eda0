"""Which route of a FastAPI or Starlette application a request was for, as the application wrote it.

Paths are never told: they hold what callers wrote, and there are as many of them as callers like.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any


def route_of(scope: MutableMapping[str, Any], root: str) -> str | None:
    """The route that matched a request which was handled, `None` if none did. `root` is its `root_path` before that.

    What the scope tells is the innermost route, and where mounted applications begin; routers that were included with a
    prefix leave no trace. So the route's own pattern is looked for at the end of the path, and what stands before it
    are prefixes, whose parameters are put back.
    """
    if "endpoint" not in scope:
        return None
    path: str = scope["path"]
    if root and path.startswith(root):
        path = path[len(root) :]
    parameters: Mapping[str, Any] = scope.get("path_params") or {}
    route = scope.get("route")
    pattern = getattr(route, "path_regex", None)
    if pattern is not None:
        for start in _starts(path):
            if pattern.match(path[start:]):
                own = getattr(route, "param_convertors", {})
                before = {name: value for name, value in parameters.items() if name not in own}
                return _with_names(path[:start], before) + str(getattr(route, "path_format", ""))
        return None
    mounted = scope.get("root_path", "")[len(root) :]
    if mounted:
        return f"{_with_names(mounted, parameters)}/{{path}}"
    return _with_names(path, parameters)


def _starts(path: str) -> list[int]:
    """Where a route can begin in a path: at each slash, or at its end."""
    return [*(place for place, letter in enumerate(path) if letter == "/"), len(path)]


def _with_names(path: str, parameters: Mapping[str, Any]) -> str:
    """The path with the names of its parameters in the place of their values; the last one is looked for first."""
    end, rest = len(path), ""
    for name, value in reversed(list(parameters.items())):
        place = f"{path[:end]}/".rfind(f"/{value}/")
        if place < 0:
            continue
        after = place + 1 + len(str(value))
        rest = f"/{{{name}}}{path[after:end]}{rest}"
        end = place
    return path[:end] + rest
