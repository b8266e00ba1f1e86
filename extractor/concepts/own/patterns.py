"""Read users' fields by their patterns, without a model, and check the patterns by the field's
examples.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
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
    declared = [(one, pattern) for one in field.attributes for pattern in one.patterns]
    return tuple(
        Compiled(
            one,
            pattern,
            make_rule(
                name=f"{field.name} {number}",
                pattern=_HYPHEN.sub(" ", pattern.text),
                book=book,
            ),
        )
        for number, (one, pattern) in enumerate(declared, start=1)
    )


def find_matches(field: CustomField, passages: Iterable[Passage]) -> Values:
    """Return the values of a field in some passages. Without ``many`` it is one value: the first
    of each attribute.
    """
    found = list(_apply_all(field, passages))
    stated = [one.stated for one in found]
    values: list[Matches] = stated if field.many else [_join(stated, field)]
    required = {one.name for one in field.attributes if one.required}
    read = [one for one in values if one and required <= one.keys()]
    unread = [words for one in found for words in one.unread]
    if not field.many:
        unread = [one for one in unread if one.attribute not in values[0]]
    return Values(read, [one for one in unread if not _is_read(one, read)])


def _apply_all(field: CustomField, passages: Iterable[Passage]) -> Iterator["_Applied"]:
    """Yield the matches of all patterns of a field."""
    for passage in passages:
        if not field.may_be_in(passage.raw):
            continue
        for compiled in compile_patterns(field):
            yield from _apply(compiled, field, passage)


def _is_read(unread: UnreadWords, values: Iterable[Matches]) -> bool:
    """Return whether another pattern reads a value of the attribute in the same words."""
    return any(
        match.passage is unread.passage
        and match.first < unread.end
        and unread.first < match.end
        for value in values
        for match in value.get(unread.attribute, ())
    )


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
) -> Iterator[_Applied]:
    """Yield what each match of a pattern says: its own attribute, and others that its named
    parts have.

    Words that are no value of an attribute, such as 31 February, cost that attribute alone.
    """
    for found in compiled.rule.find(passage.tokens, passage.first, passage.end):
        if _is_denied(passage, found.first):
            continue
        stated: dict[str, list[Match]] = {}
        unread: list[UnreadWords] = []
        for one in field.attributes:
            match = _read(one, compiled, found, passage)
            if isinstance(match, Match):
                stated[one.name] = [match]
            elif match is not None:
                unread.append(match)
        own = compiled.attribute.name
        if own in stated or any(one.attribute == own for one in unread):
            yield _Applied(stated, unread)


def _read(
    attribute: Attribute, compiled: Compiled, found: Found, passage: Passage
) -> Match | UnreadWords | None:
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
    except ValueError as error:
        return UnreadWords(attribute.name, passage, *place, why=str(error))
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
    for matches in find_matches(field, [read_passage(example.text)]).read:
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
    return (
        _find_wrong_part(compiled, field)
        or _find_lack(compiled, field)
        or _find_silence(compiled, field)
    )


def _find_wrong_part(compiled: Compiled, field: CustomField) -> str | None:
    """Return what is wrong with a part that a pattern names."""
    known = [one.name for one in field.attributes]
    for name in compiled.rule.expression.groupindex:
        if name not in known:
            return f"captures {name}, which is no attribute of the field{suggest(name, known)}"
        if field.attribute(name).type is AttributeType.OBJECT:
            return f"has a part {name}: {NESTED}"
    return None


def _find_lack(compiled: Compiled, field: CustomField) -> str | None:
    """Return why no match of a pattern can be a value."""
    lacking = next(iter(_list_never_read(compiled, field)), None)
    if lacking is None:
        return None
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
    texts = [
        example.text
        for example in field.examples
        if example.value is not None and field.may_be_in(example.text)
    ]
    found = [
        match for text in texts for match in _apply(compiled, field, read_passage(text))
    ]
    if any(_fills_value(match.stated, compiled, field) for match in found):
        return None
    # what is required was found, and is no value of it
    required = [compiled.attribute, *(one for one in field.attributes if one.required)]
    unread = [words for match in found for words in match.unread]
    for words in unread:
        attribute = field.attribute(words.attribute)
        if attribute in required:
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
    needed = {compiled.attribute.name}
    if field.many:
        needed |= {one.name for one in field.attributes if one.required}
    return needed <= stated.keys()


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


def _fold(value: Any) -> str:
    return " ".join(show_value(value).split()).casefold()
