"""Describe the commas at which a flattened outcome may be split, for the scorer that chooses the
cuts.

An outcome has the form "measure, description, time frame". A cut is a pair of commas: the
description begins after the first comma, and the time frame after the second. The names and weights
of the features are in ``weights/outcome_cuts.toml``: ``t:`` features describe a time frame, ``d:``
features a description, and ``n:`` features a missing description. ``python -m
benchmarks.training.cut_weights`` fits the weights.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from extractor.language.book import rule, word_list
from extractor.language.lexer import Range
from extractor.language.passage import Passage, strip_span

Cut = tuple[int, int]
"""The indexes of the commas before the description and before the time frame. If there is no time
frame, the second index is the number of commas; if there is no description, both indexes are the
same.
"""

# The weights of the cuts were trained with it.
_MOST_STARTS = 18
"""Maximum number of commas, counted from the beginning, that may start a description."""
# The weights of the cuts were trained with it.
_MOST_ENDS = 14
"""Maximum number of commas, counted from the end, that may start a time frame."""


@dataclass(frozen=True)
class OutcomeItem:
    """A flattened outcome, with the tokens of the commas at which it may be split. Commas are
    numbered from 0, so segment ``n``, the tokens between two commas, ends at comma ``n``. ``tails``
    contains each text that follows a comma, with the number of outcomes in the cell that end with
    it.
    """

    whole: Passage
    commas: tuple[int, ...]
    tails: Counter[str]

    def segment(self, number: int) -> Range:
        """Return the tokens of a segment."""
        first = self.whole.first
        if number > 0:
            first = self.commas[number - 1] + 1
        return first, self.end_at(number)

    def end_at(self, number: int) -> int:
        """Return the token of a comma; for the index after the last comma, return the end of the
        outcome.
        """
        if number < len(self.commas):
            return self.commas[number]
        return self.whole.end

    def ends_with_stop(self, number: int) -> bool:
        """Return whether a full stop precedes a comma or the end of the outcome."""
        return self.whole.tokens.codes[self.end_at(number) - 1] == "."

    def tail(self, cut: int) -> Passage:
        """Return the part of the outcome after a comma."""
        return self.whole.part(self.commas[cut] + 1, self.whole.end)

    def before(self, cut: int) -> Passage:
        """Return the part of the outcome before a comma."""
        return self.whole.part(self.whole.first, self.commas[cut])

    def is_moment(self, number: int) -> bool:
        """Return whether a segment is only a time point: "week 4", "and 12", "Baseline"."""
        segment = self.segment(number)
        return rule("moment_alone").covers(self.whole.tokens, *segment) is not None

    def is_in_brackets(self, cut: int) -> bool:
        """Return whether a comma is inside brackets."""
        before = self.before(cut).text
        opened = sum(map(before.count, "([{"))
        closed = sum(map(before.count, ")]}"))
        return opened > closed

    def is_short_form(self, number: int) -> bool:
        """Return whether a segment is an abbreviation in capitals, as in "Overall survival, OS"."""
        first, end = self.segment(number)
        return end == first + 1 and self.whole.tokens.words[first].isupper()

    def is_reference(self, number: int) -> bool:
        """Return whether a segment refers to a standard or source: "according to RECIST"."""
        return _starts(self.whole.part(*self.segment(number)), "opens_reference")

    def lists_numbers(self, cut: int) -> bool:
        """Return whether a comma joins two numbers: "weeks 4, 8"."""
        words = self.whole.tokens.words
        comma = self.commas[cut]
        return words[comma - 1][-1].isdigit() and words[comma + 1][0].isdigit()


def find_barred_outcomes(cell: Passage) -> list[OutcomeItem]:
    """Return the outcomes in a cell, which are separated by bars. Only commas that are followed by
    a space are considered.

    >>> from extractor.language.passage import read_passage
    >>> [
    ...     item.whole.text
    ...     for item in find_barred_outcomes(read_passage("Pain, 2 weeks|Survival"))
    ... ]
    ['Pain, 2 weeks', 'Survival']
    """
    tokens = cell.tokens
    tails = Counter[str]()
    items = []
    bars = [at for at in range(cell.first, cell.end) if tokens.codes[at] == "|"]
    for before, bar in pairwise([cell.first - 1, *bars, cell.end]):
        first, end = strip_span(tokens.codes, before + 1, bar, "\n")
        if first >= end:
            continue
        commas = tuple(
            at
            for at in range(first + 1, end - 1)
            # the registry writes a space after the commas between parts; "1,000" has none
            if tokens.codes[at] == "," and tokens.text[tokens.ends[at]] == " "
        )
        item = OutcomeItem(cell.part(first, end), commas, tails)
        ends = range(max(0, len(commas) - _MOST_ENDS), len(commas))
        tails.update(item.tail(cut).text for cut in ends)
        items.append(item)
    return items


def describe_cuts(item: OutcomeItem) -> Iterator[tuple[Cut, list[str]]]:
    """Yield every possible cut with its features, including cuts without a time frame or without a
    description. Only the first ``_MOST_STARTS`` commas may begin a description, and only the last
    ``_MOST_ENDS`` commas may begin a time frame, so that the running time is linear.
    """
    count = len(item.commas)
    starts = range(min(count, _MOST_STARTS))
    of_start = [_describe_description(item, cut) for cut in starts]
    for end in (count, *_list_ends(item)):
        of_end = _describe_no_time(item) if end == count else _describe_time(item, end)
        yield (end, end), of_end + _describe_no_description(item, end)
        if item.ends_with_stop(end):
            of_end = [*of_end, "d:full stop"]
        for start in range(min(end, len(of_start))):
            yield (start, end), of_end + of_start[start]


def _list_ends(item: OutcomeItem) -> list[int]:
    """Return the commas that may begin a time frame, starting with the last. A comma within a list
    such as "weeks 4, 8, 12" is included only if it is the last comma.
    """
    last = len(item.commas) - 1
    ends = []
    for cut in range(last, -1, -1):
        following = item.segment(cut + 1)
        is_number = rule("bare_number").covers(item.whole.tokens, *following)
        # a time frame is seldom only the end of a list of numbers
        if cut == last or not is_number or not item.lists_numbers(cut):
            ends.append(cut)
    return ends[:_MOST_ENDS]


def _describe_no_time(item: OutcomeItem) -> list[str]:
    """Return features of an outcome that has no time frame but whose last segment may look like
    one.
    """
    last = item.segment(len(item.commas))
    if item.whole.part(*last).search("time_word"):
        return ["t:none", "t:none last has time"]
    return ["t:none"]


def _describe_time(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of a time frame that begins after a comma. Sponsors often use the same time
    frame for all outcomes in a cell.
    """
    frame = item.tail(cut)
    text = frame.text
    opening = rule("part_opening").starts(frame.tokens, frame.first, frame.end)
    # the name of the matching branch: "Up to 2 years" opens with a limit
    kind: str | None = "other"
    if opening:
        kind = opening.match.lastgroup
    later = range(cut + 1, len(item.commas) + 1)
    sharing = item.tails[text]
    is_cut_short = cut > 0 and item.tails[item.tail(cut - 1).text] > 1
    features = {
        "t:capital": text[:1].isupper(),
        "t:sentence before": _ends_sentence(item.before(cut)),
        "t:has moment": frame.search("moment"),
        "t:in brackets": item.is_in_brackets(cut),
        "t:fragment before": item.is_moment(cut),
        "t:all fragments": all(map(item.is_moment, later)),
        "t:number list before": item.lists_numbers(cut),
        "t:shared": sharing > 1,
        "t:shared often": sharing > 3,
        # words that are also shared from an earlier comma begin there: "Baseline, week 4"
        "t:shared, longer shared too": sharing > 1 and is_cut_short,
    }
    return [f"t:opens {kind}", *_list_present(features)]


def _describe_description(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of a description that begins after a comma, and of the preceding measure."""
    measure = item.before(cut)
    description = item.tail(cut)
    of_measure = _list_plain_words(measure)
    beginning = _list_plain_words(description)[:8]
    content = [word for word in beginning if word not in word_list("small_words")]
    repeated = sum(word in of_measure for word in content)
    share = repeated / max(1, len(content))
    features = {
        "d:first comma": cut == 0,
        "d:capital": description.text[:1].isupper(),
        "d:sentence before": _ends_sentence(measure),
        "d:in brackets": item.is_in_brackets(cut),
        "d:defines": _starts(description, "opens_definition"),
        "d:presents": _starts(description, "opens_sentence"),
        "d:connects": _starts(description, "opens_connection"),
        "d:reads as time frame": _starts(description, "timely_opening"),
        "d:number list before": item.lists_numbers(cut),
        # "Overall survival, OS", and "Response, according to RECIST"
        "d:short form": item.is_short_form(cut + 1),
        "d:refers in measure": any(map(item.is_reference, range(1, cut + 1))),
        "d:measure over 35 words": len(of_measure) > 35,
        "d:repeats most": share >= 0.6,
        "d:repeats some": 0.3 <= share < 0.6,
        "d:same first word": beginning and beginning[:1] == of_measure[:1],
    }
    return _list_present(features)


def _describe_no_description(item: OutcomeItem, end: int) -> list[str]:
    """Return features of an outcome without a description, whose measure ends at comma ``end`` or
    with the outcome.
    """
    last = item.end_at(end)
    word_count = len(_list_plain_words(item.whole.part(item.whole.first, last)))
    features = {
        "n:none": True,
        "n:one comma": end == 1,
        "n:over 40 words": word_count > 40,
        "n:full stop": item.ends_with_stop(end),
    }
    return _list_present(features)


def _list_present(features: Mapping[str, object]) -> list[str]:
    return [name for name, is_present in features.items() if is_present]


def _starts(part: Passage, name: str) -> bool:
    """Return whether a rule matches at the beginning of a part."""
    return rule(name).starts(part.tokens, part.first, part.end) is not None


def _ends_sentence(part: Passage) -> bool:
    return part.text.endswith((".", "?", ":", ".)", '."'))


def _list_plain_words(part: Passage) -> list[str]:
    """Return the words and numbers of a part in lower case."""
    words = part.tokens.words[part.first : part.end]
    return [word.lower() for word in words if word[0].isalnum()]
