"""What speaks for a line to be a heading, or to continue the line above: signs, weighed together.

The weights are in ``rules/line_signs.toml``. Above zero, the answer is yes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from extractor.language.book import read_table, rule
from extractor.language.wrapping import (
    ends_sentence,
    find_width,
    opens_bracket,
    runs_on,
)
from extractor.outline.lines import Line

Signs = Mapping[str, float]
"""The signs of a line, each with its weight."""
_FEW = 6
_MANY = 12
_SAME = 1
"""How many columns two lines may differ that begin at the same place."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A line with those beside it, and the width at which the text was wrapped."""

    line: Line
    above: Line | None
    below: Line | None
    width: int | None
    above_length: int = 0


@cache
def _weights(question: str) -> Mapping[str, float]:
    weights: Mapping[str, float] = read_table("line_signs")[question]
    return weights


def weigh(question: str, names: Iterator[str]) -> Signs:
    """Return the named signs with their weights for a question: ``heading`` or ``continues``."""
    weights = _weights(question)
    return {name: weights[name] for name in ("start", *names)}


def is_yes(signs: Signs) -> bool:
    """Return what the signs say together."""
    return sum(signs.values()) > 0


def is_doubtful(signs: Signs) -> bool:
    """Return whether the signs nearly say the opposite."""
    return abs(sum(signs.values())) <= read_table("line_signs")["doubt"]


def measure_width(lines: Sequence[Line]) -> int | None:
    """Return the width at which a text was wrapped; None if it was not."""
    lengths = [measure(line) for line in lines]
    broken: list[int] = []
    for place in range(1, len(lines)):
        line = lines[place]
        if not line.mark and not line.gap and line.text[:1].islower():
            broken.append(lengths[place - 1])
    return find_width(broken, lengths)


def measure(line: Line) -> int:
    """Return the number of characters of a line, with what is before its words."""
    return line.text_column + len(line.text)


def weigh_continuation(place: Beside) -> Signs:
    """Return what speaks for a line without a mark to continue the one above."""
    return weigh("continues", _list_of_continuation(place))


def _list_of_continuation(place: Beside) -> Iterator[str]:
    line = place.line
    above = place.above
    if above is None:
        return
    text = line.text
    end = above.text
    is_open = runs_on(end) or opens_bracket(end) or end.endswith(",")
    if text[:1].islower() or text[:1] in "(,;/+&":
        yield "small_letter"
    if runs_on(end):
        yield "above_runs_on"
    if opens_bracket(end):
        yield "open_bracket"
    if end.endswith(",") and not text[:1].isupper():
        yield "above_comma"
    if end.endswith(":"):
        yield "above_colon"
    elif ends_sentence(end):
        yield "above_ended"
    if line.gap:
        yield "blank_line"
    is_indented = line.column > 0 and abs(line.column - above.text_column) <= _SAME
    if is_indented and above.mark:
        yield "same_column"
    if above.mark and line.column < above.column:
        yield "further_left"
    if place.width:
        first_word = text.split(maxsplit=1)[0]
        fits = place.above_length + 1 + len(first_word) <= place.width
        yield "above_short" if fits else "above_full"
    if text[:1].isupper() and not is_open:
        yield "capital_after_break"
    if text.rstrip().endswith(":"):
        yield "ends_with_colon"
    if _finds("group_title", line):
        yield "group_name"
    if _finds("joins_clause", line):
        yield "joins_clause"


def weigh_heading(place: Beside) -> Signs:
    """Return what speaks for a line to be a heading of the lines below it, by its looks."""
    return weigh("heading", _list_of_heading(place))


def _list_of_heading(place: Beside) -> Iterator[str]:
    line = place.line
    below = place.below
    text = line.text.rstrip(" *_")
    words = text.split()
    if text.endswith((":", ":-")):
        yield "colon"
    if below is None:
        yield "nothing_below"
    elif below.mark and not line.mark:
        yield "no_mark_among_marks"
    if below and below.mark and below.column > line.column + _SAME:
        yield "deeper_below"
    if place.above and place.above.mark and not line.mark:
        yield "marks_above"
    if len(words) <= _FEW:
        yield "few_words"
    elif len(words) > _MANY:
        yield "many_words"
    is_emphatic = line.hashes > 0 or line.text.startswith("**")
    if is_emphatic or (text.isupper() and len(text) > 5):
        yield "emphasis"
    if _ends(line, "topic"):
        yield "topic"
    names_people = _finds("population", line)
    if names_people:
        yield "people"
    if len(words) > 1 and text.istitle():
        yield "title_case"
    if line.gap:
        yield "blank_above"
    if text.endswith((".", ";", ",")):
        yield "ends_sentence"
    if _finds("says_of_people", line):
        yield "states"
    if not names_people and any(word[:1].isdigit() for word in words):
        yield "number"
    if text[:1].islower():
        yield "small_letter"


def _finds(name: str, line: Line) -> bool:
    """Return whether the words of a line, alone, have what a rule describes."""
    passage = line.passage
    tokens = passage.tokens.cut(passage.first, min(passage.end, passage.first + 30))
    return rule(name).occurs(tokens)


def _ends(line: Line, name: str) -> bool:
    passage = line.passage
    tokens = passage.tokens.cut(passage.first, passage.end)
    return rule(name).ends(tokens, len(tokens)) is not None
