r"""Split a cleaned text into typed tokens.

A token is a number, a symbol or a run of letters. ``Tokens.codes`` contains one character per
token, which represents the kind of token. A rule over tokens is therefore a regular expression
over ``codes`` (see ``patterns``), and an index into ``codes`` is the index of a token. The codes
are:

- ``w``: a word that is not in any rule;
- ``n``: a number; ``d``: a number inside a name ("CD19", "IL-6");
- a separate character, assigned by ``Lexicon``, for each word that is in a rule;
- ``\n``: the end of a line;
- the symbol itself; ``s`` for a symbol that is not in any rule.

A hyphen that joins letters to the next word ("once-daily", "PD-1") is not a token, so the parts of
a compound are separate words. A hyphen between numbers or between times ("18y-65y") is a token. A
word that is joined by a hyphen to a prefix that changes its meaning ("non-daily", "semi-weekly",
"par-enteral") has the code of an unknown word, unless a term or rule contains both the prefix and
the word ("non-small cell", "bi-weekly", "non -? pregnant").
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from functools import wraps
from itertools import accumulate
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from extractor.language.values import value_class

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Range = tuple[int, int]
"""A half-open range of tokens or characters."""


class TokenSpan(Protocol):
    """The tokens ``first:end`` of a text."""

    @property
    def first(self) -> int: ...

    @property
    def end(self) -> int: ...


UNKNOWN = "w"
NUMBER = "n"
NAME_NUMBER = "d"
SIGNS = "\n!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~±·•°×≤≥"
_LETTERS = r"[^\W\d_]"
_ONES = "(?i:one|two|three|four|five|six|seven|eight|nine)"
_TENS = "(?i:forty|fifty|sixty)", "(?i:twenty|thirty|eighty|ninety)", "(?i:seventy)"
_AFTER_TENS = "|".join(f"(?<=(?<!{_LETTERS}){tens}-)" for tens in _TENS)
_TEENS = "(?i:ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen)"
_ANY_TENS = "(?i:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
_BELOW_HUNDRED = rf"(?:{_TEENS}|{_ANY_TENS}(?:[ -]{_ONES})?|{_ONES})(?!{_LETTERS})"
_HUNDREDS = (
    r"(?=[efhnostEFHNOSTſ])"  # most words fail here, before each of the numbers is tried
    rf"(?:(?:{_ONES}|{_TEENS})(?:[ -](?i:hundred)(?!{_LETTERS})(?:[ -](?:(?i:and)[ "
    rf"-])?{_BELOW_HUNDRED})?"
    rf"|[ -](?i:and)[ -](?i:one)[ -](?i:half)(?!{_LETTERS}))|(?i:half a dozen)\b)"
)
"""Hundreds in words, such as "one hundred and fifty", and "half a dozen". Each is one token."""
_GLUED_UNIT = r"(?<=\d)mc?g(?=[A-Z][a-z]{3})"
"""A unit that runs into a name: "250mgExamplatin"."""
_WORD = (
    rf"{_HUNDREDS}|{_GLUED_UNIT}"
    rf"|{_LETTERS}+(?:'{_LETTERS}+|(?<=[yY])-(?:{_AFTER_TENS}){_ONES}\b)?"
)
# Thousands with commas or dots: "1,500", "1,500.5", "1.500.000", "1.500,5".
_DOTTED_GROUPS = (
    r"\d{1,3}(?:(?:\.\d{3}){2,5}(?![\d.])|(?:\.\d{3}){1,5},\d{1,2}(?![\d,]))"
)
_THOUSANDS = (
    rf"(?<!{_LETTERS})\d{{1,3}}(?:,\d{{3}}){{1,5}}(?!,?\d)(?:\.\d+)?|{_DOTTED_GROUPS}"
)
# Thousands with spaces or apostrophes: "100 000", "1'500". Two adjacent numbers look the same
# ("visits 2 100"), so further evidence is required: a preceding comparator, a range of two numbers
# with spaces, a group that begins with a zero ("100 000"), or a following unit.
_SPACED = r"[1-9]\d{0,2} \d{3}"
_AFTER_SPACED = "|".join(
    rf"(?<=\d \d{{3}}{joint})" for joint in ("-", " - ", " to ", " and ")
)
_SPACED_THOUSANDS = (
    rf"(?<!{_LETTERS})(?:{_SPACED}(?=(?:\s?-\s?|\sto\s|\sand\s){_SPACED}(?!\d))"
    rf"|(?:{_AFTER_SPACED}){_SPACED}(?!\d)|"
    r"(?:(?<=[<>≤≥=])|(?<=[<>≤≥=]\s))\d{1,3}(?:[ ']\d{3}){1,5}(?![\d,.]\d)"
    r"|[1-9]\d{0,2}(?:[ ']\d{3}){0,5}[ ']0\d\d(?!\d)|[1-9]\d{0,2} "
    r"\d{3}(?=\s?/|\scells)|\d{1,3}(?:'\d{3}){1,5}(?!\d))"
)
# Lakhs, as written in India: "1,50,000/mm3". Without a following unit, they resemble a list.
_LAKHS = r"\d{1,2}(?:,\d{2}){1,2},\d{3}(?=\s?(?:/|per|cells|x|I?U\b|units?\b|mc?g\b))"
# A raised dot as the decimal sign ("1·5") but not as a multiplication sign ("5·10^9").
_RAISED_DOT = r"\d{1,3}·(?!10\d)\d{1,3}(?!\d)(?!\s?(?:\^|\*\*))"
# A comma before one or two digits is a decimal sign or separates two numbers of a list ("day 1,2").
# It is a decimal sign after a comparator, before a unit and in a range.
_BEFORE_LIMIT = (
    "than least most above below under over exceeding between from of within"
)
_FRONTS = r"(?<=[<>≤≥=])|(?<=[<>≤≥=]\s)|(?<=[\s(<>≤≥=]-)|" + "|".join(
    rf"(?<={word}\s)" for word in _BEFORE_LIMIT.split()
)
_LIMIT_WITH_COMMA = rf"(?:{_FRONTS})\d{{1,3}},\d{{1,2}}(?![\d,])"
_COMPARED_AFTER = (
    r"(?:or|and) (?:more|less|above|below|higher|lower|greater|better|worse|over"
    r"|under)\b"
)
_UNIT_AFTER = (
    r"[*×%°]|x\s|x\d|m?mol|[uμ]mol|(?i:[kmnpuμ]?gs?)\b|(?i:milli|micro|kilo)?gram|"
    r"[cm]m\b|m\s?\^?[2²]|[mduμ]?[lL]\b|IU\b|UI\b|U\b|U/|Gy\b|mmHg|tablet|h\b"
)
_MEASURED_WITH_COMMA = rf"\d++,\d{{1,2}}(?=[\s-]?(?:{_UNIT_AFTER}|{_COMPARED_AFTER}))"
_HALF_A_TIME = (
    r"(?<![\d,])(?<!, "
    r")\d{1,2},5(?=[\s-]?(?:years?|months?|weeks?|days?|hours?|minutes?)\b)"
)
"""A decimal number that is not the last number in a list of times."""
_DECIMAL = r"\d{1,3},\d{1,2}"
_AFTER_DECIMAL = "|".join(
    rf"(?<=,{digits}{joint})"
    for digits in (r"\d", r"\d\d")
    for joint in ("-", " - ", " to ", " and ")
)
_COMMAS_IN_RANGE = (
    rf"{_DECIMAL}(?=(?:\s?-\s?|\sto\s|\sand\s){_DECIMAL}(?![\d,]))"
    rf"|(?:{_AFTER_DECIMAL}){_DECIMAL}(?![\d,])"
    rf"|{_DECIMAL}(?=(?:\s?-\s?|\sto\s)\d{{1,3}}\s?(?!h\b)(?:{_UNIT_AFTER}))"
    r"|0,\d{1,3}(?![\d,])|\d{1,3},\d(?=\s?-\s?\d{1,3}\s?(?:years?|months?|y)\b)"
)
_MIXED_NUMBER = (
    r"\d{1,2} (?:and )?(?:1/[234]|3/4)(?![\d/])|\d{1,2} and one[ -]half\b"
    r"|(?<![\d/])[1-3]/[2-5](?=\s?(?:x\b|×|times|upper|ULN|of\sthe\supper))"
)
_PLAIN_NUMBER = r"10(?=[eE]\d{1,2}(?!\d))|\d+(?:\.\d+)?(?:[eE]\+?\d{1,2}(?!\d))?"
_NUMBER = (
    rf"(?=\d)(?:{_THOUSANDS}|{_SPACED_THOUSANDS}|{_LAKHS}|{_RAISED_DOT}|{_LIMIT_WITH_COMMA}"
    rf"|{_MEASURED_WITH_COMMA}"
    rf"|{_HALF_A_TIME}|{_COMMAS_IN_RANGE}|{_MIXED_NUMBER}|{_PLAIN_NUMBER})|(?<!\d)\.\d+"
)
_TIMES = ("y", "yrs", "years", "months", "weeks", "days")
_AFTER_TIME = "|".join(
    rf"(?<=[0-9]{gap}{unit}-)" for unit in _TIMES for gap in ("", " ")
)
_BETWEEN_TIMES = rf"-(?:{_AFTER_TIME})(?=[0-9]+ ?(?:{'|'.join(_TIMES)}))"
"""The hyphen in "18y-65y", which does not join the parts of a name."""
_SIGN = rf"[^\w\s-]|\n|(?<!{_LETTERS})-|-(?!\w)|{_BETWEEN_TIMES}|_"
_TOKEN = re.compile(f"( ?)([①-⑳]|{_WORD}|{_NUMBER}|{_SIGN})")
"""A token and the preceding space. Most tokens follow a space, so a match rarely has to skip
characters.
"""
NUMBER_WORDS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen
    eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred half dozen
"""
_OTHER_IN_CAPITALS = frozenset(
    ["all", "as", "at", "in", "is", "it", "no", "or", "so", "us", "who"]
)
"""Words that have a different meaning in capitals: "WHO", "ALL"."""
PREFIXES = frozenset(
    ["non", "semi", "bi", "tri", "alternate", "sub", "un", "par", "quasi", "pseudo"]
)
"""Prefixes that change the meaning of the word that they are joined to. "anti-" is not included,
because an anti-HIV test is about HIV.
"""
_FIRST_CODE = "\u4e00"
_LAST_CODE = "\u9fff"
"""The range of the codes of words. All codes are letters below U+10000, for which ``re`` matches
sets by table lookup.
"""
CODES = f"{_FIRST_CODE}-{_LAST_CODE}"
ANY_WORD = r"[^\W_a-s]"
"""The codes of all words: the letters except ``n``, ``d`` and ``s``. This set compiles faster than
a range of codes.
"""
# Chosen by hand, to bound the memory.
# Chosen by hand: most lines are shorter.
_LONG = 300
"""Number of tokens from which a range has no list of codes of its own."""
_MOST_WORDS = 200_000
"""Maximum number of words whose codes are cached."""
_AFTER_WORD = re.compile(rf"(?<={ANY_WORD}){NUMBER}")
_NOT_IN_NAME = re.compile(rf"\.|(?<={_LETTERS}{{5}})\d[\d.]*\s?(?:mc?g|ug)\b")
"""A decimal, and a dose that a name runs into: "examplatin100mg"."""
_BEFORE_NAME = re.compile(rf"{NUMBER}-(?={ANY_WORD})")
_CAPITALS = re.compile(r"[A-Z]{2,3}")
_UNITS_IN_CAPITALS = re.compile(
    "IU|UI|MIU|MG|MCG|KG|ML|DL|CM|MM|GY|ULN|UNL|LLN|DAY|YRS?|HRS?|MIN|SEC|AM|PM|ARM"
)
"""Capitals that a hyphen may join to a number with its own meaning: "10-MG"."""
_ROMAN = re.compile("[IVX]+")
_JOINTS = {"", "-"}
"""The text between two tokens that form a name, as in "CD19" and "IL-6"."""


_Codes = dict[str, str]
"""Codes by the word or the prefix that has them."""


class Lexicon(_Codes):
    """The codes of words, keyed by the word as capitalised in the text. Each new word is looked up
    once.

    The words of rules must be registered (``add``) before any text is read. A word of up to four
    capitals ("IV") matches only in capitals; a word that ends with ``~`` ("randomi~") is a prefix.

    >>> words = Lexicon()
    >>> code = words.add("dose")
    >>> words["Dose"] == code, words["doses"], words["five"], words["5.5"], words["("]
    (True, 'w', 'n', 'n', '(')
    """

    def __init__(self) -> None:
        super().__init__()
        self._codes: _Codes = dict.fromkeys(NUMBER_WORDS.split(), NUMBER) | {
            sign: sign for sign in SIGNS
        }
        self._prefixes: _Codes = {}
        self._added: _Codes = {}
        """The codes of the words given to ``add``, as they are spelled there."""
        self._longest_prefix = 0
        self._matching: _Codes = {}
        self._sorted: list[tuple[str, str]] = []
        self.name_codes: set[str] = {UNKNOWN}
        """The codes of words that form a name with a number joined to them ("SF-36")."""
        self.compounds: set[tuple[str, str]] = set()
        """(prefix, word) pairs that occur together in a term or rule, in lower case."""
        # matches a prefix, which is registered here, before any word
        self._prefix = re.compile(
            f"[{''.join(map(self.add, sorted(PREFIXES)))}](?=[{CODES}])"
        )

    def add(self, word: str) -> str:
        """Register a word, a symbol or a prefix ("randomi~"), and return its code. A word that is
        already registered keeps its code. Adding a new word clears the lookup cache.
        """
        if word in self._added:
            return self._added[word]
        codes = self._codes
        key = word if is_abbreviation(word) else word.lower()
        if word.endswith("~"):
            codes = self._prefixes
            key = word[:-1].lower()
            self._longest_prefix = max(self._longest_prefix, len(key))
        if key not in codes:
            self.clear()
            self._matching.clear()
            self._sorted.clear()
            codes[key] = chr(ord(_FIRST_CODE) + len(self._codes) + len(self._prefixes))
            assert codes[key] <= _LAST_CODE, (
                "the rule book has more words than there are codes: increase _LAST_CODE"
            )
        self._added[word] = codes[key]
        return codes[key]

    def add_together(self, words: Sequence[str]) -> None:
        """Register the words of a term or rule, so that a word keeps its code when it follows a
        prefix from the same term or rule.
        """
        for word in words:
            if word in self._added or not word[0].isalpha():
                continue
            self.add(word)
        folded = list(map(str.lower, words))
        for prefix in PREFIXES.intersection(folded):
            self.compounds.update((prefix, word) for word in folded)

    def find_compounds(
        self, text: str, words: Sequence[str], starts: Sequence[int], codes: str
    ) -> Iterator[int]:
        """Yield the indexes of the tokens that are joined by a hyphen to a prefix ("non-daily"),
        unless a term or rule contains both the prefix and the word.

        >>> code = LEXICON.add("daily")
        >>> [
        ...     lex(text).codes.count(code)
        ...     for text in ("once-daily", "non-daily", "non daily")
        ... ]
        [1, 0, 1]
        """
        for prefix in self._prefix.finditer(codes):
            index = prefix.end()
            compound = (words[index - 1].lower(), words[index].lower())
            is_joined = text[starts[index] - 1] == "-"
            if not is_joined or compound in self.compounds:
                continue
            yield index

    def find(self, word: str) -> str:
        """Return all codes of a word, or of the words that begin with a prefix. Call this method
        after all words have been added.

        >>> words = Lexicon()
        >>> len(words.find("car")), words.add("CAR") in words.find("car")
        (1, True)
        """
        if word not in self._matching:
            self._matching[word] = (
                self._find_by_prefix(word)
                if word.endswith("~")
                else self._find_cased(word)
            )
        return self._matching[word]

    def _find_cased(self, word: str) -> str:
        """Return the code of a word and the code of the same word in capitals: "car" matches in
        any case, including the abbreviation "CAR", which has a different code.
        """
        code = self.add(word)
        if word in _OTHER_IN_CAPITALS:
            return code
        capitals = self._codes.get(word.upper(), code)
        if capitals == code:
            return code
        return code + capitals

    def _find_by_prefix(self, word: str) -> str:
        """Return the codes of the words and prefixes that begin with a prefix such as
        "randomi~".
        """
        prefix = word.removesuffix("~").lower()
        if not self._sorted:
            self._sorted = sorted(
                (listed.lower(), code) for listed, code in self._codes.items()
            )
        first = bisect_left(self._sorted, (prefix, ""))
        # the last character sorts after every letter
        end = bisect_left(self._sorted, (prefix + "\U0010ffff", ""))
        codes = {code for _, code in self._sorted[first:end]}
        for longer, code in self._prefixes.items():
            if longer.startswith(prefix):
                codes.add(code)
        return "".join(sorted(codes))

    __hash__ = object.__hash__  # type: ignore[assignment]  # by identity

    def __missing__(self, word: str) -> str:
        if len(self) > _MOST_WORDS:
            self.clear()
        self[word] = code = self._look_up(word)
        return code

    def _look_up(self, word: str) -> str:
        """Return the code of a token whose code is not cached."""
        # "twenty-four", "two hundred"
        if word[-1].isdigit():
            return NUMBER
        if "-" in word[1:]:
            return NUMBER
        if " " in word:
            return NUMBER
        folded = word.lower()
        code = self._codes.get(word) or self._codes.get(folded)
        if code:
            return code
        # the longest registered prefix, of at least three letters
        for length in range(min(len(folded), self._longest_prefix), 2, -1):
            if folded[:length] in self._prefixes:
                return self._prefixes[folded[:length]]
        if word[0].isalpha():
            return UNKNOWN
        return "s"


def is_abbreviation(word: str) -> bool:
    """Return whether a word in the rule book matches only in capitals.

    >>> is_abbreviation("IV"), is_abbreviation("RECIST"), is_abbreviation("A")
    (True, False, False)
    """
    return word.isupper() and 1 < len(word) <= 4


LEXICON = Lexicon()
"""The words in all rules and vocabularies."""


@value_class(eq=False)
class Tokens:
    """The tokens of a cleaned text. ``words[i]`` is ``text[starts[i]:ends[i]]``, and ``codes[i]``
    is its code.
    """

    text: str
    words: list[str]
    starts: list[int]
    ends: list[int]
    codes: str
    _codes_in: dict[Range, frozenset[str]] = field(
        default_factory=dict, init=False, repr=False
    )
    _cuts: "dict[Range, Tokens]" = field(default_factory=dict, init=False, repr=False)
    kept: dict[object, Any] = field(default_factory=dict, init=False, repr=False)
    """What was read from these tokens, see ``keep``."""

    def __reduce__(self) -> tuple[object, ...]:
        # what was read can be read again
        return Tokens, (self.text, self.words, self.starts, self.ends, self.codes)

    def __len__(self) -> int:
        return len(self.words)

    def code_at(self, index: int) -> str:
        """Return the code of a token; empty for an index outside the text."""
        return self.codes[index : index + 1]

    def at(self, position: int) -> int:
        """Return the index of the first token that ends after a position in the text.

        >>> lex("5 mg daily").at(2)
        1
        """
        return bisect_left(self.ends, position + 1)

    def before(self, position: int) -> int:
        """Return the index of the first token that begins at or after a position in the text.
        Use this method for the end of a token range.

        >>> lex("5 mg daily").before(4)
        2
        """
        return bisect_left(self.starts, position)

    def codes_in(self, first: int, end: int) -> frozenset[str]:
        """Return the codes that occur in the tokens ``first:end``. For a long range, return those
        of the whole text, which are listed once for all ranges of a long line. Codes that the range
        lacks do no harm: a rule is asked in vain, but none that may match is skipped.
        """
        if end - first > _LONG:
            first, end = 0, len(self.codes)
        codes = self._codes_in.get((first, end))
        if codes is None:
            codes = self._codes_in[first, end] = frozenset(self.codes[first:end])
        return codes

    def read(self, first: int, end: int) -> str:
        """Return the text of the tokens ``first:end``.

        >>> lex("5 mg daily").read(0, 2)
        '5 mg'
        """
        if end <= first:
            return ""
        return self.text[self.starts[first] : self.ends[end - 1]]

    def span(self, first: int, end: int) -> Range:
        """Return the half-open character range of the tokens ``first:end``. The token range must
        not be empty.
        """
        return self.starts[first], self.ends[end - 1]

    def cut(self, first: int, end: int) -> "Tokens":
        r"""Return the tokens ``first:end``, omitting line ends, so that ``^`` and ``$`` in a rule
        match at the two ends of the range. The same range is the same object, so that what was
        read from it is found again.

        >>> part = lex("- Age\n over 18").cut(1, 5)
        >>> part.words, part.text[part.starts[1] : part.ends[2]]
        (['Age', 'over', '18'], 'over 18')
        """
        part = self._cuts.get((first, end))
        if part is None:
            part = self._cuts[first, end] = self._cut(first, end)
        return part

    def _cut(self, first: int, end: int) -> "Tokens":
        if "\n" in self.codes[first:end]:
            line_ends = [
                (index, index + 1)
                for index in range(first, end)
                if self.codes[index] == "\n"
            ]
            return self.without(line_ends, first, end)
        if first <= 0 and end >= len(self.codes):
            return self
        chosen = slice(max(first, 0), end)
        return Tokens(
            self.text,
            self.words[chosen],
            self.starts[chosen],
            self.ends[chosen],
            self.codes[chosen],
        )

    def joined(self, index: int) -> bool:
        """Return whether a token follows the previous token without white space.

        >>> lex("5mg daily").joined(1), lex("5mg daily").joined(2)
        (True, False)
        """
        return self.gap(index) == ""

    def gap(self, index: int) -> str:
        """Return the text between a token and the preceding token; this text may be a joining
        hyphen. The result is " " for the first token.

        >>> tokens = lex("SF-36 scores")
        >>> tokens.gap(1), tokens.gap(2)
        ('-', ' ')
        """
        if 0 < index < len(self.starts):
            return self.text[self.ends[index - 1] : self.starts[index]]
        return " "

    def in_name(self, index: int) -> bool:
        """Return whether a number is joined to the preceding word and is therefore part of a name.

        >>> tokens = lex("IL-6, CD19, 5 visits")
        >>> [tokens.in_name(index) for index in (1, 4, 6)]
        [True, True, False]
        """
        if self.gap(index) not in _JOINTS:
            return False
        return self.words[index - 1].isalpha()

    def has_open_bracket(self, first: int, end: int) -> bool:
        """Return whether the tokens ``first:end`` open more round brackets than they close.

        >>> tokens = lex("asthma (FEV1 > 50 %)")
        >>> tokens.has_open_bracket(0, 4), tokens.has_open_bracket(0, len(tokens))
        (True, False)
        """
        return self.codes.count("(", first, end) > self.codes.count(")", first, end)

    def list_open_brackets(self, first: int, end: int) -> Iterator[int]:
        """Yield the round and square brackets among the tokens ``first:end`` that are still open
        behind them, the last first.

        >>> tokens = lex("(adults [men (all) under 40])")
        >>> list(tokens.list_open_brackets(0, 8))
        [2, 0]
        """
        closed = 0
        for at in range(end - 1, first - 1, -1):
            code = self.codes[at]
            if code in ")]":
                closed += 1
            elif code in "([" and closed:
                closed -= 1
            elif code in "([":
                yield at

    def without(self, places: Sequence[Range], first: int, end: int) -> "Tokens":
        """Return the tokens ``first:end``, omitting those in ``places``, which are half-open
        ranges. Offsets in the text are unchanged.

        >>> lex("every 4 weeks up to week 52").without([(0, 3)], 0, 6).words
        ['up', 'to', 'week']
        """
        dropped = {index for place in places for index in range(*place)}
        kept = [index for index in range(first, end) if index not in dropped]
        return Tokens(
            self.text,
            [self.words[index] for index in kept],
            [self.starts[index] for index in kept],
            [self.ends[index] for index in kept],
            "".join([self.codes[index] for index in kept]),
        )


def keep(
    read: Callable[Concatenate[Tokens, Arguments], Result],
) -> Callable[Concatenate[Tokens, Arguments], Result]:
    """Return a function that reads the same tokens once: its result is kept with the tokens, as
    long as they live.

    >>> count = keep(lambda tokens, word: tokens.words.count(word))
    >>> tokens = lex("5 or 5")
    >>> count(tokens, "5"), len(tokens.kept)
    (2, 1)
    """

    @wraps(read)
    def read_once(
        tokens: Tokens, /, *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Result:
        key: Any = (read, arguments)
        if options:
            key = (*key, *options.items())
        if key not in tokens.kept:
            tokens.kept[key] = read(tokens, *arguments, **options)
        found: Result = tokens.kept[key]
        return found

    return read_once


def cover(places: Iterable[TokenSpan]) -> set[int]:
    """Return all tokens of the places."""
    return {at for place in places for at in range(place.first, place.end)}


def list_term_words(text: str) -> list[str]:
    """Return the words of ``lex(text)``. The words need not be registered.

    >>> list_term_words("CAR-T (day 1)")
    ['CAR', 'T', '(', 'day', '1', ')']
    """
    return _TOKEN.split(text)[2::3]


def lex(text: str) -> Tokens:
    """Split a cleaned text into tokens.

    >>> tokens = lex("CD19 CAR-T, 3.5 x 10^6/kg (day 1)")
    >>> tokens.words
    ['CD', '19', 'CAR', 'T', ',', '3.5', 'x', '10', '^', '6', '/', 'kg', '(', 'day', '1', ')']
    >>> [word for word, code in zip(tokens.words, tokens.codes) if code == NUMBER]
    ['3.5', '10', '6', '1']
    """
    # Splitting yields three pieces per token: the skipped text, the space before the token, and the
    # token. The sum of all lengths up to the space is the start of the token.
    pieces = _TOKEN.split(text)
    words = pieces[2::3]
    offsets = list(accumulate(map(len, pieces)))
    starts = offsets[1:-1:3]
    ends = offsets[2::3]
    codes = "".join(map(LEXICON.__getitem__, words))
    changed: dict[int, str] = dict.fromkeys(
        LEXICON.find_compounds(text, words, starts, codes), UNKNOWN
    )
    for index in _find_names(text, starts, ends, codes):
        changed[index] = NAME_NUMBER
    if changed:
        codes = "".join(changed.get(at, code) for at, code in enumerate(codes))
    return Tokens(text, words, starts, ends, codes)


def _find_names(
    text: str, starts: list[int], ends: list[int], codes: str
) -> Iterator[int]:
    """Yield the indexes of the numbers that are part of a name ("IL-6", "5-ASA").

    Such a number follows a word directly or after a hyphen, and the code of the word is in
    ``Lexicon.name_codes``: the word is unknown, or occurs before a number in a term. A decimal
    without a leading zero (".5") is not part of a name. A number of one or two digits is also part
    of a name if a hyphen joins it to two or three capitals, unless they are a unit or a Roman
    number.
    """
    for number in _AFTER_WORD.finditer(codes):
        index = number.start()
        is_joined = text[ends[index - 1] : starts[index]] in _JOINTS
        is_in_name = codes[index - 1] in LEXICON.name_codes
        if not is_joined or not is_in_name:
            continue
        if not _NOT_IN_NAME.match(text, starts[index]):
            yield index
    for number in _BEFORE_NAME.finditer(codes):
        index = number.start()
        if _begins_name(text, starts, ends, index):
            yield index


def _begins_name(text: str, starts: list[int], ends: list[int], index: int) -> bool:
    """Return whether a hyphen joins a number to the capitals of a name: "6-MP", but not "10-MG"."""
    number = text[starts[index] : ends[index]]
    capitals = text[starts[index + 2] : ends[index + 2]]
    if not number.isdigit():
        return False
    if len(number) > 2:
        return False
    if _UNITS_IN_CAPITALS.fullmatch(capitals):
        return False
    if _ROMAN.fullmatch(capitals):
        return False
    if not _CAPITALS.fullmatch(capitals):
        return False
    # the token between the two is the hyphen, without spaces around it
    is_joined = ends[index] + 1 == starts[index + 2]
    # the "2" in "1-2-MRI" and the "10" in "> 10-FU" are not the first characters of a name
    before = text[: starts[index]].rstrip(" ")
    return is_joined and not before.endswith(tuple("<>≤≥=-/"))
