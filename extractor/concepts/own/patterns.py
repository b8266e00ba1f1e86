"""Read users' fields by their patterns, without a model, and check the patterns by the field's
examples.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any, NamedTuple

from extractor.concepts.own.attributes import Attribute, Pattern, list_members
from extractor.concepts.own.declaration import CustomField, Example
from extractor.concepts.own.value_forms import show_value
from extractor.errors import FieldError
from extractor.language.book import load_book, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage, read_passage
from extractor.language.patterns import Found, Rule, RuleError, make_rule
from extractor.schemas.arguments import suggest

_DENIED = 3
"""How many tokens before what a pattern finds a word may deny it: "not a double-blind trial"."""
_ARTICLES = frozenset({"a", "an", "the"})
_PAGE = "docs/how-to/your-own-fields.md shows the language"


class Compiled(NamedTuple):
    """A pattern of an attribute, as a rule."""

    attribute: Attribute
    pattern: Pattern
    rule: Rule


@dataclass(frozen=True, slots=True)
class Match:
    """A value that a pattern read, its tokens in the passage, and whether it is a conclusion
    from their text.
    """

    value: Any
    passage: Passage
    first: int
    end: int
    is_concluded: bool


Matches = Mapping[str, list[Match]]
"""What the patterns of a field read for one value, by attribute; only that of a list has
several.
"""


@cache
def compile_patterns(field: CustomField) -> tuple[Compiled, ...]:
    """Compile the patterns of a field. Their words are known from then on, so call it before
    texts are read.
    """
    book = load_book().rules
    declared = [(one, pattern) for one in field.attributes for pattern in one.patterns]
    return tuple(
        Compiled(
            one,
            pattern,
            make_rule(name=f"{field.name} {number}", pattern=pattern.text, book=book),
        )
        for number, (one, pattern) in enumerate(declared, start=1)
    )


def find_matches(field: CustomField, passages: Iterable[Passage]) -> list[Matches]:
    """Return the values of a field in some passages. Without ``many`` it is one value: the first
    of each attribute.
    """
    found = [
        match
        for passage in passages
        if field.may_be_in(passage.raw)
        for compiled in compile_patterns(field)
        for match in _apply(compiled, field, passage)
    ]
    values: list[Matches] = list(found) if field.many else [_join(found, field)]
    required = {one.name for one in field.attributes if one.required}
    return [one for one in values if one and required <= one.keys()]


def _join(found: Iterable[Matches], field: CustomField) -> Matches:
    """Return one value: all members of a list, each once, and the first value of another
    attribute.
    """
    joined: dict[str, list[Match]] = {}
    for match in found:
        for name, (read,) in match.items():
            known = joined.setdefault(name, [])
            is_new = all(read.value != one.value for one in known)
            if not known or (field.attribute(name).many and is_new):
                known.append(read)
    return joined


def _apply(
    compiled: Compiled, field: CustomField, passage: Passage
) -> Iterator[Matches]:
    """Yield what each match of a pattern says: its own attribute, and others that its named
    parts have.
    """
    own = compiled.attribute.name
    for found in compiled.rule.find(passage.tokens, passage.first, passage.end):
        if _is_denied(passage, found.first):
            continue
        read = {
            one.name: _read(one, compiled, found, passage) for one in field.attributes
        }
        stated = {name: [match] for name, match in read.items() if match}
        if own in stated:
            yield stated


def _read(
    attribute: Attribute, compiled: Compiled, found: Found, passage: Passage
) -> Match | None:
    is_own = attribute.name == compiled.attribute.name
    part = found.part(attribute.name)
    if part is None and not is_own:
        return None
    place = part or (found.first, found.end)
    # a part named after a choice says where its words stand, not which word it is
    gives = compiled.pattern.gives if is_own else None
    if gives is None and _cuts_unit(passage.tokens, place[1]):
        return None
    try:
        value = attribute.read(gives or found.tokens.read(*place))
    except ValueError:
        return None
    return Match(
        value,
        passage,
        *place,
        is_concluded=gives is not None or attribute.type.is_concluded,
    )


def _is_denied(passage: Passage, first: int) -> bool:
    tokens = passage.tokens
    start = max(passage.first, first - _DENIED)
    reached = takewhile(
        lambda at: at == first or tokens.words[at].lower() in _ARTICLES,
        range(first, start, -1),
    )
    return any(rule("denial").ends(tokens, at, start) for at in reached)


def _cuts_unit(tokens: Tokens, end: int) -> bool:
    """Return whether a value ends within a unit: "40 kg" of "40 kg/m2"."""
    return tokens.words[end : end + 1] in (["/"], ["^"]) and tokens.joined(end)


def check_patterns(field: CustomField) -> None:
    """Raise ``FieldError`` for a pattern that cannot be read, finds nothing in an example, or
    contradicts one. The form of the examples is checked first.
    """
    for example in field.examples:
        fault = next(field.list_faults(example), None)
        if fault:
            raise FieldError(f"{field.name}: in the example {example.text!r}: {fault}")
    for compiled in compile_patterns(field):
        _check_pattern(compiled, field)
    if field.has_patterns:
        for example in field.examples:
            _check_readings(example, field)


def _check_pattern(compiled: Compiled, field: CustomField) -> None:
    """Raise ``FieldError`` for a pattern that cannot be read, or is of no use."""
    text = compiled.pattern.text
    shown = f"{field.name}.{compiled.attribute.name}: the pattern {text.strip()!r}"
    try:
        problem = _find_problem(compiled, field)
    except RuleError as error:
        has_digits = re.search(r"(?<![{,\d])\d", text)
        hint = "a number is #, also in kg/m2; " if has_digits else ""
        raise FieldError(f"{shown} cannot be read: {error}; {hint}{_PAGE}") from error
    except re.error as error:
        raise FieldError(
            f"{shown} cannot be read: its brackets do not match; {_PAGE}"
        ) from error
    if problem:
        raise FieldError(f"{shown} {problem}")


def _check_readings(example: Example, field: CustomField) -> None:
    """Raise ``FieldError`` if the patterns read in an example what it does not say."""
    answers = field.read(example.value)[0]
    for matches in find_matches(field, [read_passage(example.text)]):
        for name, found in matches.items():
            stated = {
                _fold(value)
                for answer in answers
                for value in list_members(answer.get(name))
            }
            others = [one.value for one in found if _fold(one.value) not in stated]
            if others:
                read = f"the patterns read {show_value(others[0])} in {example.text!r}"
                raise FieldError(
                    f"{field.name}.{name}: {read}, whose example does not say so; correct the "
                    "pattern or the example"
                )


def _find_problem(compiled: Compiled, field: CustomField) -> str | None:
    known = [one.name for one in field.attributes]
    for name in compiled.rule.expression.groupindex:
        if name not in known:
            return f"captures {name}, which is no attribute of the field{suggest(name, known)}"
    lacking = _list_never_read(compiled, field)
    if lacking:
        why = "each match is a value" if field.many else "no other pattern reads it"
        return (
            f"can never fill a value: it does not read {lacking[0]}, which is required, and "
            f"{why}; add a part such as {lacking[0]}=( _ ) to it, or give {lacking[0]} a default"
        )
    texts = [
        example.text
        for example in field.examples
        if example.value is not None and field.may_be_in(example.text)
    ]
    if any(next(_apply(compiled, field, read_passage(text)), None) for text in texts):
        return None
    unread = _find_unread(compiled, texts)
    if unread:
        return f"finds {unread}"
    return (
        "finds no value in an example of the field; add one, with its text and value, or "
        "correct the pattern"
    )


def _list_never_read(compiled: Compiled, field: CustomField) -> list[str]:
    """Return the required attributes that are always missing from the values of a pattern: each
    of its matches is a value of its own with ``many``, else all patterns fill one value.
    """
    filling = [compiled] if field.many else compile_patterns(field)
    read = {
        name
        for one in filling
        for name in (one.attribute.name, *one.rule.expression.groupindex)
    }
    return [
        one.name for one in field.attributes if one.required and one.name not in read
    ]


def _find_unread(compiled: Compiled, texts: Iterable[str]) -> str:
    """Return the words in an example that a pattern finds for its attribute, and why they are no
    value of it; empty if it finds none.
    """
    attribute = compiled.attribute
    for text in texts:
        for found in compiled.rule.find(read_passage(text).tokens):
            place = found.part(attribute.name) or (found.first, found.end)
            words = found.tokens.read(*place)
            try:
                attribute.read(compiled.pattern.gives or words)
            except ValueError as error:
                return f"{words!r} in {text!r}, which is no {attribute.type}: {error}"
    return ""


def _fold(value: Any) -> str:
    return " ".join(show_value(value).split()).casefold()
