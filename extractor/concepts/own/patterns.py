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
    place = found.part(attribute.name)
    gives = None
    if place is None:
        if attribute.name != compiled.attribute.name:
            return None
        gives = compiled.pattern.gives
        place = (found.first, found.end)
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
    contradicts one.
    """
    for compiled in compile_patterns(field):
        _check_pattern(compiled, field)
    if not field.has_patterns:
        return
    for example in field.examples:
        answers = field.list_answers(example.value)
        # of a wrong key, the check of the examples says which it is
        if not any(_names_other(field, answer) for answer in answers):
            _check_example(example, field)


def _check_pattern(compiled: Compiled, field: CustomField) -> None:
    written = compiled.pattern.text
    shown = f"{field.name}.{compiled.attribute.name}: the pattern {written.strip()!r}"
    try:
        problem = _find_problem(compiled, field)
    except RuleError as error:
        has_digit = re.search(r"(?<![{,\d])\d", written) is not None
        hint = "a number is #, also in kg/m2; " if has_digit else ""
        raise FieldError(f"{shown} cannot be read: {error}; {hint}{_PAGE}") from error
    except re.error as error:
        raise FieldError(
            f"{shown} cannot be read: its brackets do not match; {_PAGE}"
        ) from error
    if problem:
        raise FieldError(f"{shown} {problem}")


def _check_example(example: Example, field: CustomField) -> None:
    """Raise ``FieldError`` if the patterns read what an example does not say."""
    answers = field.read(example.value)[0]
    for matches in find_matches(field, [read_passage(example.text)]):
        for name, found in matches.items():
            values = [answer.get(name) for answer in answers]
            stated = {_fold(one) for value in values for one in list_members(value)}
            others = [
                match.value for match in found if _fold(match.value) not in stated
            ]
            if others:
                raise FieldError(
                    f"{field.name}.{name}: the patterns read {show_value(others[0])} in "
                    f"{example.text!r}, whose example does not say so; correct the pattern or the "
                    "example"
                )


def _names_other(field: CustomField, answer: Mapping[str, Any]) -> bool:
    """Return whether an answer has a key that is no attribute."""
    known = {"quote", *(one.name for one in field.attributes)}
    return not answer.keys() <= known


def _find_problem(compiled: Compiled, field: CustomField) -> str | None:
    return _find_lack(compiled, field) or _find_silence(compiled, field)


def _find_lack(compiled: Compiled, field: CustomField) -> str | None:
    """Return why no match of a pattern can be a value."""
    own = compiled.attribute
    known = [one.name for one in field.attributes]
    named = compiled.rule.expression.groupindex
    for name in named:
        if name not in known:
            return f"captures {name}, which is no attribute of the field{suggest(name, known)}"
    if own.parts:
        return (
            "is of a nested model, which only a model of a provider fills; leave it out"
        )
    stated = {own.name, *named}
    required = [one.name for one in field.attributes if one.required]
    lacking = next((name for name in required if name not in stated), None)
    if field.many and lacking:
        return (
            "can never give a value: with many, each match is a value of its own, and "
            f"{lacking} is required; name it in the same pattern, as {lacking}=( ... ), "
            "or write it as X | None"
        )
    return None


def _find_silence(compiled: Compiled, field: CustomField) -> str | None:
    """Return why a pattern finds no value in the examples of its field."""
    passages = [
        read_passage(example.text)
        for example in field.examples
        if example.value is not None and field.may_be_in(example.text)
    ]
    if any(next(_apply(compiled, field, passage), None) for passage in passages):
        return None
    unread = next(_list_unread(compiled, passages), None)
    if unread:
        kind = compiled.attribute.type
        return (
            f"finds {unread!r} in an example, which is no {kind}; write it so that the value is "
            f"{compiled.attribute.form}"
        )
    return (
        "finds no value in an example of the field; add one, with its text and value, or "
        "correct the pattern"
    )


def _list_unread(compiled: Compiled, passages: Iterable[Passage]) -> Iterator[str]:
    """Yield the words that a pattern finds and that are no value of its attribute."""
    attribute = compiled.attribute
    for passage in passages:
        for found in compiled.rule.find(passage.tokens, passage.first, passage.end):
            place = found.part(attribute.name) or (found.first, found.end)
            words = found.tokens.read(*place)
            try:
                attribute.read(compiled.pattern.gives or words)
            except ValueError:
                yield words


def _fold(value: Any) -> str:
    return " ".join(show_value(value).split()).casefold()
