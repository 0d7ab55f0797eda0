"""Finding the workers and APIs in the files and modules of a command line."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType, TracebackType

from upnext._api import Api
from upnext._worker import Worker


class LoadError(Exception):
    """A file or module that gives nothing to run. The message is for a person; `shown` means that Python's own report
    of what is wrong was printed already."""

    def __init__(self, message: str, *, shown: bool = False) -> None:
        super().__init__(message)
        self.shown = shown


def load_all(files: list[str], only: list[str]) -> list[Worker | Api]:
    """The workers and APIs of these files, all or those of these names; for the name of a task, its worker with it
    alone."""
    everything: dict[int, Worker | Api] = {}
    for file in files:
        module = load(file)
        found = [value for value in vars(module).values() if isinstance(value, Worker | Api)]
        if not found:
            raise LoadError(f"{file} defines no worker and no API: write `worker = upnext.Worker()` in it")
        for one in found:
            if isinstance(one, Worker):
                _discover(one)
        everything.update((id(one), one) for one in found)
    return _chosen(list(everything.values()), only)


def _discover(worker: Worker) -> None:
    """Imports the packages that the worker names, so that its tasks are known before it starts."""
    try:
        worker.autodiscover()
    except ImportError as error:
        cause = error.__cause__
        if cause is not None and not (isinstance(cause, ModuleNotFoundError) and cause.name == error.name):
            traceback.print_exception(type(cause), cause, _users_frames(cause.__traceback__))
        raise LoadError(str(error)) from None


def load(file: str) -> ModuleType:
    """Imports a file by its path, with its own folder importable, or a module by its name."""
    path = Path(file)
    try:
        if path.is_file():
            return _load_file(path.resolve())
        if path.suffix == ".py" or "/" in file or path.is_dir():
            raise LoadError(f"{file} is {'a folder' if path.is_dir() else 'not there'}: name a Python file or a module")
        return _load_module(file)
    except LoadError:
        raise
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        traceback.print_exception(type(error), error, _users_frames(error.__traceback__))
        raise LoadError(f"{file} could not be imported", shown=True) from None


def _load_file(path: Path) -> ModuleType:
    folder, names = path.parent, [path.stem]
    # Inside of a package, import it as its package does, so that relative imports work.
    while (folder / "__init__.py").is_file():
        names.insert(0, folder.name)
        folder = folder.parent
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    name = ".".join(names).removesuffix(".__init__")
    if len(names) > 1:
        return importlib.import_module(name)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(path):
        # Another of the files has imported it: once more, and its workers were there twice.
        return known
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _load_module(name: str) -> ModuleType:
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise LoadError(f"{name} is neither a file nor a module") from None
        raise


def _chosen(everything: list[Worker | Api], only: list[str]) -> list[Worker | Api]:
    if not only:
        return everything
    names = [one.name for one in everything]
    tasks = [task for one in everything if isinstance(one, Worker) for task in one.tasks]
    for name in only:
        if name not in names and name not in tasks:
            raise LoadError(f"there is no worker, API or task '{name}'; there are {', '.join([*names, *tasks])}")
    chosen: list[Worker | Api] = []
    for one in everything:
        if one.name in only:
            chosen.append(one)
        elif isinstance(one, Worker) and (wanted := {name for name in only if name in one.tasks}):
            one.offer_only(wanted)
            chosen.append(one)
    return chosen


def _users_frames(trace: TracebackType | None) -> TracebackType | None:
    """Without the frames of ours and of the import machinery."""
    ours = (str(Path(__file__).parent), str(Path(importlib.__file__).parent), "<frozen importlib")
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(ours):
        trace = trace.tb_next
    return trace
