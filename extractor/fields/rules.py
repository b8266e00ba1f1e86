"""The token rules of custom fields: compiled with the rule book, checked, and read in a passage."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from extractor.errors import FieldError
from extractor.text.book import load_book, read_text
from extractor.text.lexer import Tokens
from extractor.text.patterns import Found, Rule, RuleError, make_rule

from .declaration import CustomField, FieldRule

_CAPTURE = re.compile(r"\b\w{1,40}=")
_WORD = re.compile(r"[^\W\d_]{3,}")
"""Words that say something if a rule and a near miss share them."""


@cache
def compile_rules(field: CustomField) -> tuple[tuple[Rule, FieldRule], ...]:
    """The rules of a field. Their words are known from then on, so call it before texts are read."""
    book = load_book().rules
    return tuple(
        (make_rule(name=f"{field.name} {number}", pattern=one.pattern, book=book), one)
        for number, one in enumerate(field.rules, start=1)
    )


def check_rules(field: CustomField) -> None:
    """Raise ``FieldError`` for a rule that cannot be read, misses an example, or finds a near miss."""
    try:
        for rule, declared in compile_rules(field):
            named = rule.expression.groupindex.keys() | declared.gives.keys()
            known = {one.name for one in field.attributes}
            if unknown := sorted(named - known):
                _refuse(field, declared, f"{', '.join(unknown)} is no attribute of the field")
            if lacking := [one.name for one in field.attributes if one.required and one.name not in named]:
                _refuse(field, declared, f"it gives no {', '.join(lacking)}, which the field requires")
            for text in declared.examples:
                if next(find_claims(rule, declared, field, read_text(text)), None) is None:
                    _refuse(field, declared, f"it finds nothing in its example {text!r}")
            words = {
                word.casefold()
                for word in _WORD.findall(f"{_CAPTURE.sub('', declared.pattern)} {' '.join(declared.examples)}")
            }
            for text in declared.near_misses:
                if rule.search(read_text(text)):
                    _refuse(field, declared, f"it finds its near miss {text!r}")
                if words.isdisjoint(word.casefold() for word in _WORD.findall(text)):
                    _refuse(
                        field, declared, f"its near miss {text!r} shares no word with the rule, so it proves nothing"
                    )
    except (RuleError, re.error) as error:
        where = "docs/how-to/your-own-fields.md shows the language"
        raise FieldError(f"{field.name}: a rule cannot be read: {error}; {where}") from error


def _refuse(field: CustomField, declared: FieldRule, problem: str) -> None:
    raise FieldError(f"{field.name}: rule {declared.pattern!r}: {problem}")


def find_claims(
    rule: Rule, declared: FieldRule, field: CustomField, tokens: Tokens, first: int = 0, end: int | None = None
) -> Iterator[tuple[Found, dict[str, Any]]]:
    """Where a rule finds something, with the values that can be read of it."""
    for found in rule.find(tokens, first, end):
        values: dict[str, Any] = {}
        for attribute in field.attributes:
            given = found.read(attribute.name) or declared.gives.get(attribute.name)
            try:
                if given is not None:
                    values[attribute.name] = attribute.read_all(given)
            except ValueError:
                continue
        if values and all(one.name in values for one in field.attributes if one.required):
            yield found, values
