"""Importing all modules of packages, so that the tasks in them register themselves."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


class PackageManager:
    """Imports packages with all of their modules, so that the tasks which are defined in them register themselves.

    `Worker(autodiscover_packages=[...])` and `worker.autodiscover(...)` use one; on its own it serves programs that
    keep several workers in one package. Modules named `__main__` are left alone.

    >>> packages = upnext.PackageManager()
    >>> packages.add("json")
    >>> packages.discover()
    ['json', 'json.decoder', 'json.encoder', 'json.scanner', 'json.tool']
    """

    def __init__(self) -> None:
        self._packages: list[str] = []

    @property
    def packages(self) -> list[str]:
        """The names of what was added, in that order."""
        return list(self._packages)

    def add(self, package: str | ModuleType) -> None:
        """Adds a package or a module: the module itself or its absolute name (`"shop.tasks"`). Imports nothing yet."""
        name = package.__name__ if isinstance(package, ModuleType) else package
        if not isinstance(name, str):
            raise TypeError(f"a package is given by its name or as a module, not as a {type(name).__qualname__}")
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(
                f"{name!r} is not the name of a package: write it as in an import, absolute, such as 'shop.tasks'"
            )
        if name not in self._packages:
            self._packages.append(name)

    def discover(self) -> list[str]:
        """Imports all of it, and answers the names of the modules. What was imported before runs no second time.

        Raises `ImportError` when a package is not there or one of its modules cannot be imported; the message names it,
        and the error of the module itself is the cause.
        """
        found: list[str] = []
        for name in self._packages:
            module = _imported(name, name)
            found.append(name)
            if hasattr(module, "__path__"):
                found.extend(_modules_of(module, name))
        return list(dict.fromkeys(found))


def _modules_of(package: ModuleType, top: str) -> list[str]:
    found: list[str] = []
    for info in sorted(pkgutil.iter_modules(package.__path__, f"{package.__name__}."), key=lambda info: info.name):
        if info.name.endswith(".__main__"):
            continue
        module = _imported(info.name, top)
        found.append(info.name)
        if info.ispkg:
            found.extend(_modules_of(module, top))
    return found


def _imported(name: str, top: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name == top and (name == missing or name.startswith(f"{missing}.")):
            raise ImportError(
                f"there is no package '{top}' to discover tasks in: no module named '{missing}' can be imported here; "
                "look at its spelling, and that its folder is on sys.path",
                name=top,
            ) from error
        raise _broken(name, top, error) from error
    except Exception as error:
        raise _broken(name, top, error) from error


def _broken(name: str, top: str, error: Exception) -> ImportError:
    inside = "" if name == top else f" of the package '{top}'"
    return ImportError(
        f"the module '{name}'{inside} cannot be imported to discover its tasks: {type(error).__name__}: {error}",
        name=name,
    )
