"""Artifacts that sync code writes piece by piece, as files."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, cast, overload

from upnext import _bridge
from upnext._artifact import Artifact, artifact_of
from upnext._artifact_labels import Lifetime, extras_of
from upnext._artifact_type import checked_name, type_word
from upnext._artifact_writer import encoded
from upnext._context import current_attempt
from upnext._errors import ArtifactError, BackendError
from upnext._types import ArtifactType
from upnext._work import refuse_in_loop

if TYPE_CHECKING:
    from types import TracebackType

    from _typeshed import ReadableBuffer
    from typing_extensions import Self


@overload
def open_artifact_sync(
    name: str,
    artifact_type: ArtifactType | str | None = None,
    *,
    mode: Literal["wb"] = "wb",
    description: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    expires_in: Lifetime = ...,
) -> ArtifactFile: ...


@overload
def open_artifact_sync(
    name: str,
    artifact_type: ArtifactType | str | None = None,
    *,
    mode: Literal["w"],
    description: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    expires_in: Lifetime = ...,
) -> ArtifactTextFile: ...


def open_artifact_sync(
    name: str,
    artifact_type: ArtifactType | str | None = None,
    *,
    mode: str = "wb",
    description: str | None = None,
    tags: Iterable[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    expires_in: Lifetime = ...,
) -> ArtifactFile | ArtifactTextFile:
    """`open_artifact` for sync tasks: a file that can be written.

    >>> with upnext.open_artifact_sync("train.log") as log:
    ...     print("epoch 1: 0.71", file=log)

    In the mode `"wb"` it is a binary file that takes text, too, as UTF-8. That serves `print`,
    `logging.StreamHandler`, `csv.writer`, `json.dump` and whatever writes bytes. In the mode `"w"` it is an
    `io.TextIOWrapper`, for code that insists on a text file. The end of the block or `close()` makes the artifact
    whole; then `log.artifact` is its final record. An exception in the block leaves it incomplete, and so does a file
    that nobody closes.
    """
    attempt = current_attempt("open_artifact_sync()")
    refuse_in_loop("open_artifact_sync()", "async with open_artifact(...)")
    if mode not in ("wb", "w"):
        raise ValueError(f"an artifact is opened with mode='wb' or mode='w', not {mode!r}")
    extras = extras_of(attempt, checked_name(name), description, tags, metadata, expires_in)
    writer = _bridge.open_artifact(attempt, name, type_word(name, artifact_type), extras).wait()
    file = ArtifactFile(writer, name)
    return file if mode == "wb" else ArtifactTextFile(file)


class ArtifactFile(io.BufferedIOBase):
    """An artifact that is being written: see `open_artifact_sync`. It takes bytes, and text as UTF-8.

    >>> with upnext.open_artifact_sync("train.log") as log:
    ...     log.write("epoch 1: 0.71\\n")
    14
    >>> log.artifact.status
    'available'
    """

    mode = "wb"

    def __init__(self, writer: _bridge.ArtifactWriter, name: str) -> None:
        super().__init__()
        self.name = name
        self._writer: _bridge.ArtifactWriter | None = writer
        self._artifact = artifact_of(writer.record())

    @property
    def artifact(self) -> Artifact:
        """Its record: while it is written as it was at the beginning, once it is closed the final one."""
        return self._artifact

    def write(self, data: str | ReadableBuffer, /) -> int:
        """Adds bytes or text, and gives the length of `data`. They are durable and visible a moment later, or after
        `flush`. Raises `ArtifactError` when there are too many, or storage fails."""
        raw, length = encoded(self.name, data)
        self._open().write(raw).wait()
        return length

    def flush(self) -> None:
        """Returns when everything written so far is durable, and visible to readers.

        >>> with upnext.open_artifact_sync("train.log") as log:
        ...     print("epoch 1: 0.71", file=log)
        ...     log.flush()
        """
        self._open().flush().wait()

    def close(self) -> None:
        """Makes the artifact whole. Raises `InvalidArtifactError` when its bytes break a rule of its type; it stays
        incomplete then. Closing again does nothing.

        >>> log = upnext.open_artifact_sync("train.log")
        >>> log.close()
        >>> log.closed, log.artifact.status
        (True, 'available')
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            self._artifact = artifact_of(writer.close().wait())
        finally:
            writer.release()

    def abandon(self) -> None:
        """Keeps what was written so far, and leaves the artifact incomplete.

        >>> log = upnext.open_artifact_sync("train.log")
        >>> log.abandon()
        >>> log.closed
        True
        """
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            # Whatever made the caller give up is the news.
            with contextlib.suppress(ArtifactError, BackendError):
                writer.flush().wait()
        finally:
            writer.release()

    def writable(self) -> bool:
        """True."""
        return True

    @property
    def closed(self) -> bool:
        """True once nothing can be written any more."""
        return self._writer is None

    def _open(self) -> _bridge.ArtifactWriter:
        if self._writer is None:
            raise ValueError(f"artifact {self.name!r} is not open for writing")
        return self._writer

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def __del__(self) -> None:
        # A file that is only forgotten was not finished: the usual way of files, to close it now, would call it whole.
        writer = getattr(self, "_writer", None)
        if writer is not None:
            writer.release()


class ArtifactTextFile(io.TextIOWrapper):
    """An artifact that is being written as a text file: see `open_artifact_sync`.

    >>> with upnext.open_artifact_sync("table.csv", mode="w") as table:
    ...     csv.writer(table).writerow(["name", "rows"])
    11
    >>> table.artifact.name
    'table.csv'
    """

    def __init__(self, file: ArtifactFile) -> None:
        # Written through, so that nothing waits here for more to come.
        super().__init__(cast("io.BytesIO", file), encoding="utf-8", newline="", write_through=True)
        self._file = file

    @property
    def artifact(self) -> Artifact:
        """Its record: while it is written as it was at the beginning, once it is closed the final one."""
        return self._file.artifact

    def abandon(self) -> None:
        """Keeps what was written so far, and leaves the artifact incomplete.

        >>> table = upnext.open_artifact_sync("table.csv", mode="w")
        >>> table.abandon()
        """
        self._file.abandon()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()

    def __del__(self) -> None:
        """Does not close it: see `ArtifactFile`."""
