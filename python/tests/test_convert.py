"""What data may be: bytes of any kind, streams, models, objects that show themselves, and what is refused."""

from __future__ import annotations

import array
import asyncio
import base64
import dataclasses
import datetime as dt
import io
import json
import mmap
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest
from harness import running

import upnext
from upnext._convert import Converted, convert, is_slow

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def converted(name: str, data: object, wanted: str | None = None) -> Converted:
    made = convert(name, data, wanted)
    assert made is not None
    return made


def read(made: Converted) -> bytes:
    content: Any = made.content
    return content if isinstance(content, bytes) else content.read()


def refused(name: str, data: object, wanted: str | None = None) -> str:
    with pytest.raises(upnext.InvalidArtifactError) as caught:
        convert(name, data, wanted)
    assert str(caught.value).startswith(f"artifact {name!r}: ")
    return str(caught.value)


def pieces() -> Iterator[bytes]:
    yield PNG


async def pieces_async() -> AsyncIterator[bytes]:
    yield PNG


@pytest.mark.parametrize("wanted", [None, "image/png", "video/mp4"])
def test_what_is_passed_on_as_it_is(tmp_path: Path, wanted: str | None) -> None:
    path = tmp_path / "file"
    path.write_bytes(PNG)
    async_pieces = pieces_async()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for given in ("text", PNG, path, file, io.BytesIO(PNG), mapped, pieces(), iter([PNG]), async_pieces):
            assert not is_slow(given)
            made = converted("a", given, wanted)
            assert made == Converted(given, wanted)  # type: ignore[arg-type]


def test_a_path_of_another_kind() -> None:
    class Somewhere:
        def __fspath__(self) -> str:
            return "/somewhere"

    assert converted("a", Somewhere()).content == Path("/somewhere")


@pytest.mark.parametrize(
    "data",
    [
        bytearray(b"\x01\x02\x03\x04"),
        memoryview(b"\x01\x02\x03\x04"),
        memoryview(b"\x01-\x02-\x03-\x04-")[::2],
        array.array("B", [1, 2, 3, 4]),
        array.array("H", [0x0201, 0x0403]),
        np.array([1, 2, 3, 4], dtype="u1"),
    ],
)
def test_whatever_shares_its_memory_is_bytes(data: object) -> None:
    assert not is_slow(data) or isinstance(data, np.ndarray)
    assert converted("a", data, "image/png") == Converted(b"\x01\x02\x03\x04", "image/png")
    assert converted("a.bin", data) == Converted(b"\x01\x02\x03\x04", None)


@pytest.mark.parametrize(
    "data", [7, None, 1.5, True, {1, 2}, (1, 2), object(), print, pieces, np.float64(1), np.int8(1)]
)
def test_what_is_no_data(data: object) -> None:
    assert convert("a.json", data, None) is None
    assert not is_slow(data)


def test_a_file_open_as_text_is_refused() -> None:
    with tempfile.NamedTemporaryFile("w+") as named, open(named.name) as opened:  # noqa: PTH123 - what people write
        for data in (named, opened, io.StringIO("text")):
            assert "open it in binary mode" in refused("a", data)


class Colour(Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: float
    colour: Colour = Colour.RED


class Report(pydantic.BaseModel):
    name: str
    at: dt.datetime
    points: list[Point] = []


NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.timezone.utc)
REPORT = Report(name="größe", at=NOON, points=[Point(1.5)])
REPORT_JSON = {"name": "größe", "at": "2026-01-02T12:00:00Z", "points": [{"x": 1.5, "colour": "red"}]}


@pytest.mark.parametrize("name", ["a", "a.json", "a.csv", "a.txt"])
@pytest.mark.parametrize("wanted", [None, "json", "application/json", "application/vnd.report+json"])
def test_models_and_dataclasses_are_json(name: str, wanted: str | None) -> None:
    for data, expected in (
        (REPORT, REPORT_JSON),
        (Point(2), {"x": 2, "colour": "red"}),
        ({"reports": [REPORT]}, {"reports": [REPORT_JSON]}),
        ([Point(1), {"at": Point(2)}], [{"x": 1, "colour": "red"}, {"at": {"x": 2, "colour": "red"}}]),
    ):
        made = converted(name, data, wanted)
        assert isinstance(made.content, str)
        assert json.loads(made.content) == expected
        assert made.media_type == (wanted or "json")


def test_the_place_of_what_json_cannot_carry_is_told() -> None:
    for wanted in (None, "json", "application/json"):
        assert "data.rows[0] is a bytes, which JSON cannot carry" in refused("a", {"rows": [b"x"]}, wanted)
        assert "data.x is nan, and JSON has no such number" in refused("a", Point(float("nan")), wanted)


def test_models_cannot_be_anything_else() -> None:
    for data, what in (({}, "a dict"), ([], "a list"), (REPORT, "Report"), (Point(1), "Point")):
        message = refused("a.png", data, "image/png")
        assert f"{what} cannot be written as image/png, only as json (.json)" in message


def test_a_model_of_pydantic_1_says_so() -> None:
    old = type("BaseModel", (), {"__module__": "pydantic.v1.main"})
    assert "pydantic 1" in refused("a", type("Old", (old,), {})())


def test_a_class_is_not_its_instance() -> None:
    for kind in (Report, Point, Colour, np.ndarray, dict):
        assert f"its data is the class {kind.__qualname__}, not an instance of it" in refused("a", kind)


def test_a_dataclass_that_shows_itself_is_drawn_when_asked() -> None:
    @dataclasses.dataclass
    class Chart:
        title: str

        def _repr_png_(self) -> bytes:
            return PNG

    assert converted("a", Chart("t")) == Converted('{"title":"t"}', "json")
    assert converted("a.png", Chart("t")) == Converted(PNG, "image/png")
    assert converted("a", Chart("t"), "image/png") == Converted(PNG, "image/png")


PLANE = "<svg xmlns='http://www.w3.org/2000/svg'/>"


class Shown:
    """An object that shows itself in the ways it is given."""

    def __init__(self, **shown: Any) -> None:
        self._shown = shown


def showing(**shown: Any) -> Shown:
    """Each keyword is a method: its value is what it gives, or what it raises."""

    def method(value: Any) -> Callable[..., Any]:
        def show(self: Shown) -> Any:
            if isinstance(value, BaseException):
                raise value
            return value

        return show

    return type("Thing", (Shown,), {f"_repr_{kind}_": method(value) for kind, value in shown.items()})()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("kind", "value", "media_type", "stored"),
    [
        ("png", PNG, "image/png", PNG),
        ("png", base64.encodebytes(PNG).decode(), "image/png", PNG),
        ("png", (PNG, {"width": 7}), "image/png", PNG),
        ("jpeg", b"\xff\xd8\xff", "image/jpeg", b"\xff\xd8\xff"),
        ("svg", PLANE, "image/svg", PLANE.encode()),
        ("pdf", b"%PDF-", "file/pdf", b"%PDF-"),
        ("html", "<b>ü</b>", "file/html", '<!doctype html>\n<meta charset="utf-8">\n<b>ü</b>'.encode()),
        ("html", "<!DOCTYPE html><p>ü", "file/html", "<!DOCTYPE html><p>ü".encode()),
        ("markdown", "# ü", "text/markdown", "# ü".encode()),
        ("latex", "$x$", "text/latex", b"$x$"),
        ("json", {"a": [NOON]}, "json", '{"a":["2026-01-02T12:00:00Z"]}'),
        ("json", '{"a": 1}', "json", '{"a": 1}'),
    ],
)
def test_each_way_to_show_oneself(kind: str, value: Any, media_type: str, stored: Any) -> None:
    thing = showing(**{kind: value})
    assert is_slow(thing)
    assert converted("a", thing) == Converted(stored, media_type)
    assert converted("a", thing, media_type) == Converted(stored, media_type)


def test_the_type_then_the_name_then_the_richest_is_shown() -> None:
    thing = showing(html="<html>", svg=PLANE, markdown="# a", png=None)
    assert converted("a.md", thing, "text/html") == Converted(b"<html>", "text/html")
    assert converted("a.md", thing) == Converted(b"# a", "text/markdown")
    assert converted("a", thing) == Converted(PLANE.encode(), "image/svg")
    # A name that nothing can follow leaves the choice to the object.
    assert converted("a.csv", thing) == Converted(PLANE.encode(), "image/svg")
    assert "gave nothing for the type image/png" in refused("a", thing, "image/png")
    assert "only as image/png (.png), image/svg (.svg), file/html (.html), text/markdown (.md)" in refused(
        "a", thing, "file/csv"
    )


def test_nothing_shown_is_not_stored() -> None:
    assert "gave nothing to store" in refused("a", showing(html=None, png=NotImplementedError()))
    assert "gave nothing for the type file/html" in refused("a", showing(html=None), "file/html")


def test_what_an_object_raises_while_showing_itself_is_told() -> None:
    error = KeyError("column")
    for thing in (showing(html=error), type("T", (), {"_repr_mimebundle_": lambda self, **_: 1 / 0})()):
        message = refused("a.html", thing)
        assert "could not be" in message
        assert "KeyError: 'column'" in message or "ZeroDivisionError: division by zero" in message
    with pytest.raises(upnext.InvalidArtifactError) as caught:
        convert("a", showing(html=error), None)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("value", "message"), [("####", "that is not base64"), (7, "_repr_png_ gave an int for image/png")]
)
def test_what_is_shown_must_fit_its_form(value: Any, message: str) -> None:
    assert message in refused("a", showing(png=value))


def bundle(shown: Any) -> Any:
    def show(self: object, include: Any = None, exclude: Any = None) -> Any:
        return shown

    return type("Bundle", (), {"_repr_mimebundle_": show})()


def test_a_mime_bundle() -> None:
    shown = {
        "text/plain": "Chart",
        "image/png": base64.b64encode(PNG).decode(),
        "text/html": ["<html>", "</html>"],
        "application/vnd.vega.v5+json": {"marks": []},
        "image/svg+xml": None,
    }
    for given in (bundle(shown), bundle((shown, {"image/png": {"width": 7}}))):
        assert converted("a", given) == Converted(PNG, "image/png")
        assert converted("a.html", given) == Converted(b"<html></html>", "file/html")
        assert converted("a.txt", given) == Converted(b"Chart", "text")
        assert converted("a", given, "text") == Converted(b"Chart", "text")
        vega = "application/vnd.vega.v5+json"
        assert converted("a", given, vega) == Converted('{"marks":[]}', vega)
        assert "gave nothing for the type image/svg" in refused("a", given, "image/svg")
    vega_only = bundle({"text/plain": "Chart", "application/vnd.vega.v5+json": {"marks": []}})
    assert converted("a", vega_only) == Converted('{"marks":[]}', "application/vnd.vega.v5+json")
    assert converted("a", bundle({"text/plain": "ü"})) == Converted("ü".encode(), "text")


def test_mime_bundles_that_hold_nothing() -> None:
    assert "gave nothing to store" in refused("a", bundle({}))
    assert "gave nothing to store" in refused("a", bundle(None))
    assert "gives a dict, not a list" in refused("a", bundle([1]))

    class WithMethod:
        def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
            raise NotImplementedError

        def _repr_svg_(self) -> str:
            return PLANE

    assert converted("a", WithMethod()) == Converted(PLANE.encode(), "image/svg")


def test_objects_that_answer_to_any_name_show_nothing() -> None:
    class Proxy:
        def __getattr__(self, name: str) -> Any:
            if name.startswith("_repr_"):
                return lambda: "a trap"
            raise AttributeError(name)

    assert convert("a", Proxy(), None) is None


def test_in_other_threads() -> None:
    made: list[Any] = []
    threads = [threading.Thread(target=lambda: made.append(converted("a", REPORT).content)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [json.loads(text) for text in made] == [REPORT_JSON] * 8


PLAIN_PROGRAM = """
import sys, upnext, dataclasses
from upnext._convert import convert, is_slow

class Html:
    def _repr_html_(self):
        return "<p>"

@dataclasses.dataclass
class Point:
    x: int

for data in ({"a": 1}, [1], "text", b"bytes", bytearray(b"b"), iter([b"b"]), Html(), Point(1), 7, memoryview(b"b")):
    is_slow(data)
    convert("a.parquet", data, None)
libraries = "numpy pandas polars pyarrow PIL matplotlib plotly pydantic kaleido fsspec tempfile"
print([library for library in libraries.split() if library in sys.modules])
"""


def test_no_library_is_imported_for_those_who_do_not_use_it() -> None:
    done = subprocess.run([sys.executable, "-c", PLAIN_PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_in_a_job(worker: upnext.Worker) -> None:
    given: list[tuple[str, Callable[[], object], str, str]] = [
        ("report", lambda: REPORT, "json", "application/json"),
        ("page", lambda: showing(html="<p>"), "file/html", "text/html"),
        ("rows.json", lambda: {"at": NOON, "sum": Decimal("1.10")}, "json", "application/json"),
        ("raw.bin", lambda: array.array("B", [1]), "file/binary", "application/octet-stream"),
    ]

    @worker.task
    async def in_async() -> list[tuple[str, str]]:
        made = [await upnext.create_artifact(name, data()) for name, data, *_ in given]  # type: ignore[arg-type]
        return [(artifact.type.value, artifact.content_type) for artifact in made]

    @worker.task
    def in_sync() -> list[tuple[str, str]]:
        made = [upnext.create_artifact_sync(name, data()) for name, data, *_ in given]  # type: ignore[arg-type]
        return [(artifact.type.value, artifact.content_type) for artifact in made]

    async def main() -> None:
        async with running(worker):
            for task in (in_async, in_sync):
                result = await task.wait(wait_timeout=20)
                assert result.value == [(kind, content_type) for _, _, kind, content_type in given]

    asyncio.run(main())
