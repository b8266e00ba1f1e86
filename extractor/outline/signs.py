"""Weigh the signs that a line is a heading or continues the line above. The weights are in
``weights/line_signs.toml``; a total above zero means yes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from extractor.language.book import read_weights, rule
from extractor.language.units import find_unit
from extractor.language.wrapping import (
    ends_sentence,
    find_width,
    opens_bracket,
    runs_on,
)
from extractor.outline.lines import Line

Signs = Mapping[str, float]
"""The names of the signs that apply to a line, with their weights."""
_FOOTNOTE = re.compile(r"\*+\w")
_DOUBT = 0.5
"""The highest total, above or below zero, that is doubtful."""
_FEW = 6
_MANY = 12
"""A heading usually has at most ``_FEW`` words, and rarely more than ``_MANY``."""
_SHORT_VALUE = 5
"""Maximum number of tokens in a line that is only a value."""
_LETTERS = 5
"""A line of capitals with at most this many letters is treated as an abbreviation."""
_SAME = 1
"""Maximum number of columns by which the starts of two aligned lines may differ."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A line with its neighbours. ``width`` is the width at which the text was wrapped (None if it
    was not), and ``above_length`` is the length of the line above.
    """

    line: Line
    above: Line | None
    below: Line | None
    width: int | None
    above_length: int = 0


def weigh(question: str, conditions: Mapping[str, bool]) -> Signs:
    """Return the conditions that are met, with their weights for a question (``heading`` or
    ``continues``), and the ``start`` weight.
    """
    weights = read_weights("line_signs")[question]
    signs = {"start": weights["start"]}
    for name, is_met in conditions.items():
        if is_met:
            signs[name] = weights[name]
    return signs


def is_yes(signs: Signs) -> bool:
    """Return whether the weights of the signs add up to more than zero."""
    return sum_up(signs) > 0


def sum_up(signs: Signs) -> float:
    """Return the sum of the weights without rounding errors, so that a tie is exactly 0."""
    return round(sum(signs.values()), 6)


def is_doubtful(signs: Signs) -> bool:
    """Return whether the signs come close to giving the opposite result."""
    return abs(sum_up(signs)) <= _DOUBT


def measure_width(lines: Sequence[Line]) -> int | None:
    """Return the width at which a text was wrapped; None if it was not."""
    broken = [
        measure(above)
        for above, line in pairwise(lines)
        if not line.mark and not line.gap and line.text[:1].islower()
    ]
    return find_width(broken, [measure(line) for line in lines])


def measure(line: Line) -> int:
    """Return the length of a line, including its indentation and list marker."""
    return line.text_column + len(line.text)


def weigh_continuation(place: Beside) -> Signs:
    """Return the signs that a line without a list marker continues the line above."""
    above = place.above
    assert above
    conditions = {
        **_read_end(place.line, above),
        **_read_begin(place),
        **_read_columns(place.line, above),
        **_read_width(place, above),
    }
    return weigh("continues", conditions)


def _read_width(place: Beside, above: Line) -> dict[str, bool]:
    """Return the signs based on the length of the line above."""
    has_mark = bool(above.mark)
    if not place.width:
        return {"not_wrapped": not has_mark}
    first_word = place.line.text.split(maxsplit=1)[0]
    fits = place.above_length + 1 + len(first_word) <= place.width
    return {
        "above_short": fits,
        "above_full": not fits,
        "item_full": not fits and has_mark and not place.line.gap,
    }


def _read_end(line: Line, above: Line) -> dict[str, bool]:
    """Return the signs based on the end of the line above and the first letter of the line."""
    end = above.text
    first_word = line.text.split(maxsplit=1)[0]
    is_small = first_word[0].islower() and first_word.islower()
    begins_small = is_small or first_word[0] in "(,;/+&"
    is_capital = line.text[:1].isupper()
    is_open = runs_on(end) or opens_bracket(end) or end.endswith(",")
    is_colon = end.endswith(":")
    return {
        "small_letter": begins_small,
        "above_small": begins_small and end[:1].islower() and not above.mark,
        "above_runs_on": runs_on(end) or _is_unit_of(line, end),
        "open_bracket": opens_bracket(end),
        "above_colon": is_colon,
        "above_ended": ends_sentence(end) and not is_colon,
        "capital_after_break": is_capital and not is_open,
    }


def _is_unit_of(line: Line, above: str) -> bool:
    """Return whether a line begins with the unit of the number that ends the line above."""
    ends_with_number = above.rsplit(" ", maxsplit=1)[-1].replace(".", "").isdigit()
    if not ends_with_number:
        return False
    return find_unit(line.tokens, 0) is not None


def _read_begin(place: Beside) -> dict[str, bool]:
    """Return the signs based on the words of a line and the first letter of the line below."""
    line = place.line
    below = place.below
    return {
        "small_below": bool(below and not below.mark and below.text[:1].islower()),
        "group_name": _finds("group_title", line),
        "footnote": _FOOTNOTE.match(line.text) is not None,
        "joins_clause": _finds("joins_clause", line),
    }


def _read_columns(line: Line, above: Line) -> dict[str, bool]:
    """Return the signs based on the positions of a line and of the line above."""
    is_below_words = abs(line.column - above.text_column) <= _SAME
    is_part_of_item = bool(above.mark) and not above.text.endswith(":")
    is_further_right = line.column > above.column and not line.gap
    return {
        "blank_line": line.gap,
        "hanging": is_further_right and not above.mark,
        "same_column": line.column > 0 and is_below_words and is_part_of_item,
        "counted_above": above.ordinal > 0 and not line.gap,
    }


def weigh_heading(place: Beside) -> Signs:
    """Return the signs that a line is a heading for the lines below it."""
    return weigh("heading", {**_read_words(place.line), **_read_neighbours(place)})


def _read_words(line: Line) -> dict[str, bool]:
    """Return the signs of a heading in the words of a line."""
    text = line.text.rstrip(" *_")
    words = text.split()
    is_capitals = text.isupper() and len(text) > _LETTERS
    names_people = _finds("population", line)
    has_number = any(word[:1].isdigit() for word in words)
    return {
        "colon": text.endswith((":", ":-")),
        "few_words": len(words) <= _FEW,
        "many_words": len(words) > _MANY,
        "emphasis": line.hashes > 0 or line.text.startswith("**") or is_capitals,
        "topic": ends_with(line, "topic"),
        "group_name": _finds("group_title", line),
        "people": names_people,
        "title_case": len(words) > 1 and not is_capitals and is_title_case(words),
        "ends_sentence": text.endswith((".", ";", ",")),
        "says_of_people": _finds("says_of_people", line),
        "number": has_number and not names_people,
        "small_letter": text[:1].islower(),
    }


def _read_neighbours(place: Beside) -> dict[str, bool]:
    """Return the signs of a heading in the lines above and below a line."""
    line = place.line
    has_mark = bool(line.mark)
    marks_below = place.below is not None and bool(place.below.mark)
    marks_above = place.above is not None and bool(place.above.mark)
    column_below = 0
    if place.below:
        column_below = place.below.column
    follows_colon = place.above is not None and place.above.text.endswith(":")
    is_title = is_title_case(line.text.split()) and not line.text.endswith(".")
    begins_items = marks_above or (follows_colon and is_title)
    return {
        "nothing_below": place.below is None,
        "no_mark_among_marks": marks_below and not has_mark,
        "deeper_below": marks_below and column_below > line.column + _SAME,
        "marks_above": marks_above and not has_mark,
        "blank_above": line.gap,
        "between_items": begins_items and marks_below and not has_mark and line.gap,
        "value_below": not has_mark and _is_value(place.below),
    }


def is_title_case(words: Sequence[str]) -> bool:
    """Return whether each word begins with a capital.

    >>> is_title_case(["Parkinson's", "Disease"])
    True
    """
    return all(word[0].isupper() for word in words if word[0].isalpha())


def _is_value(line: Line | None) -> bool:
    """Return whether a line is only a value, such as "At least 8 weeks"."""
    if line is None:
        return False
    if len(line.tokens) > _SHORT_VALUE:
        return False
    return rule("level").starts(line.tokens, 0) is not None


def _finds(name: str, line: Line) -> bool:
    """Return whether a rule matches within the first words of a line."""
    passage = line.passage
    tokens = passage.tokens.cut(passage.first, min(passage.end, passage.first + 30))
    return rule(name).occurs(tokens)


def ends_with(line: Line, name: str) -> bool:
    """Return whether a rule matches the end of a line."""
    tokens = line.tokens
    return rule(name).ends(tokens, len(tokens)) is not None
