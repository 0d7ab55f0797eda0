"""Objects that know how to show themselves: `_repr_mimebundle_`, `_repr_png_` and their like, as notebooks ask.

None and `NotImplementedError` mean that an object has nothing to show in that form; the next one is tried.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from upnext import _rich_json
from upnext._convert_forms import (
    LATEX,
    MARKDOWN,
    Content,
    NothingShownError,
    RefusedFormError,
    Source,
    form_named,
    is_json,
)
from upnext._json import a_type, type_name

_METHODS = {
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "image/svg": "_repr_svg_",
    "file/pdf": "_repr_pdf_",
    "file/html": "_repr_html_",
    MARKDOWN: "_repr_markdown_",
    "json": "_repr_json_",
    LATEX: "_repr_latex_",
}

#: The richest first. Forms that are not listed come right before the last one.
_RICHEST = [*_METHODS, "text"]

#: Forms that are text. All others are bytes, or base64 of them.
_TEXT = ("image/svg", "file/html", "file/xml", MARKDOWN, LATEX, "text")


def shows_itself(data: object) -> bool:
    """Whether the object's class has a way to show it. Objects that answer to any name are no reason to ask them."""
    kind = type(data)
    return hasattr(kind, "_repr_mimebundle_") or any(hasattr(kind, method) for method in _METHODS.values())


def display_forms(data: Any) -> dict[str, Callable[[], Content]]:
    """Every form that the object offers, the richest first."""
    forms: dict[str, Callable[[], Content]] = {}
    for media_type, value in _bundle(data).items():
        forms.setdefault(form_named(media_type), _from_bundle(form_named(media_type), value))
    for form, method in _METHODS.items():
        if hasattr(type(data), method):
            forms.setdefault(form, _from_method(form, data, method))
    return dict(sorted(forms.items(), key=lambda item: _rank(item[0])))


def from_display(data: Any) -> Source:
    """An object of an unknown class that shows itself."""
    return Source(f"the {type_name(data)}", display_forms(data))


def _rank(form: str) -> int:
    if form == "text":
        return len(_RICHEST)
    return _RICHEST.index(form) if form in _RICHEST else len(_RICHEST) - 1


def _bundle(data: Any) -> Mapping[str, Any]:
    """What `_repr_mimebundle_` gives, without the metadata that may come with it."""
    if not hasattr(type(data), "_repr_mimebundle_"):
        return {}
    try:
        bundle = _without_metadata(data._repr_mimebundle_(include=None, exclude=None))
    except NotImplementedError:
        return {}
    if bundle is None:
        return {}
    if not isinstance(bundle, Mapping):
        raise RefusedFormError(f"_repr_mimebundle_ of the {type_name(data)} gives a dict, not {a_type(bundle)}")
    return bundle


def _without_metadata(shown: Any) -> Any:
    return shown[0] if isinstance(shown, tuple) and len(shown) == 2 else shown


def _from_bundle(form: str, value: Any) -> Callable[[], Content]:
    return lambda: _content(form, value, "_repr_mimebundle_")


def _from_method(form: str, data: Any, method: str) -> Callable[[], Content]:
    def show() -> Content:
        try:
            shown = getattr(data, method)()
        except NotImplementedError:
            raise NothingShownError from None
        return _content(form, _without_metadata(shown), method)

    return show


def _content(form: str, value: Any, giver: str) -> Content:
    """What was shown, as it is stored."""
    if value is None:
        raise NothingShownError
    if is_json(form):
        return value if isinstance(value, str) else _rich_json.encode_rich(value, "data")
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, list | tuple) and all(isinstance(line, str) for line in value):
        # Notebook files keep text as a list of lines.
        value = "".join(value)
    if not isinstance(value, str):
        raise RefusedFormError(f"{giver} gave {a_type(value)} for {form}, which is made of bytes or text")
    if form == "file/html":
        return _page(value)
    if form in _TEXT or form.startswith("text/"):
        return value.encode()
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise RefusedFormError(f"{giver} gave a text for {form} that is not base64 ({error}): give bytes") from error


def _page(text: str) -> bytes:
    """A fragment becomes a page that says its charset, without which a browser would guess one."""
    start = text.lstrip()[:14].lower()
    if start.startswith(("<!doctype", "<html", "<?xml")):
        return text.encode()
    return f'<!doctype html>\n<meta charset="utf-8">\n{text}'.encode()
