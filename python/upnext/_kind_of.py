"""From annotations to kinds: what the parameters of a function say about its arguments."""

from __future__ import annotations

import collections.abc as abc
import dataclasses
import inspect
import logging
import sys
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from upnext._kind import Kind
from upnext._kind_collection import Entries, Items, OneOf, Places
from upnext._kind_plain import Choice, Plain, plain_kind
from upnext._kind_record import NamedTupleKind, dataclass_kind, pydantic_kind, typed_dict_kind

_log = logging.getLogger("upnext")
_OURS = str(Path(__file__).parent)

_NONE = Plain(type(None), "None")
_LISTS = (
    list,
    abc.Sequence,
    abc.MutableSequence,
    abc.Iterable,
    abc.Collection,
)
_SETS = {set: set, frozenset: frozenset, abc.Set: set, abc.MutableSet: set}
_DICTS = (dict, abc.Mapping, abc.MutableMapping)
_WRAPPERS = {"Annotated", "Required", "NotRequired", "ReadOnly", "Final", "ClassVar"}


def local_names(annotations: dict[str, Any]) -> dict[str, Any]:
    """What the annotations name that are still text, as far as it stands in the function in which a task is being
    defined: later nobody can know that."""
    texts = [annotation for annotation in annotations.values() if isinstance(annotation, str)]
    if not texts:
        return {}
    frame: Any = sys._getframe(1)  # noqa: SLF001 (there is no other way to the code that defines a task)
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    if frame is None or frame.f_locals is frame.f_globals:
        return {}
    wanted = {name for text in texts for name in compile_names(text)}
    return {name: frame.f_locals[name] for name in wanted if name in frame.f_locals}


def compile_names(text: str) -> tuple[str, ...]:
    """The names in an annotation that is text."""
    try:
        return compile(text, "<annotation>", "eval").co_names
    except (SyntaxError, ValueError):
        return ()


def kinds_of(
    task: str,
    function: Callable[..., Any],
    annotations: dict[str, Any],
    names: dict[str, Any],
    none_by_default: set[str],
) -> dict[str, Kind]:
    """The kind of each of these parameters that says one, and of `return`; whose default is None may be None, whatever
    it says. What cannot be looked up is not checked, and logged."""
    found: dict[str, Kind] = {}
    for parameter, annotation in annotations.items():
        try:
            meant = _looked_up(annotation, function, names)
            kind = kind_of(meant)
        except Exception as error:
            _log.warning(
                "task '%s': the annotation of %s cannot be looked up, so it is not checked: %s: %s",
                task,
                "what it returns" if parameter == "return" else f"the argument '{parameter}'",
                type(error).__name__,
                error,
            )
            continue
        if kind is None:
            continue
        may_be_none = parameter in none_by_default and type(None) not in kind.passes
        found[parameter] = OneOf([kind, _NONE]) if may_be_none else kind
    return found


def _looked_up(annotation: Any, function: Callable[..., Any], names: dict[str, Any]) -> Any:
    inner = inspect.unwrap(function)
    inner = getattr(inner, "func", inner)
    scope = getattr(inner, "__globals__", None) or vars(sys.modules.get(inner.__module__, types))
    holder = types.SimpleNamespace(__annotations__={"it": annotation})
    # A parameter that is written like an attribute of a class: typing resolves what is text in it.
    return typing.get_type_hints(typing.cast("Any", holder), scope, names or None, include_extras=True)["it"]


def kind_of(annotation: Any, known: dict[Any, Kind] | None = None) -> Kind | None:
    """What this annotation means; None where anything goes."""
    known = {} if known is None else known
    try:
        if annotation in known:
            return known[annotation]
    except TypeError:  # Not hashable: `Literal` of a list, for example.
        return _kind_of(annotation, known)
    kind = _kind_of(annotation, known)
    if kind is not None:
        known.setdefault(annotation, kind)
    return kind


def _kind_of(annotation: Any, known: dict[Any, Kind]) -> Kind | None:
    if annotation is None:
        return plain_kind(type(None))
    if annotation is Any or annotation is object or annotation is inspect.Parameter.empty:
        return None
    if isinstance(annotation, typing.NewType):
        return kind_of(annotation.__supertype__, known)
    if hasattr(annotation, "__value__"):  # `type Name = ...`
        return kind_of(annotation.__value__, known)
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is not None:
        return _kind_of_parts(annotation, origin, parts, known)
    return _kind_of_class(annotation, known) if isinstance(annotation, type) else None


def _kind_of_parts(annotation: Any, origin: Any, parts: tuple[Any, ...], known: dict[Any, Kind]) -> Kind | None:
    word = getattr(origin, "__name__", None) or getattr(origin, "_name", None)
    if origin is typing.Annotated or word in _WRAPPERS:
        inner = parts[0]
        if any(type(extra).__module__.partition(".")[0] in ("pydantic", "annotated_types") for extra in parts[1:]):
            return pydantic_kind(annotation, _name_of(inner)) or kind_of(inner, known)
        return kind_of(inner, known)
    if origin is typing.Union or origin is types.UnionType:
        options = [kind_of(part, known) for part in parts]
        return None if None in options else OneOf([option for option in options if option is not None])
    if origin is typing.Literal:
        return Choice(parts)
    if origin is tuple:
        return _tuple(annotation, parts, known)
    if origin in _LISTS or origin in _SETS or origin in _DICTS:
        return _collection(annotation, origin, [kind_of(part, known) for part in parts])
    # A generic class of the user's, such as a model.
    return pydantic_kind(annotation, _name_of(annotation)) if isinstance(origin, type) else None


def _kind_of_class(kind: type, known: dict[Any, Kind]) -> Kind | None:
    plain = plain_kind(kind)
    if plain is not None:
        return plain
    if kind is tuple:
        return Items("tuple", None, (list, tuple), tuple)
    if kind in _LISTS or kind in _SETS or kind in _DICTS:
        return _collection(kind, kind, [])
    if hasattr(kind, "__get_pydantic_core_schema__") or hasattr(kind, "__pydantic_validator__"):
        return pydantic_kind(kind, kind.__name__)
    hints: dict[str, Any] = {}

    def kind_of_field(owner: type, field: str) -> Kind | None:
        if not hints:
            hints.update(typing.get_type_hints(owner, include_extras=True))
        return kind_of(hints.get(field, Any), known)

    made: Kind | None = None
    if dataclasses.is_dataclass(kind):
        made = dataclass_kind(kind, kind_of_field)
    elif typing.is_typeddict(kind):
        made = typed_dict_kind(kind, kind_of_field)
    elif issubclass(kind, tuple) and hasattr(kind, "_fields"):
        made = NamedTupleKind(kind, kind_of_field)
    return made or _of_others(kind)


def _of_others(kind: type) -> Kind | None:
    """A class that nobody here knows: pydantic may. Of the built-in ones (`bytes`) it would not keep what JSON cannot
    carry, and that is said when it is given."""
    if kind.__module__ == "builtins" or getattr(kind, "_is_protocol", False):
        return None
    return pydantic_kind(kind, kind.__name__)


def _tuple(annotation: Any, parts: tuple[Any, ...], known: dict[Any, Kind]) -> Kind:
    name = _name_of(annotation)
    if len(parts) == 2 and parts[1] is Ellipsis:
        return Items(name, kind_of(parts[0], known), (list, tuple), tuple)
    return Places(name, [kind_of(part, known) for part in parts if part != ()])


def _collection(annotation: Any, origin: Any, parts: list[Kind | None]) -> Kind:
    name = _name_of(annotation)
    if origin in _DICTS:
        key, value = parts if len(parts) == 2 else (None, None)
        return Entries(name, key, value)
    item = parts[0] if parts else None
    if origin in _SETS:
        return Items(name, item, (set, frozenset, list, tuple), _SETS[origin])
    return Items(name, item, (list, tuple), list)


def _name_of(annotation: Any) -> str:
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__name__
    parts = typing.get_args(annotation)
    text = str(annotation)
    for part in (*parts, typing.get_origin(annotation)):
        # As one writes it: without the modules in front.
        if isinstance(part, type) and part.__module__ != "builtins":
            text = text.replace(f"{part.__module__}.{part.__qualname__}", part.__name__)
    return text.replace("typing.", "").replace("collections.abc.", "")
