"""The types of what an artifact can be made of. Nothing of them exists at run time: see `_convert`.

>>> def rows_of(data: upnext.ArtifactData) -> upnext.ArtifactData:
...     return {"rows": data}
>>> (await upnext.create_artifact("rows.json", rows_of([1, 2]))).size_bytes
14
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import Field
from typing import IO, Any, ClassVar, Protocol, TypeAlias


class Dataclass(Protocol):
    """An instance of a dataclass: JSON."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Model(Protocol):
    """An instance of a pydantic model: JSON."""

    def model_dump_json(self) -> str:
        """The model as JSON."""
        ...


class ArrowTable(Protocol):
    """A table of pandas, polars or pyarrow: CSV, or what the name says."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any: ...


class ShowsBundle(Protocol):
    """An object that shows itself in several media types: the richest of them."""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any: ...


class ShowsHtml(Protocol):
    """An object that shows itself as HTML, like the figures of matplotlib and plotly (which are better known)."""

    def _repr_html_(self) -> Any: ...


class ShowsPng(Protocol):
    """An object that shows itself as PNG, like the images of PIL."""

    def _repr_png_(self) -> Any: ...


class ShowsSvg(Protocol):
    """An object that shows itself as SVG."""

    def _repr_svg_(self) -> Any: ...


class SharesMemory(Protocol):
    """An object that shares its memory, like `array.array`: its bytes."""

    def __buffer__(self, flags: int, /) -> memoryview: ...


class NumpyArray(Protocol):
    """An array of numpy: NPY, CSV or JSON as the name says; one of single bytes is those bytes."""

    def __array__(self) -> Any: ...


#: What an artifact can be made of.
ArtifactData: TypeAlias = (
    str
    | dict[str, Any]
    | list[Any]
    | bytes
    | bytearray
    | memoryview
    | SharesMemory
    | os.PathLike[str]
    | IO[bytes]
    | Iterator[bytes]
    | AsyncIterator[bytes]
    | Dataclass
    | Model
    | ArrowTable
    | NumpyArray
    | ShowsBundle
    | ShowsHtml
    | ShowsPng
    | ShowsSvg
)
