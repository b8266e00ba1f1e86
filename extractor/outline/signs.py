"""Weigh the signs that a line is a heading or continues the line above. The weights are in
``weights/line_signs.toml``; a total above zero means yes.
"""

from collections.abc import Mapping, Sequence
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


def weigh(question: str, conditions: Mapping[str, bool]) -> float:
    """Return the sum of the weights of the conditions that are met, for a question (``heading`` or
    ``continues``). Above zero means yes, and exactly 0 is a tie.
    """
    weights: Mapping[str, float] = read_weights("line_signs")[question]
    met = [weights[name] for name, is_met in conditions.items() if is_met]
    return round(weights["start"] + sum(met), 6)


def is_doubtful(total: float) -> bool:
    """Return whether the weights come close to giving the opposite answer."""
    return abs(total) <= _DOUBT


def measure_width(lines: Sequence[Line]) -> int | None:
    """Return the width at which a text was wrapped; None if it was not."""
    broken = [
        _measure(above)
        for above, line in pairwise(lines)
        if not line.mark and line.text[:1].islower()
    ]
    return find_width(broken, list(map(_measure, lines)))


def _measure(line: Line) -> int:
    """Return the length of a line, including its indentation and list marker."""
    return line.text_column + len(line.text)


def weigh_continuation(
    line: Line, above: Line, below: Line | None, width: int | None
) -> float:
    """Weigh the signs that a line without a list marker continues the line above. ``width`` is the
    width at which the text was wrapped; None if it was not.
    """
    return weigh(
        "continues",
        {
            **_read_words_between(line, above, below),
            **_read_columns(line, above, width),
        },
    )


def _read_words_between(line: Line, above: Line, below: Line | None) -> dict[str, bool]:
    """Return the signs based on the end of the line above and the words of the line."""
    end = above.text
    first_word = line.text.split(maxsplit=1)[0]
    is_word = first_word[0].islower() and first_word.islower()
    is_small = is_word or first_word[0] in "(,;/+&"
    is_open = runs_on(end) or opens_bracket(end) or end.endswith(",")
    is_colon = end.endswith(":")
    return {
        "small_letter": is_small,
        "above_small": is_small and end[:1].islower() and not above.mark,
        "above_runs_on": runs_on(end) or _is_unit_of(line, end),
        "open_bracket": opens_bracket(end),
        "above_colon": is_colon,
        "above_ended": ends_sentence(end) and not is_colon,
        "capital_after_break": line.text[:1].isupper() and not is_open,
        "small_below": bool(below and not below.mark and below.text[:1].islower()),
        "group_name": _finds("group_title", line),
        "joins_clause": _finds("joins_clause", line),
    }


def _is_unit_of(line: Line, above: str) -> bool:
    """Return whether a line begins with the unit of the number that ends the line above."""
    ends_with_number = above.rsplit(" ", maxsplit=1)[-1].replace(".", "").isdigit()
    if not ends_with_number:
        return False
    return find_unit(line.tokens, 0) is not None


def _read_columns(line: Line, above: Line, width: int | None) -> dict[str, bool]:
    """Return the signs based on the positions and lengths of a line and of the line above."""
    has_mark = bool(above.mark)
    is_below_words = abs(line.column - above.text_column) <= _SAME
    is_part_of_item = has_mark and not above.text.endswith(":")
    first_word = line.text.split(maxsplit=1)[0]
    fits = width is not None and _measure(above) + 1 + len(first_word) <= width
    return {
        "blank_line": line.gap,
        "hanging": line.column > above.column and not line.gap and not has_mark,
        "same_column": line.column > 0 and is_below_words and is_part_of_item,
        "counted_above": above.ordinal > 0 and not line.gap,
        "not_wrapped": width is None and not has_mark,
        "above_short": fits,
        "above_full": width is not None and not fits,
    }


def weigh_heading(line: Line, above: Line | None, below: Line | None) -> float:
    """Weigh the signs that a line without a list marker is a heading for the lines below it."""
    return weigh(
        "heading", {**_read_words(line), **_read_neighbours(line, above, below)}
    )


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


def _read_neighbours(
    line: Line, above: Line | None, below: Line | None
) -> dict[str, bool]:
    """Return the signs of a heading in the lines above and below a line."""
    marks_below = below is not None and bool(below.mark)
    is_deeper = below is not None and below.column > line.column + _SAME
    marks_above = above is not None and bool(above.mark)
    follows_colon = above is not None and above.text.endswith(":")
    is_title = is_title_case(line.text.split()) and not line.text.endswith(".")
    begins_items = marks_above or (follows_colon and is_title)
    return {
        "nothing_below": below is None,
        "no_mark_among_marks": marks_below,
        "deeper_below": marks_below and is_deeper,
        "marks_above": marks_above,
        "blank_above": line.gap,
        "between_items": begins_items and marks_below and line.gap,
        "value_below": _is_value(below),
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
