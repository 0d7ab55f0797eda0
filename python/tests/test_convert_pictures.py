"""Images of PIL, figures of matplotlib and plotly: written here, read back with the same libraries."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import threading
from importlib.machinery import ModuleSpec
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import plotly.graph_objects as go
import pytest
from matplotlib.figure import Figure
from PIL import Image
from test_convert import converted, read, refused

import upnext
from upnext._convert import convert, is_slow

WHITE = (255, 255, 255)


@pytest.fixture(autouse=True)
def drawn_without_a_screen() -> None:
    mpl.use("agg")


def opened(name: str, image: Image.Image, wanted: str | None = None) -> Image.Image:
    made = Image.open(io.BytesIO(read(converted(name, image, wanted))))
    made.load()
    return made


@pytest.mark.parametrize(
    ("name", "wanted", "written", "media_type"),
    [
        ("a", None, "PNG", "image/png"),
        ("a.png", None, "PNG", "image/png"),
        ("a.csv", None, "PNG", "image/png"),
        ("a.webp", None, "WEBP", "image/webp"),
        ("a.JPG", None, "JPEG", "image/jpeg"),
        ("a.jpeg", None, "JPEG", "image/jpeg"),
        ("a.gif", None, "GIF", "image/gif"),
        ("a.tiff", None, "TIFF", "image/tiff"),
        ("a.bmp", None, "BMP", "image/bmp"),
        ("a.png", "image/jpeg", "JPEG", "image/jpeg"),
        ("a.jpg", "file/binary", "JPEG", "file/binary"),
        ("a", "image/jpg", "JPEG", "image/jpg"),
    ],
)
def test_the_form_of_an_image(name: str, wanted: str | None, written: str, media_type: str) -> None:
    image = Image.new("RGB", (5, 3), "red")
    assert is_slow(image)
    made = converted(name, image, wanted)
    assert made.media_type == media_type
    back = Image.open(io.BytesIO(read(made)))
    assert (back.format, back.size) == (written, (5, 3))
    assert read(converted("a.pdf", image)).startswith(b"%PDF-")


def test_what_an_image_cannot_be() -> None:
    assert "a PIL image cannot be written as file/html, only as image/png (.png)" in refused(
        "a.png", Image.new("L", (1, 1)), "file/html"
    )
    message = refused("a.png", Image.new("RGB", (0, 0)))
    assert "a PIL image could not be written as image/png: " in message


@pytest.mark.parametrize(
    ("mode", "colour", "as_png", "as_jpeg"),
    [
        ("1", 1, ("1", 255), ("L", 255)),
        ("L", 100, ("L", 100), ("L", 100)),
        ("LA", (100, 255), ("LA", (100, 255)), ("RGB", (100, 100, 100))),
        ("LA", (100, 0), ("LA", (100, 0)), ("RGB", WHITE)),
        ("RGB", (0, 0, 200), ("RGB", (0, 0, 200)), ("RGB", (0, 0, 200))),
        ("RGBA", (0, 0, 200, 255), ("RGBA", (0, 0, 200, 255)), ("RGB", (0, 0, 200))),
        ("RGBA", (0, 0, 0, 0), ("RGBA", (0, 0, 0, 0)), ("RGB", WHITE)),
        ("RGBA", (0, 0, 0, 127), ("RGBA", (0, 0, 0, 127)), ("RGB", (128, 128, 128))),
        ("CMYK", (0, 0, 0, 255), ("RGB", (0, 0, 0)), ("CMYK", (0, 0, 0, 255))),
        ("YCbCr", (255, 128, 128), ("RGB", WHITE), ("RGB", WHITE)),
        ("HSV", (0, 0, 255), ("RGB", WHITE), ("RGB", WHITE)),
        ("I;16", 40_000, ("I;16", 40_000), ("L", 156)),
        ("I;16B", 40_000, ("I;16", 40_000), ("L", 156)),
        ("I", 40_000, ("I;16", 40_000), None),
        ("I", 200, ("I;16", 200), ("L", 200)),
        ("I", 70_000, None, None),
        ("I", -1, None, None),
        ("F", 0.5, None, None),
    ],
)
def test_modes_of_images(mode: str, colour: Any, as_png: Any, as_jpeg: Any) -> None:
    image = Image.new(mode, (8, 8), colour)
    for name, expected in (("a.png", as_png), ("a.jpg", as_jpeg)):
        if expected is None:
            assert f"mode {mode} has no fixed range" in refused(name, image)
            continue
        back = opened(name, image)
        assert back.mode == expected[0]
        found, wanted = back.getpixel((4, 4)), expected[1]
        pairs = zip(found, wanted, strict=True) if isinstance(found, tuple) else [(found, wanted)]
        assert all(abs(one - other) <= 3 for one, other in pairs), (found, wanted)
    assert (image.mode, image.getpixel((0, 0))) == (mode, Image.new(mode, (1, 1), colour).getpixel((0, 0)))


def test_an_image_with_a_palette() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([255, 0, 0, 0, 0, 200])
    assert opened("a.png", image).convert("RGB").getpixel((4, 4)) == (0, 0, 200)
    assert opened("a.png", image).mode == "P"
    red, green, blue = opened("a.jpg", image).getpixel((4, 4))  # type: ignore[misc]
    assert (red < 8, green < 8, blue > 190) == (True, True, True)
    image.info["transparency"] = 1
    assert opened("a.png", image).convert("RGBA").getpixel((4, 4)) == (0, 0, 200, 0)
    assert opened("a.webp", image).convert("RGBA").getpixel((4, 4))[3] == 0  # type: ignore[index]
    for name in ("a.jpg", "a.bmp"):
        assert opened(name, image).convert("RGB").getpixel((4, 4)) == WHITE


def test_wide_numbers_are_tiff_by_themselves() -> None:
    for mode, value in (("I", -70_000), ("F", 0.25)):
        made = converted("a", Image.new(mode, (2, 2), value))
        assert made.media_type == "image/tiff"
        back = Image.open(io.BytesIO(read(made)))
        assert (back.mode, back.getpixel((0, 0))) == (mode, value)


def test_an_animation_stays_one() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "green", "blue")]
    raw = io.BytesIO()
    frames[0].save(raw, "GIF", save_all=True, append_images=frames[1:], duration=50)
    animation = Image.open(raw)
    for name in ("a.gif", "a.webp"):
        assert Image.open(io.BytesIO(read(converted(name, animation)))).n_frames == 3  # type: ignore[attr-defined]
    assert opened("a.jpg", animation).size == (4, 4)


def test_a_large_image_waits_in_a_temporary_file() -> None:
    noise = Image.effect_noise((1500, 1500), 90)
    made = converted("a.bmp", noise)
    assert not isinstance(made.content, bytes)
    assert Image.open(io.BytesIO(read(made))).tobytes() == noise.tobytes()


def figure() -> Figure:
    made = Figure(figsize=(2, 1), dpi=50)
    made.add_subplot().plot([1, 2, 3], label="größe")
    return made


@pytest.mark.parametrize(
    ("name", "wanted", "media_type", "magic"),
    [
        ("plot", None, "image/png", b"\x89PNG"),
        ("plot.csv", None, "image/png", b"\x89PNG"),
        ("plot.svg", None, "image/svg", b"<?xml"),
        ("plot.pdf", None, "file/pdf", b"%PDF"),
        ("plot.jpg", None, "image/jpeg", b"\xff\xd8\xff"),
        ("plot.webp", None, "image/webp", b"RIFF"),
        ("plot.svg", "image/png", "image/png", b"\x89PNG"),
        ("plot", "image/svg+xml", "image/svg+xml", b"<?xml"),
    ],
)
def test_figures_of_matplotlib(name: str, wanted: str | None, media_type: str, magic: bytes) -> None:
    whole = figure()
    assert is_slow(whole)
    for data in (whole, whole.axes[0], whole.subfigures()):
        made = converted(name, data, wanted)
        assert made.media_type == media_type
        assert read(made).startswith(magic)


def test_a_figure_is_as_large_as_it_says() -> None:
    assert Image.open(io.BytesIO(read(converted("a.png", figure())))).size == (100, 50)


def test_figures_of_pyplot_open_and_closed() -> None:
    made, axes = plt.subplots()
    other = plt.figure()
    canvas = made.canvas
    assert read(converted("a", axes)).startswith(b"\x89PNG")
    assert plt.gcf() is other
    assert plt.get_fignums() == [made.number, other.number]
    assert made.canvas is canvas
    plt.close("all")
    assert read(converted("a.svg", made)).startswith(b"<?xml")
    assert plt.get_fignums() == []


def test_what_a_figure_cannot_be() -> None:
    message = refused("a.png", figure(), "file/csv")
    assert "a matplotlib Figure cannot be written as file/csv, only as image/png (.png)" in message
    axes = figure().axes[0]
    axes.remove()
    assert "the matplotlib Axes belongs to no figure any more" in refused("a", axes)
    broken = figure()
    broken.suptitle("$\\nonsense$")
    with pytest.raises(upnext.InvalidArtifactError, match="could not be written as image/png: ") as caught:
        convert("a", broken, None)
    assert isinstance(caught.value.__cause__, ValueError)


def test_figures_in_many_threads() -> None:
    made: list[bytes] = []
    threads = [threading.Thread(target=lambda: made.append(read(converted("a", figure())))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [read(converted("a", figure()))] * 6


PROGRAM = """
import sys
from matplotlib.figure import Figure
from upnext._convert import convert
figure = Figure()
figure.add_subplot().plot([1])
convert("a.png", figure, None)
print("matplotlib.pyplot" in sys.modules, "pandas" in sys.modules)
"""


def test_pyplot_is_not_needed() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_figures_of_plotly() -> None:
    chart = go.Figure(go.Bar(x=["a", "ü"], y=[1, 2]))
    assert is_slow(chart)
    for name, wanted in (("chart", None), ("chart.html", None), ("chart.csv", None), ("chart.json", "text/html")):
        made = converted(name, chart, wanted)
        assert made.media_type == (wanted or "file/html")
        assert read(made)[:300].lstrip().startswith(b"<")
        assert b"Plotly.newPlot" in read(made)
    for name, wanted in (("chart.json", None), ("chart", "application/vnd.plotly.v1+json")):
        made = converted(name, chart, wanted)
        assert made.media_type == (wanted or "json")
        assert isinstance(made.content, str)
        assert go.Figure(json.loads(made.content)) == chart


def test_pictures_of_plotly_need_kaleido(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = go.Figure()
    for known in (None, ModuleSpec("kaleido", None)):
        monkeypatch.setattr(importlib.util, "find_spec", lambda _, known=known: known)
        monkeypatch.setattr(go.Figure, "to_image", lambda _, **form: f"drawn as {form['format']}".encode())
        for name, wanted in (("chart.png", None), ("chart", "image/png")):
            if known is None:
                assert "a plotly figure needs kaleido to become a picture: `pip install kaleido`" in refused(
                    name, chart, wanted
                )
            else:
                assert read(converted(name, chart, wanted)) == b"drawn as png"
