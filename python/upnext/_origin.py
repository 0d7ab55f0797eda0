"""Where tasks are defined, so that a child process can find them again.

Functions do not travel: what carries a task's name is its `TaskHandle`, and pickle would refuse or confuse the two. A
child imports the modules anew instead and looks for the task among what they register.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from upnext import _task

if TYPE_CHECKING:
    from upnext._task import TaskHandle
    from upnext._worker import Worker

#: What `__main__` is called when it is imported again, as multiprocessing does: `if __name__ == "__main__"` is false.
_MAIN_AGAIN = "__mp_main__"

#: True in a child process of a worker.
in_child = False


class ModuleLoadedError(BaseException):
    """Raised by `upnext.run()` in a child process: the module has defined its tasks, the rest is not for the child."""


class TaskNotFoundError(LookupError):
    """The modules of a task do not define it in a child process."""


class Module(NamedTuple):
    """A module, as another process can import it."""

    name: str
    file: str | None
    #: For `__main__`: what `python -m` was given.
    run_as: str | None = None

    @property
    def described(self) -> str:
        """For a person."""
        return self.file or self.name


class Origin(NamedTuple):
    """A task and the modules that may define it, the likeliest first."""

    key: str
    module: str
    qualname: str
    modules: tuple[Module, ...]


def origins_of(worker: Worker, tasks: list[TaskHandle[Any, Any]]) -> dict[str, Origin]:
    """The origins of these tasks by key. Raises `RuntimeError` for one that no other process can import."""
    holders = [module for module in _modules_holding(worker) if module is not None]
    found: dict[str, Origin] = {}
    for task in tasks:
        name, qualname = _place(task.function)
        own = _importable(name)
        if own is None:
            raise RuntimeError(
                f"task '{task.key}' of worker '{worker.name}' is defined in {_called(name)}, which a child process "
                "cannot import: put it into a file, or use sync_executor=SyncExecutor.THREAD"
            )
        found[task.key] = Origin(task.key, name, qualname, (own, *(module for module in holders if module != own)))
    return found


def modules_of(function: Callable[..., Any], worker: Worker) -> tuple[Module, ...]:
    """The modules that may define this function of a worker, the likeliest first; none if no other process can import
    one."""
    own = _importable(getattr(function, "__module__", None) or "__main__")
    holders = [module for module in _modules_holding(worker) if module is not None]
    return tuple(dict.fromkeys([*([] if own is None else [own]), *holders]))


def find(origin: Origin) -> TaskHandle[Any, Any]:
    """The task in this process, which is a child. Imports what it takes."""
    for module in origin.modules:
        import_again(module)
        task = _registered(origin)
        if task is not None:
            return task
    where = " or ".join(module.described for module in origin.modules)
    raise TaskNotFoundError(
        f"task '{origin.key}' is not defined when {where} is imported in a child process: define it at the top level "
        'of a module, not inside of a function or under `if __name__ == "__main__":`, or use '
        "sync_executor=SyncExecutor.THREAD"
    )


def import_again(module: Module) -> None:
    """Imports in a child what the parent has."""
    try:
        if module.name == "__main__":
            _import_main(module)
        elif module.name not in sys.modules:
            _import(module.name, module.file)
    except ModuleLoadedError:
        pass


def _modules_holding(worker: Worker) -> Iterator[Module | None]:
    for name, module in list(sys.modules.items()):
        names = getattr(module, "__dict__", None)
        if isinstance(names, dict) and any(value is worker for value in list(names.values())):
            yield _importable(name)


def _importable(name: str) -> Module | None:
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    file = str(Path(file).absolute()) if isinstance(file, str) and Path(file).is_file() else None
    if name in ("__main__", _MAIN_AGAIN):
        spec: ModuleSpec | None = getattr(module, "__spec__", None)
        return None if file is None else Module("__main__", file, None if spec is None else spec.name)
    if module is None and file is None and importlib.util.find_spec(name) is None:
        return None
    return Module(name, file)


def _called(name: str) -> str:
    return "an interactive session or on a command line" if name == "__main__" else f"the module {name}"


def _import(name: str, file: str | None) -> None:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or (file is not None and not _same(spec.origin, file)):
        # Loaded by its path, as `upnext run FILE` does, or from a folder that is not to be found any more.
        spec = spec_of_file(name, file)
        if spec is None:
            raise ImportError(f"{file or name} cannot be imported in a child process", name=name, path=file)
    else:
        importlib.import_module(name)
        return
    _execute(name, spec)


def spec_of_file(name: str, file: str | None) -> ModuleSpec | None:
    """How to load a Python file, whatever its extension."""
    if file is None or not Path(file).is_file():
        return None
    return importlib.util.spec_from_file_location(name, file, loader=SourceFileLoader(name, file))


def _import_main(module: Module) -> None:
    if _MAIN_AGAIN in sys.modules:
        return
    spec = spec_of_file(_MAIN_AGAIN, module.file)
    if spec is None:
        raise ImportError(f"{module.file} is not there any more", path=module.file)
    again = importlib.util.module_from_spec(spec)
    if module.run_as is not None:
        # With the package it belongs to, so that its relative imports work.
        again.__package__ = module.run_as.rpartition(".")[0]
        again.__spec__ = importlib.util.find_spec(module.run_as)
    else:
        # As a script has none: multiprocessing inside of a task would take its name for one that can be imported.
        again.__spec__ = None
    sys.modules["__main__"] = sys.modules[_MAIN_AGAIN] = again
    _run(spec, again)


def _execute(name: str, spec: ModuleSpec) -> None:
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _run(spec, module)


def _run(spec: ModuleSpec, module: ModuleType) -> None:
    if spec.loader is not None:
        spec.loader.exec_module(module)


def _same(origin: str | None, file: str) -> bool:
    return origin is not None and Path(origin).resolve() == Path(file).resolve()


def _registered(origin: Origin) -> TaskHandle[Any, Any] | None:
    """The task that was defined at the same place; else the only one of its name."""
    named = [task for task in _task.registered or () if task.key == origin.key]
    here = [task for task in named if _place(task.function) == (origin.module, origin.qualname)]
    if here:
        return here[-1]
    return named[0] if len(named) == 1 else None


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    module = getattr(function, "__module__", None) or "__main__"
    return "__main__" if module == _MAIN_AGAIN else module, getattr(function, "__qualname__", "")
