"""Pictures: images of PIL, figures of matplotlib and plotly. Each library is reached through the object at hand."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Callable
from typing import IO, Any

from upnext._convert_forms import Content, RefusedFormError, Source
from upnext._convert_staging import staged

#: PIL's name of each form, and the modes that it writes as they are. Other modes are converted first.
_PIL_FORMS: dict[str, tuple[str, frozenset[str]]] = {
    "image/png": ("PNG", frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})),
    "image/jpeg": ("JPEG", frozenset({"1", "L", "RGB", "CMYK", "YCbCr"})),
    "image/webp": ("WEBP", frozenset({"RGB", "RGBA"})),
    "image/gif": ("GIF", frozenset({"1", "L", "P", "RGB", "RGBA"})),
    "image/tiff": ("TIFF", frozenset({"1", "L", "LA", "I", "I;16", "F", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB"})),
    "image/bmp": ("BMP", frozenset({"1", "L", "P", "RGB"})),
    "image/avif": ("AVIF", frozenset({"RGB", "RGBA"})),
    "file/pdf": ("PDF", frozenset({"1", "L", "P", "RGB", "CMYK"})),
}

#: Forms that hold all the pictures of an animation or a document.
_MANY = frozenset({"image/gif", "image/webp", "image/tiff", "image/avif", "file/pdf"})

#: What matplotlib calls the forms that it can draw.
_MATPLOTLIB_FORMS = {
    "image/png": "png",
    "image/svg": "svg",
    "file/pdf": "pdf",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
}

#: What plotly calls the forms that it draws with kaleido.
_KALEIDO_FORMS = {
    "image/png": "png",
    "image/svg": "svg",
    "file/pdf": "pdf",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
}


class _Drawing:
    """matplotlib draws one figure at a time: its settings and font caches are shared by all threads."""

    lock = threading.Lock()


def _forget_parent() -> None:
    # A thread of the parent may have been drawing while it forked.
    _Drawing.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_parent)


def from_pil(image: Any) -> Source:
    """A PIL image. PNG, unless the name says otherwise."""

    def written(form: str) -> Callable[[], Content]:
        return lambda: staged(lambda file: _write_image(image, form, file))

    # Wide numbers have no range that PNG could show, and TIFF takes them as they are.
    first = "image/tiff" if image.mode in ("I", "F") else "image/png"
    return Source("a PIL image", {form: written(form) for form in (first, *_PIL_FORMS)})


def _write_image(image: Any, form: str, file: IO[bytes]) -> None:
    encoder, modes = _PIL_FORMS[form]
    many = form in _MANY and getattr(image, "n_frames", 1) > 1
    unsaid = "RGBA" not in modes and image.has_transparency_data
    # The frames of one file may differ in mode, and its writers know how to go through them.
    picture = image if many or (image.mode in modes and not unsaid) else _in_mode(image, form, modes)
    options = {"save_all": True} if many else {}
    picture.save(file, format=encoder, **options)


def _in_mode(image: Any, form: str, modes: frozenset[str]) -> Any:
    """The image in a mode that the form has: transparency is kept where it can be, else laid on white."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        image = _in_few_bits(image.convert("I"), image.mode, form, modes)
        if image.mode in modes:
            return image
    elif image.mode == "F":
        raise _without_range(image, form)
    if image.mode == "I;16":
        # 16 bits become the upper 8 of them; PIL's own conversion would clip.
        image = image.point(lambda value: value * (1 / 256)).convert("L")
        return image if "L" in modes else image.convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        if "RGBA" in modes:
            return image
        white = image.copy()
        white.paste((255, 255, 255, 255), (0, 0, *image.size))
        white.alpha_composite(image)
        return white.convert("RGB")
    return image.convert("RGB")


def _in_few_bits(image: Any, mode: str, form: str, modes: frozenset[str]) -> Any:
    """An image of whole numbers with 16 bits, or 8 where that is enough and the form has no more."""
    lowest, highest = image.getextrema()
    if lowest >= 0 and highest < 65536 and (mode != "I" or "I;16" in modes):
        return image.convert("I;16")
    if lowest >= 0 and highest < 256:
        return image.convert("L")
    raise _without_range(image, form)


def _without_range(image: Any, form: str) -> RefusedFormError:
    return RefusedFormError(
        f"a PIL image of mode {image.mode} has no fixed range that {form} could show: convert it first "
        "(image.convert('L')), or store it as image/tiff (.tif)"
    )


def from_matplotlib(data: Any, kind: str) -> Source:
    """A figure, or the one that axes belong to. It is drawn with its own canvas; pyplot is not asked."""

    def figure() -> Any:
        return data if kind == "Figure" else data.get_figure(root=True)

    def drawn(form: str) -> Callable[[], Content]:
        def write(file: IO[bytes]) -> None:
            whole = figure()
            if whole is None:
                raise RefusedFormError(f"the matplotlib {kind} belongs to no figure any more: give the figure")
            with _Drawing.lock:
                whole.savefig(file, format=form)

        return lambda: staged(write)

    return Source(f"a matplotlib {kind}", {word: drawn(form) for word, form in _MATPLOTLIB_FORMS.items()})


def from_plotly(figure: Any) -> Source:
    """A figure: a page that works offline, JSON, or with kaleido a picture."""

    def drawn(form: str) -> Callable[[], Content]:
        def draw() -> bytes:
            if importlib.util.find_spec("kaleido") is None:
                raise RefusedFormError(
                    "a plotly figure needs kaleido to become a picture: `pip install kaleido`, or store it as "
                    "file/html (.html) or json (.json)"
                )
            return bytes(figure.to_image(format=form))

        return draw

    forms: dict[str, Callable[[], Content]] = {
        "file/html": lambda: str(figure.to_html()).encode(),
        "json": lambda: str(figure.to_json()),
    }
    forms.update({word: drawn(form) for word, form in _KALEIDO_FORMS.items()})
    return Source("a plotly figure", forms)
