"""Read users' fields by their patterns, without a model, and check the patterns by the field's
examples.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from extractor.concepts.own.attributes import (
    Attribute,
    AttributeType,
    Pattern,
    list_members,
)
from extractor.concepts.own.declaration import CustomField, Example
from extractor.concepts.own.value_forms import show_value
from extractor.errors import FieldError
from extractor.language.book import load_book, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage, read_passage
from extractor.language.patterns import Found, Rule, RuleError, make_rule
from extractor.schemas.arguments import suggest

NESTED = (
    "a model within a field has no pattern, nor have its attributes: a language model fills it; "
    "take the pattern out, or write these attributes into the field itself, with many: True for "
    "several"
)
_DENIED = 3
"""How many tokens before what a pattern finds a word may deny it: "not a double-blind trial"."""
_ARTICLES = frozenset({"a", "an", "the"})
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
"""A hyphen between two words, which is no token of a text."""
_PAGE = "docs/reference/own-fields.md shows the language"


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


@dataclass(frozen=True, slots=True)
class UnreadWords:
    """Words that a pattern found for an attribute and that are no value of it, and why."""

    attribute: str
    passage: Passage
    first: int
    end: int
    why: str

    @property
    def words(self) -> str:
        """The words, as the passage has them."""
        return self.passage.tokens.read(self.first, self.end)


Matches = Mapping[str, list[Match]]
"""What the patterns of a field read for one value, by attribute; only that of a list has
several.
"""


class Values(NamedTuple):
    """The values of a field in some passages, and what was found for one and is none."""

    read: list[Matches]
    unread: list[UnreadWords]


class _Applied(NamedTuple):
    """What one match of a pattern says, by attribute, and what it says in vain."""

    stated: Matches
    unread: list[UnreadWords]


@cache
def compile_patterns(field: CustomField) -> tuple[Compiled, ...]:
    """Compile the patterns of a field. Their words are known from then on, so call it before
    texts are read.
    """
    book = load_book().rules
    compiled: list[Compiled] = []
    for attribute in field.attributes:
        for pattern in attribute.patterns:
            made = make_rule(
                name=f"{field.name} {len(compiled) + 1}",
                pattern=_HYPHEN.sub(" ", pattern.text),
                book=book,
            )
            compiled.append(Compiled(attribute, pattern, made))
    return tuple(compiled)


def find_matches(field: CustomField, passages: Iterable[Passage]) -> Values:
    """Return the values of a field in some passages. Without ``many`` it is one value: the first
    of each attribute.
    """
    applied = list(_apply_all(field, passages))
    values = [match.stated for match in applied]
    if not field.many:
        values = [_join(values, field)]
    required = {attribute.name for attribute in field.attributes if attribute.required}
    read = [value for value in values if value and required <= value.keys()]
    unread: list[UnreadWords] = []
    for match in applied:
        for words in match.unread:
            is_elsewhere = not field.many and words.attribute in values[0]
            if not is_elsewhere and not _is_read(words, read):
                unread.append(words)
    return Values(read, unread)


def _apply_all(field: CustomField, passages: Iterable[Passage]) -> Iterator["_Applied"]:
    """Yield the matches of all patterns of a field."""
    for passage in passages:
        if not field.may_be_in(passage.raw):
            continue
        for compiled in compile_patterns(field):
            yield from _apply(compiled, field, passage)


def _is_read(unread: UnreadWords, values: Iterable[Matches]) -> bool:
    """Return whether another pattern reads a value of the attribute in the same words."""
    for value in values:
        for match in value.get(unread.attribute, ()):
            overlaps = match.first < unread.end and unread.first < match.end
            if overlaps and match.passage is unread.passage:
                return True
    return False


def _join(matches: Iterable[Matches], field: CustomField) -> Matches:
    """Return one value: all members of a list, each once, and the first value of another
    attribute.
    """
    joined: dict[str, list[Match]] = {}
    for stated in matches:
        for name, (match,) in stated.items():
            if name not in joined:
                joined[name] = [match]
                continue
            earlier = [member.value for member in joined[name]]
            if field.attribute(name).many and match.value not in earlier:
                joined[name].append(match)
    return joined


def _apply(
    compiled: Compiled, field: CustomField, passage: Passage
) -> Iterator[_Applied]:
    """Yield what each match of a pattern says: its own attribute, and others that its named
    parts have.

    Words that are no value of an attribute, such as 31 February, cost that attribute alone.
    """
    own = compiled.attribute.name
    for found in compiled.rule.find(passage.tokens, passage.first, passage.end):
        if _is_denied(passage, found.first):
            continue
        stated: dict[str, list[Match]] = {}
        unread: list[UnreadWords] = []
        for attribute in field.attributes:
            match = _read(attribute, compiled, found, passage)
            if isinstance(match, Match):
                stated[attribute.name] = [match]
            elif match is not None:
                unread.append(match)
        if own in stated or any(words.attribute == own for words in unread):
            yield _Applied(stated, unread)


def _read(
    attribute: Attribute, compiled: Compiled, found: Found, passage: Passage
) -> Match | UnreadWords | None:
    """Read what a match says of an attribute: in the part of its name, or, of the pattern's own
    attribute, in the whole match. Return None if that says nothing of it.
    """
    is_own = attribute.name == compiled.attribute.name
    part = found.part(attribute.name)
    if part is None and not is_own:
        return None
    first, end = part or (found.first, found.end)
    # a part named after a choice says where its words stand, not which word it is
    gives = compiled.pattern.gives if is_own else None
    if gives is None and _cuts_unit(passage.tokens, end):
        return None
    written = gives or found.tokens.read(first, end)
    try:
        value = attribute.read(written)
    except ValueError as error:
        return UnreadWords(attribute.name, passage, first, end, why=str(error))
    is_concluded = gives is not None or attribute.type.is_concluded
    return Match(value, passage, first, end, is_concluded)


def _is_denied(passage: Passage, first: int) -> bool:
    """Return whether a word just before a match denies it; articles may stand between."""
    tokens = passage.tokens
    start = max(passage.first, first - _DENIED)
    denial = rule("denial")
    for position in range(first, start, -1):
        if position != first and tokens.words[position].lower() not in _ARTICLES:
            return False
        if denial.ends(tokens, position, start):
            return True
    return False


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
    answers, _ = field.read(example.value)
    for matches in find_matches(field, [read_passage(example.text)]).read:
        for name, read in matches.items():
            stated = set()
            for answer in answers:
                stated |= {_fold(value) for value in list_members(answer.get(name))}
            others = [match for match in read if _fold(match.value) not in stated]
            if not others:
                continue
            other = show_value(others[0].value)
            raise FieldError(
                f"{field.name}.{name}: the patterns read {other} in {example.text!r}, whose "
                "example does not say so; correct the pattern or the example"
            )


def _find_problem(compiled: Compiled, field: CustomField) -> str | None:
    return (
        _find_wrong_part(compiled, field)
        or _find_lack(compiled, field)
        or _find_silence(compiled, field)
    )


def _find_wrong_part(compiled: Compiled, field: CustomField) -> str | None:
    """Return what is wrong with a part that a pattern names."""
    names = [attribute.name for attribute in field.attributes]
    for name in compiled.rule.expression.groupindex:
        if name not in names:
            guess = suggest(name, names)
            return f"captures {name}, which is no attribute of the field{guess}"
        if field.attribute(name).type is AttributeType.OBJECT:
            return f"has a part {name}: {NESTED}"
    return None


def _find_lack(compiled: Compiled, field: CustomField) -> str | None:
    """Return why no match of a pattern can be a value."""
    never_read = _list_never_read(compiled, field)
    if not never_read:
        return None
    lacking = never_read[0]
    problem = f"can never fill a value: it does not read {lacking}, which is required"
    if field.attribute(lacking).type is AttributeType.OBJECT:
        return (
            f"{problem} and a model within the field, which only a language model fills; give "
            f"{lacking} a default, or take the pattern out"
        )
    why = "each match is a value" if field.many else "no other pattern reads it"
    return (
        f"{problem}, and {why}; add a part such as {lacking}=( _ ) to it, or give "
        f"{lacking} a default"
    )


def _find_silence(compiled: Compiled, field: CustomField) -> str | None:
    """Return why a pattern gives no value in the examples of its field."""
    matches: list[_Applied] = []
    for example in field.examples:
        if example.value is not None and field.may_be_in(example.text):
            matches += _apply(compiled, field, read_passage(example.text))
    if any(_fills_value(match.stated, compiled, field) for match in matches):
        return None
    # what is required was found, and is no value of it
    for match in matches:
        for words in match.unread:
            attribute = field.attribute(words.attribute)
            if attribute.required or attribute == compiled.attribute:
                return (
                    f"finds {words.words!r} in {words.passage.raw!r}, which is no "
                    f"{attribute.type}: {words.why}"
                )
    return (
        "finds no value in an example of the field; add one, with its text and value, or "
        "correct the pattern"
    )


def _fills_value(stated: Matches, compiled: Compiled, field: CustomField) -> bool:
    """Return whether a match of a pattern reads its own attribute and, where it is a value of its
    own, all that is required.
    """
    if compiled.attribute.name not in stated:
        return False
    if not field.many:
        return True
    required = {attribute.name for attribute in field.attributes if attribute.required}
    return required <= stated.keys()


def _list_never_read(compiled: Compiled, field: CustomField) -> list[str]:
    """Return the required attributes that are always missing from the values of a pattern: each
    of its matches is a value of its own with ``many``, else all patterns fill one value.
    """
    filling = [compiled] if field.many else compile_patterns(field)
    read: set[str] = set()
    for pattern in filling:
        read.add(pattern.attribute.name)
        read.update(pattern.rule.expression.groupindex)
    required = [attribute.name for attribute in field.attributes if attribute.required]
    return [name for name in required if name not in read]


def _fold(value: Any) -> str:
    return " ".join(show_value(value).split()).casefold()
