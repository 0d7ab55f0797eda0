"""Names and types of artifacts, as far as they are checked before Rust sees them."""

from __future__ import annotations

from upnext._artifact_labels import check_text
from upnext._errors import InvalidArtifactError


def checked_name(name: object) -> str:
    """A name that can be handed on."""
    if not isinstance(name, str):
        raise InvalidArtifactError(f"an artifact's name is a str, not {type(name).__qualname__}")
    check_text(name, "its name")
    return name


def type_word(name: str, artifact_type: object) -> str | None:
    """The word of a type: that of a member of `ArtifactType`, or a media type."""
    if artifact_type is None:
        return None
    if not isinstance(artifact_type, str):
        raise InvalidArtifactError(
            f"artifact {name!r}: its type is a member of ArtifactType or a media type such as 'text/markdown', "
            f"not {artifact_type!r}"
        )
    word = str(artifact_type)
    check_text(word, f"artifact {name!r}: its type")
    return word
