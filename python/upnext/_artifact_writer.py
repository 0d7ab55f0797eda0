"""Artifacts that async code writes piece by piece, while everybody may read along."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from upnext import _bridge
from upnext._artifact import Artifact, artifact_of
from upnext._artifact_labels import Lifetime, check_text, extras_of
from upnext._artifact_type import checked_name, type_word
from upnext._context import current_attempt
from upnext._errors import ArtifactError, BackendError
from upnext._types import ArtifactType
from upnext._work import done, done_for_good

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import ReadableBuffer
    from typing_extensions import Self


def open_artifact(
    name: str,
    artifact_type: ArtifactType | str | None = None,
    *,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    expires_in: Lifetime = ...,
) -> ArtifactWriter:
    """Writes an artifact of the running job piece by piece:

    >>> async with upnext.open_artifact("train.log", description="Losses by epoch") as log:
    ...     await log.write("epoch 1: 0.71\\n")

    It is listed at once, with the status `writing`, and whoever follows it sees what is written a moment later. The
    end of the block closes it: then it is whole, and `log.artifact` its final record. An exception in the block, or the
    death of the worker, leaves what was written until then, and the status `incomplete` once the attempt is over.

    Without a type the name's extension decides, then the first bytes. The other arguments are those of
    `create_artifact`, and so are the errors: `RuntimeError` outside a job, else an `ArtifactError`.
    """
    attempt = current_attempt("open_artifact()")
    extras = extras_of(attempt, checked_name(name), description, tags, metadata, expires_in)
    return ArtifactWriter(_bridge.open_artifact(attempt, name, type_word(name, artifact_type), extras), name)


class ArtifactWriter:
    """An artifact that is being written in async code: see `open_artifact`.

    >>> async with upnext.open_artifact("train.log") as log:
    ...     await log.write("epoch 1: 0.71\\n")
    ...     await log.write(b"epoch 2: 0.62\\n")
    >>> log.artifact.size_bytes
    28
    """

    def __init__(self, opening: _bridge.Work[_bridge.ArtifactWriter], name: str) -> None:
        self._opening = opening
        self._name = name
        self._writer: _bridge.ArtifactWriter | None = None
        self._artifact: Artifact | None = None

    @property
    def artifact(self) -> Artifact:
        """Its record: while it is written as it was at the beginning, after the block the final one."""
        if self._artifact is None:
            raise ValueError(f"artifact {self._name!r} is not open: use `async with open_artifact(...)`")
        return self._artifact

    async def write(self, data: str | ReadableBuffer) -> int:
        """Adds bytes, or text as UTF-8, and gives the length of `data`. They are durable and visible a moment later,
        or after `flush`. Raises `ArtifactError` when there are too many, or storage fails."""
        raw, length = encoded(self._name, data)
        await done_for_good(self._open().write(raw))
        return length

    async def flush(self) -> None:
        """Returns when everything written so far is durable, and visible to readers.

        >>> async with upnext.open_artifact("train.log") as log:
        ...     await log.write("epoch 1: 0.71")
        ...     await log.flush()
        """
        await done_for_good(self._open().flush())

    def _open(self) -> _bridge.ArtifactWriter:
        if self._writer is None:
            raise ValueError(f"artifact {self._name!r} is not open for writing")
        return self._writer

    async def __aenter__(self) -> Self:
        self._writer = await done(self._opening)
        self._artifact = artifact_of(self._writer.record())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        writer, self._writer = self._open(), None
        try:
            if error is None:
                self._artifact = artifact_of(await done_for_good(writer.close()))
            else:
                # The block's own exception is the news.
                with contextlib.suppress(ArtifactError, BackendError):
                    await done_for_good(writer.flush())
        finally:
            writer.release()


def encoded(name: str, data: str | ReadableBuffer) -> tuple[bytes, int]:
    """`data` as bytes, and its own length."""
    if isinstance(data, str):
        check_text(data, f"artifact {name!r}: a text written to it")
        return data.encode(), len(data)
    if isinstance(data, bytes):
        return data, len(data)
    try:
        raw = memoryview(data).tobytes()
    except TypeError:
        raise TypeError(
            f"artifact {name!r}: what is written to it is bytes or str, not {type(data).__qualname__}"
        ) from None
    return raw, len(raw)
