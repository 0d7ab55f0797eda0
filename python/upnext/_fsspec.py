"""`upnext://`: artifacts as files for whatever opens its files with fsspec (pandas, polars, dask, ...). Read only.

    upnext://JOB_ID/NAME            the newest artifact of that name in a job
    upnext://artifact/ARTIFACT_ID   one artifact
    upnext://latest/FUNCTION/NAME   the newest artifact of that name in any job of a task, if possible a whole one

Slashes in names are folders. A slash in a task's key is written `%2F`. fsspec is no dependency: it
alone imports this module, by the entry point `fsspec.specs`.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast
from urllib.parse import quote, unquote

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem  # type: ignore[import-untyped,unused-ignore]

if TYPE_CHECKING:
    from upnext._artifact import Artifact

#: What one listing holds at most: fsspec has no pages.
_LISTED = 10_000

#: Among so many the newest artifact of a task that is whole is looked for.
_NEWEST = 50


class Reading(Protocol):
    """All that this module asks of the rest: what `upnext._reading` offers."""

    def find_artifact_sync(self, artifact_id: str) -> Artifact:
        """The artifact with this id; `LookupError` if there is none."""
        ...

    def list_artifacts_sync(
        self, *, job_id: str | None = None, name: str | None = None, function: str | None = None, limit: int = 100
    ) -> list[Artifact]:
        """The newest versions of artifacts, the newest first, whose job, name and task are exactly these."""
        ...

    def read_bytes_sync(self, artifact: Artifact, start: int, end: int) -> bytes:
        """The bytes from `start` up to, without, `end`."""
        ...


class UpNextFileSystem(AbstractFileSystem):  # type: ignore[misc,unused-ignore]
    """Artifacts as files."""

    protocol = "upnext"
    root_marker = ""

    def __init__(self, reading: Reading | None = None, **storage_options: Any) -> None:
        # Artifacts come at any time; a listing that is kept would hide them.
        super().__init__(reading=reading, use_listings_cache=False, **storage_options)
        self._reading = cast("Reading", import_module("upnext._reading")) if reading is None else reading

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """One file or folder."""
        path = self._strip_protocol(path)
        artifact = self._artifact(path)
        if artifact is not None:
            return _file(path, artifact)
        if path not in ("", "artifact", "latest") and not self._children(path):
            raise FileNotFoundError(f"there is no artifact upnext://{path}, and none below it")
        return _folder(path)

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """What is in a folder; of a file, itself."""
        path = self._strip_protocol(path)
        if path == "latest":
            raise FileNotFoundError(
                "upnext://latest lists the artifacts of one task: name it, upnext://latest/FUNCTION"
            )
        entries = self._children(path)
        if not entries and path not in ("", "artifact"):
            entries = [self.info(path)]
        return entries if detail else [entry["name"] for entry in entries]

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """The bytes of a file, or the part of them that a slice with these ends has."""
        artifact = self._opened(self._strip_protocol(path))
        first, last, _step = slice(start, end).indices(artifact.size_bytes)
        return self._reading.read_bytes_sync(artifact, first, last) if first < last else b""

    def created(self, path: str) -> datetime:
        """When the artifact was made."""
        return self._opened(self._strip_protocol(path)).created_at

    # What is made is never changed: a new version is a new artifact.
    modified = created

    def ukey(self, path: str) -> str:
        """The digest of the bytes, which changes exactly when they do. What is still written has none."""
        artifact = self._opened(self._strip_protocol(path))
        return artifact.sha256 or f"{artifact.id}/{artifact.size_bytes}"

    def _open(self, path: str, mode: str = "rb", block_size: int | None = None, **more: Any) -> ArtifactFile:
        if mode != "rb":
            _refuse_to_write()
        return ArtifactFile(self, path, self._opened(path), self._reading, block_size=block_size, **more)

    def _opened(self, path: str) -> Artifact:
        artifact = self._artifact(path)
        if artifact is None:
            info = self.info(path)
            raise IsADirectoryError(f"upnext://{info['name']} is a folder of artifacts")
        return artifact

    def _artifact(self, path: str) -> Artifact | None:
        """The artifact that stands at exactly this path."""
        head, _, rest = path.partition("/")
        if not rest:
            return None
        if head == "artifact":
            try:
                return self._reading.find_artifact_sync(rest)
            except LookupError:
                return None
        if head != "latest":
            return _first(self._reading.list_artifacts_sync(job_id=head, name=rest, limit=1))
        function, _, name = rest.partition("/")
        if not name:
            return None
        newest = self._reading.list_artifacts_sync(function=unquote(function), name=name, limit=_NEWEST)
        # As `get_artifact`: one that is half written hides none that is whole.
        return _first([artifact for artifact in newest if artifact.sha256 is not None] or newest)

    def _children(self, path: str) -> list[dict[str, Any]]:
        """The files and folders right below a path."""
        head, _, rest = path.partition("/")
        if not head:
            artifacts = self._reading.list_artifacts_sync(limit=_LISTED)
            return [_folder(job_id) for job_id in dict.fromkeys(artifact.job_id for artifact in artifacts)]
        if head == "artifact":
            artifacts = [] if rest else self._reading.list_artifacts_sync(limit=_LISTED)
            return [_file(f"artifact/{artifact.id}", artifact) for artifact in artifacts]
        if head != "latest":
            return _tree(head, rest, self._reading.list_artifacts_sync(job_id=head, limit=_LISTED))
        function, _, below = rest.partition("/")
        if not function:
            return []
        artifacts = self._reading.list_artifacts_sync(function=unquote(function), limit=_LISTED)
        return _tree(f"latest/{quote(unquote(function), safe='')}", below, artifacts)

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> NoReturn:  # noqa: ARG002 - fsspec's names
        """Refused: this is read only."""
        _refuse_to_write()

    def makedirs(self, path: str, exist_ok: bool = False) -> NoReturn:  # noqa: ARG002 - fsspec's names
        """Refused: this is read only."""
        _refuse_to_write()

    def rm_file(self, path: str) -> NoReturn:  # noqa: ARG002 - fsspec's names
        """Refused: this is read only."""
        _refuse_to_write()

    def cp_file(self, path1: str, path2: str, **_: Any) -> NoReturn:  # noqa: ARG002 - fsspec's names
        """Refused: this is read only."""
        _refuse_to_write()


class ArtifactFile(AbstractBufferedFile):  # type: ignore[misc,unused-ignore]
    """An open artifact: the one that was found when it was opened, whatever is made afterwards."""

    def __init__(
        self, fs: UpNextFileSystem, path: str, artifact: Artifact, reading: Reading, block_size: int | None, **more: Any
    ) -> None:
        self._artifact = artifact
        self._reading = reading
        super().__init__(fs, path, mode="rb", block_size=block_size, size=artifact.size_bytes, **more)
        self.details = _file(path, artifact)

    def _fetch_range(self, start: int, end: int) -> bytes:
        end = min(end, self._artifact.size_bytes)
        return self._reading.read_bytes_sync(self._artifact, start, end) if start < end else b""


def _refuse_to_write() -> NoReturn:
    raise OSError(errno.EROFS, "upnext:// is read only: make artifacts with upnext.create_artifact() in a job")


def _first(artifacts: list[Artifact]) -> Artifact | None:
    return artifacts[0] if artifacts else None


def _file(path: str, artifact: Artifact) -> dict[str, Any]:
    return {
        "name": path,
        "size": artifact.size_bytes,
        "type": "file",
        "created": artifact.created_at,
        "ETag": artifact.sha256,
        "content_type": artifact.content_type,
        "id": artifact.id,
        "job_id": artifact.job_id,
    }


def _folder(path: str) -> dict[str, Any]:
    return {"name": path, "size": 0, "type": "directory"}


def _tree(root: str, below: str, artifacts: Iterable[Artifact]) -> list[dict[str, Any]]:
    """The entries of one folder among names with slashes, the newest first. Of one name the first artifact counts."""
    prefix = f"{below}/" if below else ""
    entries: dict[str, dict[str, Any]] = {}
    for artifact in artifacts:
        if not artifact.name.startswith(prefix):
            continue
        entry, slash, _ = artifact.name[len(prefix) :].partition("/")
        # A name may end in a slash, or hold two in a row: such artifacts are reached by their id.
        if not entry:
            continue
        path = f"{root}/{prefix}{entry}"
        if not slash:
            if entries.get(path, {}).get("type") != "file":
                entries[path] = _file(path, artifact)
        else:
            entries.setdefault(path, _folder(path))
    return list(entries.values())
