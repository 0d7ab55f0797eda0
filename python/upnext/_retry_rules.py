"""Which failures of a task are worth another attempt."""

from __future__ import annotations

from typing import Any, NamedTuple

ExceptionTypes = type[BaseException] | tuple[type[BaseException], ...]


class RetryRules(NamedTuple):
    """What `retry_on` and `give_up_on` say. `retry_on` is None where every failure is worth it."""

    retry_on: tuple[type[BaseException], ...] | None
    give_up_on: tuple[type[BaseException], ...]

    def allow(self, error: BaseException) -> bool:
        """Whether another attempt may help after this."""
        if isinstance(error, self.give_up_on):
            return False
        return self.retry_on is None or isinstance(error, self.retry_on)


def retry_rules(task: str, retry_on: Any, give_up_on: Any) -> RetryRules | None:
    """The rules that these options mean, or None where they say nothing."""
    if retry_on is None and give_up_on is None:
        return None
    wanted = None if retry_on is None else _types(task, "retry_on", retry_on)
    unwanted = () if give_up_on is None else _types(task, "give_up_on", give_up_on)
    both = [kind.__name__ for kind in wanted or () if kind in unwanted]
    if both:
        raise ValueError(f"task '{task}': {both[0]} is in retry_on and in give_up_on: leave it in one of them")
    return RetryRules(wanted, unwanted)


def _types(task: str, option: str, given: Any) -> tuple[type[BaseException], ...]:
    kinds = given if isinstance(given, tuple) else (given,)
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise TypeError(
                f"task '{task}': {option} is an exception type or a tuple of them, such as "
                f"(ConnectionError, TimeoutError), not {kind!r}"
            )
    if not kinds:
        raise ValueError(f"task '{task}': {option} is an empty tuple: name an exception type, or leave the option out")
    return kinds
