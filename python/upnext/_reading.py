"""Reading artifacts as `_fsspec` does: in whatever thread asks, even one with a running loop, because libraries open
their files without asking where they are."""

from __future__ import annotations

from upnext import _bridge
from upnext._artifact import Artifact, artifact_of
from upnext._artifact_search import every_artifact
from upnext._context import current
from upnext._errors import ArtifactNotFoundError
from upnext._work import connection_here


def find_artifact_sync(artifact_id: str) -> Artifact:
    """The artifact with this id; `LookupError` if there is none."""
    record = _bridge.find_artifact(connection_here(), artifact_id).wait()
    if record is None:
        raise ArtifactNotFoundError(f"there is no artifact {artifact_id}")
    return artifact_of(record)


def list_artifacts_sync(
    *, job_id: str | None = None, name: str | None = None, function: str | None = None, limit: int = 100
) -> list[Artifact]:
    """The newest versions of artifacts, the newest first, whose job, name and task are exactly these."""
    if job_id is not None and not _bridge.is_job_id(job_id):
        return []
    return list(every_artifact("-created_at", limit, job=job_id, name=name, function=function))


def read_bytes_sync(artifact: Artifact, start: int, end: int) -> bytes:
    """The bytes from `start` up to, without, `end`."""
    reader = artifact.handle().open(current.get()).wait()
    pieces = []
    while start < end and (piece := reader.read(start, end - start).wait()):
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)
