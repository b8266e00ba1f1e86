"""The token rules of users' fields: compile them with the rule book, check them, and read a
passage with them.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from extractor.concepts.own.declaration import CustomField, FieldRule
from extractor.errors import FieldError
from extractor.language.book import load_book, read_text
from extractor.language.lexer import Tokens
from extractor.language.patterns import Found, Rule, RuleError, make_rule
from extractor.schemas.arguments import suggest


@cache
def compile_rules(field: CustomField) -> tuple[tuple[Rule, FieldRule], ...]:
    """Compile the rules of a field. Their words are known from then on, so call it before texts
    are read.
    """
    book = load_book().rules
    return tuple(
        (make_rule(name=f"{field.name} {number}", pattern=one.pattern, book=book), one)
        for number, one in enumerate(field.rules, start=1)
    )


def find_claims(
    rule: Rule,
    declared: FieldRule,
    field: CustomField,
    tokens: Tokens,
    first: int = 0,
    end: int | None = None,
) -> Iterator[tuple[Found, dict[str, Any]]]:
    """Yield where a rule finds something, with the values that can be read of it."""
    for found in rule.find(tokens, first, end):
        for claim in field.read(_collect(found, declared, field))[0]:
            yield found, dict(claim)


def _collect(found: Found, declared: FieldRule, field: CustomField) -> dict[str, Any]:
    return {
        one.name: found.read(one.name) or declared.gives.get(one.name) for one in field.attributes
    }


def check_rules(field: CustomField, where: str = "") -> None:
    """Raise ``FieldError`` for a rule that cannot be read, misses an example, or finds a near miss.

    ``where`` stands before the field's name in messages.
    """
    page = "docs/how-to/your-own-fields.md shows the language"
    for number, (rule, declared) in enumerate(compile_rules(field), start=1):
        shown = f"{where}{field.name}, rule {number} {declared.pattern.strip()!r}"
        try:
            problem = next(_list_problems(rule, declared, field), None)
        except RuleError as error:
            hint = (
                "a number is #, also in kg/m2; "
                if re.search(r"(?<![{,\d])\d", declared.pattern)
                else ""
            )
            raise FieldError(f"{shown} cannot be read: {error}; {hint}{page}") from error
        except re.error as error:
            raise FieldError(
                f"{shown} cannot be read: its brackets do not match; {page}"
            ) from error
        if problem:
            raise FieldError(f"{shown}: {problem}")


def _list_problems(rule: Rule, declared: FieldRule, field: CustomField) -> Iterator[str]:
    known = [one.name for one in field.attributes]
    named = rule.expression.groupindex.keys() | declared.gives.keys()
    if unknown := sorted(named - set(known)):
        yield f"{unknown[0]} is no attribute of the field{suggest(unknown[0], known)}"
    if lacking := [one.name for one in field.attributes if one.required and one.name not in named]:
        yield f"it gives no {lacking[0]}, which the field requires; capture it, {lacking[0]}=( ... ), or give it"
    for name, given in declared.gives.items():
        try:
            field.attribute(name).read_all(given)
        except ValueError as error:
            yield f"it gives what is no value: {error}"
    for text in declared.examples:
        if not field.may_be_in(text):
            yield f"its example {text!r} has none of the field's mentions, so the rule would not be tried on it"
        tokens = read_text(text)
        if next(find_claims(rule, declared, field, tokens), None) is None:
            found = rule.search(tokens)
            faults = field.read(_collect(found, declared, field))[1] if found else ()
            why = (
                f" that can be read: {faults[0][1]}"
                if faults
                else f"; as words it is: {' '.join(tokens.words)}"
            )
            yield f"it finds nothing in its example {text!r}{why}"
    yield from (
        f"it finds its near miss {text!r}"
        for text in declared.near_misses
        if rule.search(read_text(text))
    )
