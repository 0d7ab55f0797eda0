"""What a task returns: JSON in the job, and the type of its annotation for whoever waits with the task."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

from upnext import _json
from upnext._errors import ResultError
from upnext._kind import Kind, Mismatch
from upnext._kind_of import kinds_of, local_names

_log = logging.getLogger("upnext.worker")

#: What a task returns by the key of its function, where that is known.
ReturnsOf = Callable[[str], "Returns | None"]

_UNKNOWN: Any = object()


class Returns:
    """The annotation of what a task returns."""

    __slots__ = ("_annotation", "_function", "_kind", "_local", "_task", "_warned")

    def __init__(self, task: str, function: Callable[..., Any]) -> None:
        annotation = inspect.signature(function).return_annotation
        self._task = task
        self._function = function
        # Who returns nothing promises nothing about what comes all the same.
        nothing = annotation in (inspect.Signature.empty, None, "None", type(None))
        self._annotation = {} if nothing else {"return": annotation}
        self._local = local_names(self._annotation)
        #: Looked up when first needed: an annotation may name what is defined further down.
        self._kind: Kind | None = None if nothing else _UNKNOWN
        self._warned = False

    def encode(self, value: Any) -> str:
        """What the job keeps of a value that was returned. Raises `ResultError` for what JSON cannot carry."""
        kind = self._known()
        try:
            if kind is None or type(value) in kind.passes:
                return _json.encode(value, "the result")
            return self._dumped(kind, value)
        except _json.NotSerializableError as error:
            hint = "" if self._annotation else ": annotate what the task returns, if JSON can stand for it"
            raise ResultError(f"task '{self._task}' returned a value that cannot be kept: {error}{hint}") from None

    def decode(self, value: Any) -> Any:
        """The value that was returned, of what the job keeps. Raises `Mismatch`."""
        kind = self._known()
        return value if value is None or kind is None or type(value) in kind.passes else kind.load(value)

    def _dumped(self, kind: Kind, value: Any) -> str:
        try:
            return _json.encode(kind.dump(value), "the result")
        except Mismatch as mismatch:
            # The work is done: a value that can be kept as it is does not fail the job for a wrong annotation.
            try:
                text = _json.encode(value, "the result")
            except _json.NotSerializableError:
                raise _json.NotSerializableError(f"the result{mismatch.path} {mismatch.rule}") from None
            if not self._warned:
                self._warned = True
                words = "task '%s': what it returned does not fit its annotation, and is kept as it is: the result%s %s"
                _log.warning(words, self._task, mismatch.path, mismatch.rule)
            return text

    def _known(self) -> Kind | None:
        if self._kind is _UNKNOWN:
            self._kind = kinds_of(self._task, self._function, self._annotation, self._local, set()).get("return")
        return self._kind
