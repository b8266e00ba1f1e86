"""The "no" answers of a function: what it would give if it found nothing, by its annotations.

A function that gives back what it got, changed, has the unchanged argument as its "no".
"""

import collections.abc
import inspect
import types
import typing
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import CodeType, FunctionType
from typing import Any, cast

_EMPTY: dict[Any, str] = {
    bool: "False",
    int: "0",
    float: "0.0",
    str: "''",
    bytes: "b''",
    tuple: "()",
    list: "[]",
    set: "set()",
    dict: "{}",
    frozenset: "frozenset()",
    collections.abc.Sequence: "()",
    collections.abc.Collection: "()",
    collections.abc.Iterable: "()",
    collections.abc.Set: "frozenset()",
    collections.abc.Mapping: "{}",
    collections.abc.MutableMapping: "{}",
    collections.abc.Iterator: "iter(())",
    collections.abc.Generator: "iter(())",
    Counter: "__import__('collections').Counter()",
    defaultdict: "__import__('collections').defaultdict(list)",
}
_MADE_BY: dict[Any, str] = {
    tuple: "tuple",
    list: "list",
    set: "set",
    frozenset: "frozenset",
    collections.abc.Sequence: "tuple",
    collections.abc.Iterable: "tuple",
    collections.abc.Collection: "tuple",
    collections.abc.Set: "frozenset",
    collections.abc.Iterator: "iter",
}
"""What makes each kind of collection from another."""
_SPECIAL = frozenset(
    {
        "__init__",
        "__new__",
        "__enter__",
        "__exit__",
        "__init_subclass__",
        "__class_getitem__",
    }
)


class Gave(StrEnum):
    """What a call of a function gave: nothing, something, or other than the argument it got."""

    NOTHING = "nothing"
    SOMETHING = "something"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Answer:
    """A "no" answer: how it is written, and the code that gives it.

    ``instead_of`` is what calls gave that this would change. ``keeps`` is the argument that it
    gives back.
    """

    shown: str
    code: CodeType
    instead_of: frozenset[Gave]
    keeps: str = ""


class NoAnswer(ValueError):
    """A function has no sensible "no". The message says why."""


def list_answers(function: FunctionType, held_as: object) -> list[Answer]:
    """Return the "no" answers of a function, the most natural one first. Raises ``NoAnswer``.

    >>> def find_dose(text: str) -> str | None: ...
    >>> def tidy(words: list[str]) -> list[str]: ...
    >>> (
    ...     [one.shown for one in list_answers(find_dose, find_dose)],
    ...     [one.shown for one in list_answers(tidy, tidy)],
    ... )
    (['None'], ['words', '[]'])
    """
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise NoAnswer("asynchronous")
    if function.__name__ in _SPECIAL:
        raise NoAnswer("makes an object")
    if (
        hasattr(held_as, "__wrapped__")
        and inspect.isgeneratorfunction(function)
        and not _is_generator(held_as)
    ):
        raise NoAnswer("context manager")
    hints = _read_hints(function)
    if "return" not in hints:
        raise NoAnswer("no annotation")
    gives = hints["return"]
    identities = dict(_list_identities(function, hints, gives))
    written = {**identities, **dict(_list_empty(gives))}
    if not written:
        raise NoAnswer(f"no empty {inspect.formatannotation(gives)}")
    generates = inspect.isgeneratorfunction(function)
    answers = []
    for shown, expression in list(written.items())[:2]:
        keeps = shown if shown in identities and not generates else ""
        changed = frozenset({Gave.OTHER}) if keeps else _list_changed(expression, gives)
        answers.append(Answer(shown, _compile(expression, generates), changed, keeps))
    return answers


def _list_changed(expression: str, gives: Any) -> frozenset[Gave]:
    if expression == "True":
        return frozenset({Gave.NOTHING})
    acts = gives in (None, type(None))  # what it does is not seen in what it gives
    if acts or "args" in expression or expression.startswith("("):
        return frozenset({Gave.SOMETHING, Gave.NOTHING})
    return frozenset({Gave.SOMETHING})


def _is_generator(held_as: object) -> bool:
    """Return whether what is called gives the generator itself: a cache does, a context manager
    does not.
    """
    return hasattr(held_as, "cache_clear")


def _read_hints(function: FunctionType) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError):  # a name that only the type checker imports
        return dict(function.__annotations__)


def _list_identities(
    function: FunctionType, hints: dict[str, Any], gives: Any
) -> Iterator[tuple[str, str]]:
    """Yield the arguments that have the type of the answer, or are a collection of the same
    things.
    """
    if gives in (bool, int, float, type(None)):
        return
    names = list(inspect.signature(function).parameters)
    if names[:1] == ["self"] and _is_own_class(function, gives):
        yield "self", "args[0]"
    for number, name in enumerate(names):
        takes = hints.get(name)
        if takes is None:
            continue
        read = f"(args[{number}] if len(args) > {number} else named.get({name!r}))"
        if takes == gives:
            yield name, read
        elif _hold_the_same(takes, gives):
            yield name, f"{_MADE_BY[typing.get_origin(gives)]}({read})"


def _is_own_class(function: FunctionType, gives: Any) -> bool:
    own = function.__qualname__.rpartition(".")[0]
    named = gives if isinstance(gives, str) else getattr(gives, "__qualname__", "")
    return gives is typing.Self or named == own


def _hold_the_same(takes: Any, gives: Any) -> bool:
    kinds = typing.get_origin(takes), typing.get_origin(gives)
    if not all(kind in _MADE_BY for kind in kinds):
        return False
    one, other = (
        tuple(arg for arg in typing.get_args(hint) if arg is not ...)
        for hint in (takes, gives)
    )
    return len(one) == 1 and one == other


def _list_empty(gives: Any) -> Iterator[tuple[str, str]]:
    if gives is bool:
        yield "False", "False"
        yield "True", "True"
        return
    written = _write_empty(gives)
    if written is not None:
        yield written, written


def _write_empty(gives: Any) -> str | None:
    """Write the empty value of a type, None if it has none."""
    kind = typing.get_origin(gives)
    parts = typing.get_args(gives)
    if isinstance(gives, str):  # could not be resolved
        return "None" if gives.endswith("| None") else None
    if gives in (None, type(None), Any, object):
        return "None"
    if kind in (typing.Union, types.UnionType):
        return _write_empty_option(parts)
    if kind is tuple and parts and ... not in parts:
        members: list[str] = []
        for part in parts:
            empty = _write_empty(part)
            if empty is None:
                return None
            members.append(empty)
        return f"({', '.join(members)},)"
    return _EMPTY.get(kind or gives)


def _write_empty_option(options: Sequence[Any]) -> str | None:
    """Write None if it is one of the types, else the empty value of the first that has one."""
    if type(None) in options:
        return "None"
    for option in options:
        empty = _write_empty(option)
        if empty:
            return empty
    return None


def _compile(expression: str, generates: bool) -> CodeType:  # noqa: FBT001
    """Compile a function of any arguments that gives an expression, with no names but the
    built-in ones.
    """
    body = f"yield from {expression}" if generates else f"return {expression}"
    made: dict[str, Any] = {}
    exec(f"def answer(*args, **named):\n    {body}\n", made)
    return cast("FunctionType", made["answer"]).__code__
