"""What an annotation lets through: arguments checked when a job is submitted and made again when it runs; results, too.

Owns what a kind is and how a value that does not fit is described. `_kind_plain`, `_kind_collection` and `_kind_record`
hold the kinds themselves, `_kind_of` chooses one for an annotation.
"""

from __future__ import annotations

from typing import Any, NoReturn

from upnext._json import step, type_name

_MAX_SHOWN = 80


class Mismatch(Exception):  # noqa: N818 (not an error of its own: it becomes the sentence of one)
    """A value that is not of its kind, with its place below the argument."""

    def __init__(self, expected: str, given: object, reason: str | None = None) -> None:
        super().__init__(expected)
        self.expected = expected
        self.given = given
        self.reason = reason
        self.path = ""

    def below(self, key: object) -> Mismatch:
        """The same, seen from one level above."""
        self.path = (step(key) if not isinstance(key, int) else f"[{key}]") + self.path
        return self

    def sentence(self, argument: str) -> str:
        """What is wrong, as a clause about the argument."""
        return f"the argument '{argument}{self.path}' {self.rule}"

    @property
    def rule(self) -> str:
        """What is expected and what was given."""
        reason = f": {self.reason}" if self.reason else ""
        return f"must be {self.expected}, not {shown(self.given)}{reason}"


class Kind:
    """What an annotation means for values and for their JSON."""

    #: A value of exactly one of these types fits and is the same in JSON: nothing is to be done for it.
    passes: frozenset[type] = frozenset()
    #: Whether a text in JSON may become something else.
    reads_text: bool = True
    #: How errors call it.
    name: str = "anything"

    def dump(self, value: Any) -> Any:
        """What stands in JSON for a value that is given to `submit` or returned. Raises `Mismatch`."""
        raise NotImplementedError

    def load(self, value: Any) -> Any:
        """The value that the task, or who waits for it, gets for what stands in JSON. Raises `Mismatch`."""
        raise NotImplementedError

    def dump_key(self, key: Any) -> str:
        """What stands in JSON for the key of an object."""
        try:
            dumped = self.dump(key)
        except Mismatch:
            if not isinstance(key, str):
                raise
            # As it stands in JSON.
            dumped = self.dump(self.load_key(key))
        return dumped if isinstance(dumped, str) else str(dumped)

    def load_key(self, key: str) -> Any:
        """The key that stands in JSON as this text."""
        return self.load(key)

    def refuse(self, value: object, reason: str | None = None) -> NoReturn:
        """Raises that this value does not fit."""
        raise Mismatch(self.name, value, reason) from None


def shown(value: object) -> str:
    """A value as an error shows it: short, and with its type where that does not speak for itself."""
    if value is None:
        return "None"
    try:
        text = repr(value)
    except Exception:
        return f"a {type_name(value)}"
    if len(text) > _MAX_SHOWN:
        text = f"{text[:_MAX_SHOWN]}..."
    return f"{text} ({type_name(value)})"


def reason_of(error: BaseException) -> str:
    """What an exception says, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
