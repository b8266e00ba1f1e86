"""What a text says, without its wording: numbers in base units, comparators, negations, conjunctions, content words."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files

from rapidfuzz.distance import DamerauLevenshtein

from extractor.evaluation.comparers import scale_quantity
from extractor.ground.conflicts import ConflictKind, compare_tokens
from extractor.parse.scoring import load_scorer
from extractor.text.book import read_term, read_text, rule, word_set
from extractor.text.clean import clean_text
from extractor.text.lexer import NAME_NUMBER, NUMBER, Tokens, is_abbreviation
from extractor.text.numbers import read_number
from extractor.text.quantity_names import fold_words

Part = tuple[str, str]
"""One word of a meaning: its kind (word, abbreviation, number, comparator, negation, conjunction), and its normal form.

An abbreviation stands alone in brackets.
"""


@dataclass(frozen=True)
class Wording:
    """The meaning of a text as a sequence of parts."""

    parts: tuple[Part, ...]

    @cached_property
    def words(self) -> Counter[str]:
        """The content words, each with its count."""
        return self._count("word") + self._count("abbreviation")

    @cached_property
    def numbers(self) -> Counter[str]:
        """The numbers in base units, such as "2419200 s1" for four weeks."""
        return self._count("number")

    @cached_property
    def comparators(self) -> Counter[str]:
        """The comparators."""
        return self._count("comparator")

    @cached_property
    def is_negated(self) -> bool:
        """Whether it holds a negation."""
        return bool(self._count("negation"))

    @property
    def joins_by_or(self) -> bool | None:
        """Whether the text joins by "or" alone (True), by "and" alone (False), or by both or neither (None)."""
        joined = {form for kind, form in self.parts if kind == "conjunction"}
        return None if len(joined) != 1 else joined == {"or"}

    def says_same(self, other: "Wording") -> bool:
        """Whether both say the same, in any order of words.

        >>> old = read_wording("ANC of at least 1,500/mm3 within two weeks")
        >>> old.says_same(read_wording("ANC ≥ 1.5 x 10^9/L, within 14 days"))
        True
        >>> old.says_same(read_wording("ANC > 1,500/mm3 within two weeks"))
        False
        """
        return {self.joins_by_or, other.joins_by_or} != {True, False} and self._has_same_parts(other)

    def _has_same_parts(self, other: "Wording") -> bool:
        """Whether the parts are the same, but for an abbreviation in brackets and for words written as one."""
        if not self.spoken or not other.spoken:
            return self.spoken == other.spoken
        ours, theirs = self.list_beyond(other), other.list_beyond(self)
        if not ours or not theirs:
            return all(kind == "abbreviation" for kind, _ in (*ours, *theirs))
        glued = ("".join(form for _, form in each) for each in (ours, theirs))
        return len(set(glued)) == 1 and all(kind == "word" for kind, _ in (*ours, *theirs))

    def list_beyond(self, other: "Wording") -> list[Part]:
        """Return the parts that the other text does not have, in order; a slip of the pen is no other word.

        >>> read_wording("body mass index (BMI) and ankle edema").list_beyond(read_wording("BMI"))
        [('word', 'ankle'), ('word', 'edema')]
        """
        ours = self._subtract(other)
        slips = [form for kind, form in other._subtract(self) if kind == "word"] if ours else []
        return [part for part in ours if part[0] != "word" or not any(_is_slip(part[1], one) for one in slips)]

    def _subtract(self, other: "Wording") -> list[Part]:
        left = Counter(form for _, form in other.spoken)
        explained = {place for short, places in self._expansions for place in places if left[short]}
        beyond = []
        for place, part in enumerate(self.spoken):
            if left[part[1]]:
                left[part[1]] -= 1
            elif place not in explained:
                beyond.append(part)
        return beyond

    @cached_property
    def _expansions(self) -> list[tuple[str, range]]:
        """Abbreviations in brackets, each with the places of the words before it that it abbreviates."""
        found = []
        for end, (kind, short) in enumerate(self.spoken):
            starts = range(end - 1, max(-1, end - len(short) - 2), -1) if kind == "abbreviation" else ()
            for start in starts:
                letters = "".join(form for _, form in self.spoken[start:end])
                if re.match(".*?".join(map(re.escape, short)), letters):
                    found.append((short, range(start, end)))
                    break
        return found

    def says_within(self, other: "Wording") -> bool:
        """Whether the other text says all this in the same order, in at least four parts."""
        ours, theirs = ("\0".join(["", *map(" ".join, each.spoken), ""]) for each in (self, other))
        return len(self.spoken) >= _LEAST_PARTS and ours in theirs

    def completes(self, part: "Wording", whole: "Wording") -> bool:
        """Whether the whole was split into the other part and this: all of this is in the whole, some not in the part.

        >>> whole = read_wording("pregnant or breastfeeding women")
        >>> read_wording("breastfeeding women").completes(read_wording("pregnant women"), whole)
        True
        """
        ours, theirs, all_of_it = ({form for _, form in each.spoken} for each in (self, part, whole))
        return bool(ours) and ours <= all_of_it and bool(ours & (all_of_it - theirs))

    @property
    def once(self) -> "Wording":
        """The same with each part once."""
        return Wording(tuple(dict.fromkeys(self.parts)))

    @cached_property
    def spoken(self) -> tuple[Part, ...]:
        """The parts without conjunctions."""
        return tuple(part for part in self.parts if part[0] != "conjunction")

    def _count(self, wanted: str) -> Counter[str]:
        return Counter(form for kind, form in self.parts if kind == wanted)


_LEAST_PARTS = 4
"""A shorter text stands in others by chance."""


def join_wordings(wordings: Iterable[Wording]) -> Wording:
    """Return the meaning of several texts together."""
    return Wording(tuple(part for one in wordings for part in one.parts))


@lru_cache(maxsize=8192)
def read_wording(raw: str) -> Wording:
    r"""Read what a raw text says.

    >>> [" ".join(part) for part in read_wording(r"Patients must have haemoglobin \>= 9 g/dL").parts]
    ['word hemoglobin', 'comparator >=', 'number 90000 g1 m-3']
    """
    return Wording(tuple(_list_parts(read_text(clean_text(raw).text))))


def _list_parts(tokens: Tokens) -> Iterator[Part]:
    at = 0
    while at < len(tokens):
        part, at = _read_part(tokens, at)
        if part:
            yield part


def _read_part(tokens: Tokens, at: int) -> tuple[Part | None, int]:
    for vocabulary in ("comparators", "comparator_suffixes"):
        found = rule(vocabulary).starts(tokens, at)
        entry = read_term(vocabulary, tokens, at, found.end) if found else None
        if found and entry:
            return ("comparator", entry.value), found.end
    word = tokens.words[at]
    word = (word[:-1] if word[:-1].isupper() and word.endswith("s") else word).lower()  # "ARBs"
    if _is_bracketed(tokens, at):
        return ("abbreviation", word), at + 1
    if tokens.codes[at] in (NUMBER, NAME_NUMBER) and (number := _read_number(tokens, at)):
        return number
    if word in ("and", "or"):
        return ("conjunction", word), at + 1
    if word in _NEGATIONS:
        return ("negation", "not"), at + 1
    return _read_word(word), at + 1


def _is_bracketed(tokens: Tokens, at: int) -> bool:
    """Whether an abbreviation, such as "ANC" or "Vss", stands alone in brackets."""
    if not 0 < at < len(tokens) - 1 or tokens.words[at - 1] + tokens.words[at + 1] != "()":
        return False
    word = tokens.words[at]
    return is_abbreviation(word) or (word.isalpha() and len(word) <= _SHORT and not word.islower())


_SHORT = 5
_NEGATIONS = word_set("no not none never without neither nor cannot absence lack free unable except unless")


def _read_number(tokens: Tokens, at: int) -> tuple[Part, int] | None:
    found = rule("number").starts(tokens, at)
    value = read_number(found.text) if found else None
    if found is None or value is None:
        return None
    end = found.end
    end += end < len(tokens) and tokens.words[end] == "-" and tokens.joined(end)
    unit = rule("limit_unit").starts(tokens, end)
    if unit is None:
        return ("number", f"{value:.12g}"), found.end
    return ("number", " ".join(map(str, scale_quantity(value, unit.text)))), unit.end


def _read_word(word: str) -> Part | None:
    if not word[0].isalnum():
        return ("word", word) if word in "%+" else None
    folded = " ".join(fold_words(word))
    folded = _same().get(word, _same().get(folded, folded))
    return ("word", folded) if folded and folded not in _idle() and word not in _idle() else None


@cache
def _read_table() -> Mapping[str, object]:
    return tomllib.loads((files(__package__) / "wording.toml").read_text("utf-8"))


@cache
def _idle() -> frozenset[str]:
    return word_set(str(_read_table()["idle"]))


@cache
def _same() -> Mapping[str, str]:
    groups = _read_table()["same"]
    assert isinstance(groups, list)
    return {word: group[0] for group in groups for word in group}


def _is_slip(one: str, other: str) -> bool:
    """Whether two words are one, spelt in two ways: one or two letters differ, and trials know only one of them.

    >>> _is_slip("contraception", "contaception"), _is_slip("infection", "injection")
    (True, False)
    """
    letters = min(len(one), len(other))
    most = (letters > 4) + (letters > 8)
    is_near = 0 < DamerauLevenshtein.distance(one, other, score_cutoff=most) <= most
    return is_near and (one in _known_words()) is not (other in _known_words())


@cache
def _known_words() -> frozenset[str]:
    """The words that the categories of criteria were learned from."""
    return frozenset(word for feature in load_scorer("criteria").rows for word in feature.split())


def is_critical(word: str) -> bool:
    """Whether a word turns a meaning round, such as "positive" or "increase".

    >>> is_critical("negative"), is_critical("tumor")
    (True, False)
    """
    return compare_tokens(word, "") in (ConflictKind.NEGATION, ConflictKind.COURSE)
