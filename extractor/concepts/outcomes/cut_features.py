"""Describe the commas at which a flattened outcome may be cut, for the scorer of the cuts.

An outcome is "measure, description, time frame". A cut is the number of a comma: the description
begins after one comma, the time frame after another. Commas are counted from 0, so segment ``n``,
the tokens between two commas, ends at comma ``n``, and segment ``cut + 1`` follows comma ``cut``.

The names and weights of the features are in ``weights/outcome_cuts.toml``: ``t:`` about a time
frame, ``d:`` about a description, ``n:`` about the lack of one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from extractor.language.book import rule, word_list
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import strip_span

Cuts = tuple[int | None, int | None]
"""The numbers of the commas before the description and before the time frame; None for a missing
part.
"""

_MOST_STARTS = 18
"""How many commas, counted from the first, may begin a description."""
_MOST_ENDS = 14
"""How many commas, counted from the last, may begin a time frame."""
_LONGEST_TAILS = 14
"""How many commas, counted from the last, have their final text compared with other items."""


@dataclass(frozen=True, slots=True)
class OutcomeItem:
    """One flattened outcome, the tokens ``first:end`` of a cell, and the commas at which it may be
    cut, as tokens.

    ``inside`` tells for each comma whether it is in brackets. For the whole cell, ``tails`` counts
    the items with each final text, and ``plain_share`` is the share of other items with at most one
    comma: without a description.
    """

    tokens: Tokens
    first: int
    end: int
    commas: tuple[int, ...]
    inside: tuple[bool, ...]
    tails: Counter[str]
    plain_share: float = 0.0

    def segment(self, number: int) -> Range:
        """Return the tokens between two neighbouring commas. Segment 0 precedes the first comma,
        and the last one follows the last comma.
        """
        first = self.first
        if number > 0:
            first = self.commas[number - 1] + 1
        return first, self.find_end(number)

    def find_end(self, number: int) -> int:
        """Return the token of a comma; the end of the item behind its last comma."""
        if number < len(self.commas):
            return self.commas[number]
        return self.end

    def tail(self, cut: int) -> str:
        """Return the text from a comma to the end of the item."""
        return self.quote((self.commas[cut] + 1, self.end))

    def quote(self, piece: Range) -> str:
        """Return the text of a piece."""
        return self.tokens.read(*piece)

    def words(self, piece: Range) -> list[str]:
        """Return the words and numbers of a piece in lower case."""
        first, end = piece
        words = self.tokens.words[first:end]
        return [word.lower() for word in words if word[0].isalnum()]

    def opens(self, name: str, piece: Range) -> bool:
        """Return whether a rule matches at the start of a piece."""
        return rule(name).starts(self.tokens, *piece) is not None

    def holds(self, name: str, piece: Range) -> bool:
        """Return whether a rule matches in a piece."""
        return rule(name).search(self.tokens, *piece) is not None

    def is_moment(self, number: int) -> bool:
        """Return whether a segment is only a moment: "week 4", "and 12", "Baseline"."""
        segment = self.segment(number)
        return rule("moment_alone").covers(self.tokens, *segment) is not None

    def follows_number(self, cut: int) -> bool:
        """Return whether a number, or a word that ends with a digit, precedes a comma."""
        comma = self.commas[cut]
        if comma <= self.first:
            return False
        return self.tokens.words[comma - 1][-1].isdigit()

    def has_sentence(self, piece: Range) -> bool:
        """Return whether a sentence ends within a piece: "Pain. The score", not "1.1" or "Pain.
        worst".
        """
        for stop in rule("full_stop").find(self.tokens, *piece):
            behind = stop.end - 1  # the rule ends with the word behind the full stop
            if self.tokens.joined(behind):
                continue
            if self.tokens.words[behind][0].isupper():
                return True
        return False


def find_items(tokens: Tokens) -> list[OutcomeItem]:
    """Return the items of a cell, separated by bars.

    >>> [
    ...     item.quote((item.first, item.end))
    ...     for item in find_items(read_text("Pain, 2 weeks|Survival"))
    ... ]
    ['Pain, 2 weeks', 'Survival']
    """
    items = []
    tails = Counter[str]()
    for first, end in _split_at_bars(tokens):
        commas = _find_commas(tokens, first, end)
        for comma in commas[-_LONGEST_TAILS:]:
            tail = tokens.read(comma + 1, end)
            tails[tail] += 1
        inside = _mark_bracketed(tokens, first, commas)
        items.append(OutcomeItem(tokens, first, end, commas, inside, tails))

    plain = [item for item in items if len(item.commas) <= 1]
    others = max(1, len(items) - 1)
    complete = []
    for item in items:
        plain_others = len(plain)
        # an item is no neighbour of itself
        if len(item.commas) <= 1:
            plain_others -= 1
        complete.append(replace(item, plain_share=plain_others / others))
    return complete


def _split_at_bars(tokens: Tokens) -> Iterator[Range]:
    """Yield the tokens between bars, without line breaks at their edges. Empty pieces are left
    out.
    """
    start = 0
    while start <= len(tokens):
        bar = tokens.codes.find("|", start)
        if bar < 0:
            bar = len(tokens)
        first, end = strip_span(tokens.codes, start, bar, "\n")
        if first < end:
            yield first, end
        start = bar + 1


def _find_commas(tokens: Tokens, first: int, end: int) -> tuple[int, ...]:
    """Return the commas before a space, since the registry joins parts by ", "."""
    commas = []
    for at in range(first, end - 1):
        if tokens.codes[at] != ",":
            continue
        if tokens.text.startswith(" ", tokens.ends[at]):
            commas.append(at)
    return tuple(commas)


def _mark_bracketed(
    tokens: Tokens, first: int, commas: Sequence[int]
) -> tuple[bool, ...]:
    """Return for each comma whether it is in brackets of any kind. A closing bracket too many
    counts for nothing.
    """
    marks = []
    depth = 0
    start = first
    for comma in commas:
        piece = tokens.codes[start:comma]
        opened = piece.count("(") + piece.count("[") + piece.count("{")
        closed = piece.count(")") + piece.count("]") + piece.count("}")
        depth = max(0, depth + opened - closed)
        marks.append(depth > 0)
        start = comma
    return tuple(marks)


def describe_cuts(item: OutcomeItem) -> Iterator[tuple[Cuts, list[str]]]:
    """Yield every pair of cuts with its features: with and without a time frame, and each of these
    with and without a description before it.

    Only the first ``_MOST_STARTS`` commas may begin a description and the last ``_MOST_ENDS`` a
    time frame, so that time stays linear.
    """
    count = len(item.commas)
    starts = range(min(count, _MOST_STARTS))
    of_start = [_describe_start(item, cut) for cut in starts]
    found_verbs = rule("verb").find(item.tokens, item.first, item.end)
    verbs = [verb.first for verb in found_verbs]
    for end in (None, *_list_ends(item)):
        # without a time frame, the part before it ends with the item
        last = count if end is None else end
        of_end = _describe_time_frame(item, end)
        yield (None, end), of_end + _describe_no_description(item, last)
        for start in range(min(last, len(of_start))):
            of_description = _describe_description(item, start, last, verbs)
            yield (start, end), of_end + of_start[start] + of_description


def _list_ends(item: OutcomeItem) -> list[int]:
    """Return the commas that may begin a time frame, the last first and at most ``_MOST_ENDS``.
    Commas inside a list of numbers, "weeks 4, 8, 12", begin none. The last comma stays in any
    case.
    """
    tokens = item.tokens
    ends: list[int] = []
    for cut in range(len(item.commas) - 1, -1, -1):
        following = item.segment(cut + 1)
        is_number = rule("bare_number").covers(tokens, *following) is not None
        is_listed = is_number and item.follows_number(cut)
        if ends and is_listed:
            continue
        ends.append(cut)
    return ends[:_MOST_ENDS]


# The features of a cut are added up in single precision, so their order decides the last digit of
# a confidence: a new feature goes to the end of its function.


def _describe_time_frame(item: OutcomeItem, cut: int | None) -> list[str]:
    """Return features of a time frame after comma ``cut``; without one, of the last segment, which
    may be a time frame that is not cut off.
    """
    if cut is None:
        features = ["t:none"]
        last = item.segment(len(item.commas))
        if item.holds("time_word", last):
            features.append("t:none last has time")
        return features
    return [
        *_describe_time_words(item, cut),
        *_describe_time_neighbours(item, cut),
        *_describe_shared_time(item, cut),
    ]


def _describe_time_words(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of the words of a time frame after comma ``cut``, and of the end of the
    sentence before it.
    """
    piece = (item.commas[cut] + 1, item.end)
    opening = rule("part_opening").starts(item.tokens, *piece)
    # the name of the rule's branch: "Up to 2 years" opens with a limit
    kind = opening.match.lastgroup if opening else "other"
    features = [f"t:opens {kind}"]
    if item.tail(cut)[:1].isupper():
        features.append("t:capital")
    before = item.quote(item.segment(cut))
    if before.endswith((".", "?", ".)", '."')):
        features.append("t:sentence before")
    if not item.holds("time_word", piece):
        features.append("t:no time word")
    if item.holds("moment", piece):
        features.append("t:has moment")
    words = len(item.words(piece))
    if words > 12:
        features.append("t:over 12 words")
    if words > 30:
        features.append("t:over 30 words")
    if item.inside[cut]:
        features.append("t:in brackets")
    return features


def _describe_time_neighbours(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of the segments before and behind the comma that begins a time frame.

    They tell a comma before a time frame from one within it: "From baseline, week 4, week 8".
    """
    features = []
    count = len(item.commas)
    if item.is_moment(cut):
        features.append("t:fragment before")
    before = item.segment(cut)
    if item.opens("opens_from", before):
        features.append("t:open from before")
    # "From baseline, week 4, week 8": the time frame began up to four segments further in front
    furthest = max(1, cut - 4)
    further = [item.segment(number) for number in range(furthest, cut)]
    if any(item.opens("opens_from", segment) for segment in further):
        features.append("t:from further before")
    if cut == count - 1:
        features.append("t:last")
    behind = range(cut + 1, count + 1)
    if all(item.is_moment(number) for number in behind):
        features.append("t:all fragments")
    opens_with_number = item.tail(cut)[:1].isdigit()
    if opens_with_number and item.follows_number(cut):
        features.append("t:number list before")
    if item.is_moment(cut + 1):
        features.append("t:first fragment")
    return features


def _describe_shared_time(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of a time frame beside those of the cell's other items: sponsors often
    measure all outcomes at the same times.
    """
    features = []
    text = item.tail(cut)
    sharing = item.tails[text]
    if sharing > 1:
        features.append("t:shared")
    if sharing > 3:
        features.append("t:shared often")
    before = item.quote(item.segment(cut))
    if text.endswith(".") and not before.endswith("."):
        features.append("t:full stop at end, not before")
    if cut == 0 or sharing <= 1:
        return features
    # words that are shared from an earlier comma on begin there: "Baseline, week 4"
    longer = item.tail(cut - 1)
    if item.tails[longer] > 1:
        features.append("t:shared, longer shared too")
    return features


def _describe_start(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of a description that begins after comma ``cut``, independent of its end."""
    comma = item.commas[cut]
    before = (item.first, comma)
    behind = (comma + 1, item.end)
    in_brackets = rule("bracketed_word").find(item.tokens, *before)
    bracketed = [word.read("name") or "" for word in in_brackets]
    return [
        *_describe_opening(item, cut, before, behind),
        *_describe_close_of_measure(item, cut, before, bracketed),
        *_describe_measure(item, cut, before, behind),
        *_describe_repetition(item, before, behind, bracketed),
    ]


def _describe_opening(
    item: OutcomeItem, cut: int, before: Range, behind: Range
) -> list[str]:
    """Return features of the first words of a description after comma ``cut``, and of the end of
    the sentence before it. ``before`` and ``behind`` are the tokens on both sides of the comma.
    """
    features = []
    text = item.tail(cut)
    if cut == 0:
        features.append("d:first comma")
    if text[:1].isupper():
        features.append("d:capital")
    if text[:1].isdigit():
        features.append("d:digit")
    if item.quote(before).endswith((".", "?", ":")):
        features.append("d:sentence before")
    if item.inside[cut]:
        features.append("d:in brackets")
    if item.opens("opens_definition", behind):
        features.append("d:defines")
    if item.opens("opens_reference", behind):
        features.append("d:refers")
    if item.opens("opens_sentence", behind):
        features.append("d:presents")
    if item.opens("opens_connection", behind):
        features.append("d:connects")
    return features


def _describe_close_of_measure(
    item: OutcomeItem, cut: int, before: Range, bracketed: Sequence[str]
) -> list[str]:
    """Return features of the words with which the measure ends before its description.

    ``before`` are the tokens of the measure, up to comma ``cut``; ``bracketed`` its words in
    brackets, such as "OS" of "Overall survival (OS)". At the first comma, features of several
    segments do not apply.
    """
    features = []
    words = item.tokens.words
    has_segments = cut > 0
    last = item.segment(cut)
    last_word = words[last[0]]
    following_word = words[item.commas[cut] + 1]
    # "Overall survival, OS, ...": the short form belongs to the measure
    if has_segments:
        before_last = (item.first, item.commas[cut - 1])
        if _abbreviates(item, last, before_last):
            features.append("d:abbreviation closes measure")
    acronyms = [word for word in bracketed if _is_acronym(word)]
    if len(acronyms) > 1:
        features.append("d:two abbreviations in measure")
    if _is_abbreviated(item, item.segment(0)):
        where = "earlier" if has_segments else "before"
        features.append(f"d:abbreviated measure {where}")
    if has_segments and last_word == following_word:
        features.append("d:phrase before is a repetition")
    if item.quote(before).endswith(")"):
        features.append("d:bracket closes measure")
    following = item.segment(cut + 1)
    are_short = _is_short(item, last) and _is_short(item, following)
    if has_segments and are_short:
        features.append("d:short segments")
    # "pain, sleep, and mood": the list ends before the description
    if has_segments and last_word.lower() in ("and", "or"):
        features.append("d:list closed before")
    return features


def _describe_measure(
    item: OutcomeItem, cut: int, before: Range, behind: Range
) -> list[str]:
    """Return features of the measure before a description, which show that a description began
    further in front, and of whether the supposed description is a time frame.

    ``before`` are the tokens of the item up to comma ``cut``, ``behind`` those from there on.
    Commas are counted from 0, so the segment directly behind comma ``cut`` is ``cut + 1``.
    """
    features = []
    following = item.segment(cut + 1)
    words = len(item.words(before))
    if words > 20:
        features.append("d:measure over 20 words")
    if words > 35:
        features.append("d:measure over 35 words")
    if item.has_sentence(before):
        features.append("d:sentence in measure")
    behind_first_comma = [item.segment(number) for number in range(1, cut + 1)]
    # ", according to RECIST" opens a description
    if any(item.opens("opens_reference", segment) for segment in behind_first_comma):
        features.append("d:refers in measure")
    if item.holds("passive_verb", before):
        features.append("d:verb in measure")
    # most other outcomes of the record have no description
    if item.plain_share > 0.5:
        features.append("d:plain neighbours")
    # "week 4" between commas is a piece of a list of times
    if item.is_moment(cut + 1):
        features.append("d:fragment")
    following_words = item.quote(following).split()
    if len(following_words) <= 8 and item.opens("timely_opening", behind):
        features.append("d:reads as time frame")
    opens_with_number = item.tail(cut)[:1].isdigit()
    if opens_with_number and item.follows_number(cut):
        features.append("d:number list before")
    return features


def _describe_repetition(
    item: OutcomeItem, measure: Range, behind: Range, bracketed: Sequence[str]
) -> list[str]:
    """Return features of words or abbreviations of the measure that the description repeats among
    its first words: "Overall survival, OS is the time ...".

    ``measure`` and ``behind`` are the tokens before and behind the comma; ``bracketed`` are the
    words in brackets within the measure.
    """
    features = []
    words = item.tokens.words
    of_measure = item.words(measure)
    start, end = behind
    beginning = item.words((start, min(end, start + 12)))[:8]
    small_words = word_list("small_words")
    content = [word for word in beginning if word not in small_words]
    repeated = [word for word in content if word in of_measure]
    share = len(repeated) / max(1, len(content))
    if share >= 0.6:
        features.append("d:repeats most")
    if 0.3 <= share < 0.6:
        features.append("d:repeats some")
    if beginning and beginning[:1] == of_measure[:1]:
        features.append("d:same first word")

    acronyms = _initials(of_measure)
    acronyms.update(word.lower() for word in bracketed)
    for word in words[slice(*measure)]:
        if word.isupper() and 2 <= len(word) <= 8:
            acronyms.add(word.lower())
    first = words[start]
    is_acronym = len(first) > 1 and first.lower() in acronyms
    # an acronym before a comma, or as the last word, stands alone and begins no sentence
    followers = words[start + 1 : start + 2]
    stands_alone = followers in ([], [","])
    if is_acronym and not stands_alone:
        features.append("d:begins with acronym")
    return features


def _describe_description(
    item: OutcomeItem, cut: int, end: int, verbs: Sequence[int]
) -> list[str]:
    """Return features of a description that begins after comma ``cut`` and ends at comma ``end``,
    or with the item if that is no comma. ``verbs`` are the tokens of the item's verbs.
    """
    features = []
    start = item.commas[cut] + 1
    stop = item.find_end(end)
    has_commas = cut + 1 < end
    if has_commas:
        features += _describe_first_segment(item, cut)
    if any(start <= verb < stop for verb in verbs):
        features.append("d:verb")
    if stop > start and item.tokens.codes[stop - 1] == ".":
        features.append("d:full stop")
    words = item.quote((start, stop)).split()
    if len(words) <= 2:
        features.append("d:few words")
    return features


def _describe_first_segment(item: OutcomeItem, cut: int) -> list[str]:
    """Return features of the first of several segments of a description after comma ``cut``: it may
    still belong to the measure.
    """
    features = []
    first = item.segment(cut + 1)
    text = item.quote(first)
    if first[1] - first[0] == 1 and _is_acronym(text):
        features.append("d:acronym only")
    if _abbreviates(item, first, (item.first, item.commas[cut])):
        features.append("d:abbreviation alone")
    next_segment = item.segment(cut + 2)
    if len(text.split()) <= 4 and item.opens("opens_connection", next_segment):
        features.append("d:next connects")
    return features


def _describe_no_description(item: OutcomeItem, end: int) -> list[str]:
    """Return features of an outcome without a description, whose measure ends at comma ``end``, or
    with the item if that is no comma.
    """
    features = ["n:none"]
    measure = (item.first, item.find_end(end))
    text = item.quote(measure)
    if end == 1:
        features.append("n:one comma")
    if end > 0 and _closes_list(item, end):
        features.append("n:list")
    if end == 2:
        features.append("n:two commas")
    if end > 2:
        features.append("n:more commas")
    if ".," in text or item.has_sentence(measure):
        features.append("n:sentence inside")
    words = len(item.words(measure))
    if words > 20:
        features.append("n:over 20 words")
    if words > 40:
        features.append("n:over 40 words")
    if item.plain_share > 0.5:
        features.append("n:plain neighbours")
    if 0 < item.plain_share <= 0.5:
        features.append("n:some plain neighbours")
    if text.endswith("."):
        features.append("n:full stop")
    return features


def _closes_list(item: OutcomeItem, number: int) -> bool:
    """Return whether a segment is the last of a list: "pain, sleep, and mood". It begins with "and"
    or "or", and the second segment of the item with a small letter.
    """
    joint = item.tokens.words[item.segment(number)[0]].lower()
    if joint not in ("and", "or"):
        return False
    return item.quote(item.segment(1))[:1].islower()


def _is_short(item: OutcomeItem, segment: Range) -> bool:
    """Return whether a segment has at most three words."""
    return len(item.quote(segment).split()) <= 3


def _is_acronym(word: str) -> bool:
    """Return whether a word may be an acronym: short, with a capital near its beginning."""
    if not 2 <= len(word) <= 8:
        return False
    return any(letter.isupper() for letter in word[:4])


def _initials(words: Sequence[str]) -> set[str]:
    """Return the initials of all words, and of all except small words."""
    content = [word for word in words if word not in word_list("small_words")]
    return {
        "".join(word[0] for word in words),
        "".join(word[0] for word in content),
    }


def _abbreviates(item: OutcomeItem, segment: Range, phrase: Range) -> bool:
    """Return whether a segment is the initials of a phrase: "OS" after "Overall survival". Initials
    of small words may be left out.
    """
    text = item.quote(segment).lower()
    if not 1 < len(text) <= 12:
        return False
    return text in _initials(item.words(phrase))


def _is_abbreviated(item: OutcomeItem, phrase: Range) -> bool:
    """Return whether the phrase ends with its own initials in brackets: "Overall survival (OS)"."""
    bracket = rule("bracketed_word").ends(item.tokens, phrase[1], phrase[0])
    if bracket is None:
        return False
    short_form = (bracket.first + 1, bracket.end - 1)
    return _abbreviates(item, short_form, (phrase[0], bracket.first))
