"""Find the headings of a vocabulary, including misspelt ones, and the text that may surround
them.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz.distance import OSA

from extractor.language.book import load_book, read_text, rule
from extractor.language.lexer import Tokens
from extractor.language.passage import Passage
from extractor.language.patterns import RuleMatch, TokenRule, make_rule
from extractor.outline.boundaries import find_own_mark, list_marker_meanings

MISSPELT = "the list heading is misspelt"
SPACED = "the letters of the list heading are set apart"
NO_PUNCTUATION = "the list heading is not followed by punctuation"
# Chosen by hand; half of it changes no case, and none of 120 registry records.
_LONGEST = 40
"""Maximum number of tokens in a heading."""
_WORD = re.compile(r"[^\W\d_]{6,}")
_QUALIFIER = "text_tail"
"""The rule for words that may follow a heading's name, such as "(continued)"."""
_TAIL = "( <edge>{0,6} (?= : | - (?! _ ) | \\n | $ ) | <edge>{0,3} - (?= _ ) )"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The headings that matter to a caller.

    Attributes:
        terms: The name of a table of terms in the rule book. Each entry is named after a heading.
        spelling: Heading words that are recognised even with one or two wrong letters.
        lookalikes: Words that resemble a heading word but mean something else.
        run_on: The rule for headings that need no punctuation before a capital letter.
        within: The rules for text that begins a heading within a line.
        after: The rules for headings within a line that must follow another heading, a semicolon
            or a full stop.
        plain: The rule for the words of a heading that has a list marker; any other line with a
            marker only introduces items.
        front: The rule for words that may precede a heading, such as "Key" or "Table 1".
    """

    terms: str
    spelling: tuple[str, ...]
    lookalikes: frozenset[str]
    run_on: str
    within: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    plain: str = ""
    front: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading at the start of a line: the tokens ``first:end``, with the heading's name in the
    vocabulary. ``is_whole`` means that the line ends with the heading.
    """

    name: str
    first: int
    end: int
    is_whole: bool
    doubt: str = ""


@cache
def _heading_rule(terms: str, front: str) -> TokenRule:
    before = ""
    if front:
        before = f"<{front}>{{0,4}}"
    pattern = f"<edge>{{0,5}} {before} ( <+{terms}> ) <{_QUALIFIER}>? {_TAIL}"
    return make_rule(
        name=f"heading of {terms}", pattern=pattern, book=load_book().rules
    )


def name_heading(match: RuleMatch, terms: str) -> str:
    """Return the name of the vocabulary entry that matched. In the rule for ``terms``, each entry
    is a part whose name is "e" followed by the entry's number.

    Raises ``KeyError`` if the match does not contain an entry of ``terms``.
    """
    for number, entry in enumerate(load_book().vocabularies[terms]):
        if match.has(f"e{number}"):
            return entry.value
    raise KeyError(terms)


def find_heading(passage: Passage, vocabulary: Vocabulary) -> Heading | None:
    """Return the vocabulary heading that begins a line; None if the line does not begin with a
    heading.
    """
    stop = min(passage.end, passage.first + _LONGEST)
    line = passage.tokens.cut(passage.first, stop)
    heading_rule = _heading_rule(vocabulary.terms, vocabulary.front)
    # "I N C L U S I O N": letters that are set apart
    if all(len(word) == 1 for word in line.words):
        joined = heading_rule.starts(read_text("".join(line.words)), 0)
        if joined:
            name = name_heading(joined, vocabulary.terms)
            return Heading(
                name, passage.first, passage.end, is_whole=True, doubt=SPACED
            )
    match = heading_rule.starts(line, 0)
    doubt = ""
    if match is None:
        run_on = _find_run_on(passage, line, vocabulary)
        mended = mend_spelling(line, vocabulary)
        if run_on or mended is None:
            return run_on
        match = heading_rule.starts(mended, 0)
        doubt = MISSPELT
    if match is None:
        return None
    end = match.end
    while end < len(line) and _ends_heading(line, end):
        end += 1
    is_whole = passage.first + end >= passage.end
    name = name_heading(match, vocabulary.terms)
    return Heading(name, passage.first, passage.first + end, is_whole, doubt)


def _find_run_on(
    passage: Passage, line: Tokens, vocabulary: Vocabulary
) -> Heading | None:
    """Return the heading that begins a line and is followed by a capital letter or the first list
    marker without intervening punctuation: "Inclusion criteria Adults with asthma".
    """
    match = rule(vocabulary.run_on).starts(line, 0)
    if match is None or match.end == len(line):
        return None
    following = line.read(match.end, len(line))
    if not following[0].isupper() and not _begins_list(following):
        return None
    # "INCLUDE" is written for "inclusion", "EXCLUDE" for "exclusion"
    name = match.read("list").lower().replace("clude", "clusion")
    end = passage.first + match.end
    return Heading(name, passage.first, end, is_whole=False, doubt=NO_PUNCTUATION)


def _begins_list(text: str) -> bool:
    """Return whether a text begins with the first list marker of its kind: "a)", "(i)", "[1]"."""
    mark = find_own_mark(text)
    if mark is None:
        return False
    meanings = list_marker_meanings(mark.mark, mark.style, mark.number)
    return any(number == 1 for _, number in meanings)


def _ends_heading(line: Tokens, at: int) -> bool:
    """Return whether a token after a heading's words still belongs to the heading, such as the
    closing emphasis in "**Inclusion:** adults".
    """
    word = line.words[at]
    ends_emphasis = word == line.words[0] == "*" and line.joined(at)
    if ends_emphasis:
        return True
    return not (word[0].isalnum() or word in "<>=≤≥≈~([•*-")


def mend_spelling(tokens: Tokens, vocabulary: Vocabulary) -> Tokens | None:
    """Return the tokens with misspelt heading words corrected; None if no word is misspelt.

    >>> vocabulary = Vocabulary(
    ...     "criteria_lists", ("inclusion", "criteria"), frozenset(), "list_run_on"
    ... )
    >>> mend_spelling(read_text("Inclusoin critera:"), vocabulary).words[:2]
    ['inclusion', 'criteria']
    """
    words = [_mend_word(word.lower(), vocabulary) or word for word in tokens.words]
    if words == list(tokens.words):
        return None
    mended = read_text(" ".join(words))
    # the places of the tokens must stay the same
    if len(mended) == len(tokens):
        return mended
    return None


@lru_cache(maxsize=65536)
def _mend_word(word: str, vocabulary: Vocabulary) -> str | None:
    """Return the heading word that a misspelt word resembles; None if the word is spelt correctly
    or does not resemble a heading word.
    """
    if not _WORD.fullmatch(word):
        return None
    if word in vocabulary.lookalikes:
        return None
    for heading_word in vocabulary.spelling:
        distance = OSA.distance(word, heading_word, score_cutoff=2)
        if distance == 0:
            return None
        # other words are as near: "occlusion" is two letters from "exclusion"
        if distance <= 2 and word[0] == heading_word[0]:
            return heading_word
    return None
