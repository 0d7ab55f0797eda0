"""What people say about an artifact beside its data: description, tags, metadata, and how long it is kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import EllipsisType
from typing import TYPE_CHECKING, Any, TypeAlias

from upnext import _json, _rich_json
from upnext._errors import InvalidArtifactError

if TYPE_CHECKING:
    from upnext._bridge import Attempt

#: How long an artifact is kept: seconds or a timedelta from now, None for as long as its job, `...` for the usual.
Lifetime: TypeAlias = float | timedelta | EllipsisType | None

#: description, tags, metadata as JSON, seconds until it expires, key, sha256.
Extras: TypeAlias = tuple[str | None, list[str], str | None, float | None, str | None, str | None]

#: What expires later than this is as good as kept.
_LONGEST = timedelta(days=36_525)


def extras_of(
    attempt: Attempt,
    name: str,
    description: str | None,
    tags: Iterable[str] | None,
    metadata: Mapping[str, Any] | None,
    expires_in: Lifetime,
    key: str | None = None,
    sha256: str | None = None,
) -> Extras | None:
    """All of it as the bridge takes it; None if there is nothing."""
    seconds = attempt.artifact_ttl if expires_in is ... else lifetime_of(name, expires_in)
    if all(part is None for part in (seconds, description, tags, metadata, key, sha256)):
        return None
    return (
        description_of(name, description),
        [] if tags is None else tags_of(name, tags),
        None if metadata is None else metadata_of(name, metadata),
        seconds,
        _text(name, key, "key"),
        _text(name, sha256, "sha256"),
    )


def description_of(name: str, description: object) -> str | None:
    """A description that can be kept."""
    return _text(name, description, "description")


def tags_of(name: str, tags: Iterable[str]) -> list[str]:
    """Tags that can be kept."""
    if isinstance(tags, str | bytes | Mapping) or not isinstance(tags, Iterable):
        raise InvalidArtifactError(f"artifact {name!r}: tags are given as a list of str, not as {tags!r}")
    listed: list[object] = list(tags)
    for tag in listed:
        if not isinstance(tag, str):
            raise InvalidArtifactError(f"artifact {name!r}: a tag is a str, not {tag!r}")
        check_text(tag, f"artifact {name!r}: its tag")
    return [str(tag) for tag in listed]


def metadata_of(name: str, metadata: object) -> str:
    """Metadata as JSON."""
    if not isinstance(metadata, Mapping):
        raise InvalidArtifactError(f"artifact {name!r}: metadata is a dict, not {type(metadata).__qualname__}")
    try:
        return _rich_json.encode_rich(metadata, "metadata")
    except _json.NotSerializableError as error:
        raise InvalidArtifactError(f"artifact {name!r}: {error}") from None


def lifetime_of(name: str, expires_in: object) -> float | None:
    """Seconds until an artifact expires."""
    try:
        return None if expires_in is None else seconds_of(expires_in, "expires_in")
    except ValueError as error:
        raise InvalidArtifactError(f"artifact {name!r}: {error}: None keeps it as long as its job") from None


def seconds_of(value: object, what: str) -> float:
    """A length of time above 0 and below a hundred years, in seconds; `ValueError` for anything else."""
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        seconds = math.nan
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise ValueError(
            f"{what} is a number of seconds or a timedelta, more than 0 and at most 100 years, not {value!r}"
        )
    return seconds


def _text(name: str, text: object, what: str) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise InvalidArtifactError(f"artifact {name!r}: {what} is a str, not {type(text).__qualname__}")
    check_text(text, f"artifact {name!r}: its {what}")
    return text


def check_text(text: str, what: str) -> None:
    """Raises `InvalidArtifactError` for a text that UTF-8 cannot carry."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidArtifactError(
            f"{what} holds the lone surrogate U+{ord(text[error.start]):04X} at character {error.start}, "
            "which UTF-8 cannot carry"
        ) from None
