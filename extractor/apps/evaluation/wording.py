"""Compare the words of two raw texts: numbers in base units, comparators, negations,
conjunctions, content words.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import zip_longest
from typing import NamedTuple

from extractor.apps.evaluation.text import fold_name, scale_quantity
from extractor.concepts.limits.quantity_names import fold_words
from extractor.evidence.conflicts import compare_tokens
from extractor.evidence.drafts import ConflictKind
from extractor.language.book import read_term, read_text, rule, word_set
from extractor.language.clean import clean_text
from extractor.language.lexer import NAME_NUMBER, NUMBER, Tokens
from extractor.language.numbers import read_number, read_time_unit

_SHOWN = 10
"""Most words that a message lists."""
_LONGEST_NAME = 6
"""Most words that an abbreviation or a compound stands for."""
_BRIEF = 12
"""Most words of two texts that may be the same although they share none: "PFS" is
progression-free survival.
"""
_NEGATIONS = word_set(
    "no not none never without neither nor cannot absence lack free except unless"
)
_TURNING = (ConflictKind.NEGATION, ConflictKind.COURSE)
_OPPOSITE = ("non", "un", "in", "im", "ir", "dis")
_ENDING = re.compile(r"(?<=\w{4})(?:ation|ing|ed|e|ly)$")


class Part(NamedTuple):
    """One word of a text: its kind (word, number, comparator, ...), its normal form, and its
    characters.
    """

    kind: str
    form: str
    text: str

    @property
    def turns(self) -> bool:
        """Return whether it is more than a content word: with another one, the text can say the
        opposite.
        """
        return self.kind != "word" or compare_tokens(self.text.lower(), "") in _TURNING


@dataclass(frozen=True, slots=True)
class WordChange:
    """What only the old text says, what only the new one says, and the conjunctions if "and" became
    "or". May be empty.

    >>> compare_texts(
    ...     "Age of at least 18 years and no asthma",
    ...     "Age of more than 21 years or asthma",
    ... ).describe()
    '18 years -> 21 years; at least -> more than; "no" removed; and -> or'
    """

    gone: tuple[Part, ...]
    come: tuple[Part, ...]
    joins: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.come or self.joins)

    @property
    def is_decisive(self) -> bool:
        """Return whether numbers, comparators, negations, conjunctions, or words that turn the
        meaning round differ.

        >>> pairs = (
        ...     ("HIV positive", "HIV negative"),
        ...     ("stable", "unstable"),
        ...     ("asthma", "severe asthma"),
        ... )
        >>> [compare_texts(*pair).is_decisive for pair in pairs]
        [True, True, False]
        """
        if self.joins:
            return True
        if any(part.turns for part in (*self.gone, *self.come)):
            return True
        gone = {part.text.lower() for part in self.gone}
        come = {part.text.lower() for part in self.come}
        return _has_opposite(gone, come) or _has_opposite(come, gone)

    def leave_out(self, known: Collection[str]) -> "WordChange":
        """Return the change without the parts of these kinds or normal forms."""
        left_out = frozenset(known)

        def is_kept(part: Part) -> bool:
            return part.kind not in left_out and part.form not in left_out

        gone = tuple(filter(is_kept, self.gone))
        come = tuple(filter(is_kept, self.come))
        return WordChange(gone, come, self.joins)

    def describe(self) -> str:
        """Say what differs, in the words of the texts; empty if nothing does. Numbers, comparators
        and negations of both texts are set against each other in their order; of words, only the
        first few are named.
        """
        changes = []
        for kind in ("number", "comparator", "negation"):
            gone = _list_texts(self.gone, kind)
            come = _list_texts(self.come, kind)
            # The longer list has no partner for its last parts.
            for was, now in zip_longest(gone, come):
                if was and now:
                    changes.append(f"{was} -> {now}")
                elif now:
                    changes.append(f'"{now}" added')
                else:
                    changes.append(f'"{was}" removed')
        if self.joins:
            changes.append(" -> ".join(self.joins))
        for name, parts in (("removed", self.gone), ("added", self.come)):
            words = _list_texts(parts, "word")
            if not words:
                continue
            shown = ", ".join(words[:_SHOWN])
            if len(words) > _SHOWN:
                shown += f" and {len(words) - _SHOWN} more"
            changes.append(f"words {name}: {shown}")
        return "; ".join(changes)


def _list_texts(parts: Sequence[Part], kind: str) -> list[str]:
    """Return the parts of a kind, as the texts write them."""
    return [part.text for part in parts if part.kind == kind]


def _has_opposite(words: set[str], others: set[str]) -> bool:
    """Return whether one of the other words is one of the words with "un" or the like before it."""
    for word in words:
        for prefix in _OPPOSITE:
            if prefix + word in others:
                return True
    return False


@lru_cache(maxsize=4096)
def compare_texts(old: str | None, new: str | None) -> WordChange:
    """Compare two raw texts word by word, in any order. The change is empty if both say the same.

    >>> old = "ANC of at least 1,500/mm3 within two (2) weeks, no prior myocardial infarctions"
    >>> bool(compare_texts(old, "ANC ≥ 1.5 x 10^9/L within 14 days, no previous MI"))
    False
    """
    was = read_words(old)
    now = read_words(new)
    gone = _list_beyond(was, now)
    come = _list_beyond(now, was)
    _drop_other_forms(gone, come)
    _drop_other_forms(come, gone)
    joins_before = {part.form for part in was if part.kind == "conjunction"}
    joins_after = {part.form for part in now if part.kind == "conjunction"}
    joins: tuple[str, ...] = ()
    # Only a text with one kind of conjunction can have it turned.
    if joins_before == {"and"} and joins_after == {"or"}:
        joins = ("and", "or")
    elif joins_before == {"or"} and joins_after == {"and"}:
        joins = ("or", "and")
    return WordChange(tuple(gone), tuple(come), joins)


def measure_likeness(old: str | None, new: str | None) -> float:
    """Return the share of words that two raw texts have in common, 0 to 1; 0 if both are empty.
    Long texts with few equal words are 0 at once, without a slow comparison.

    >>> measure_likeness(
    ...     "Pregnancy or lactation", "Participants who are pregnant or breast-feeding"
    ... )
    1.0
    """
    old_forms = _list_forms(old)
    new_forms = _list_forms(new)
    number = len(old_forms) + len(new_forms)
    if not number:
        return 0.0
    shared = set(old_forms).intersection(new_forms)
    # Long texts with few equal words are not worth the slow comparison.
    if number > _BRIEF and 8 * len(shared) < number:
        return 0.0
    change = compare_texts(old, new)
    return 1 - (len(change.gone) + len(change.come)) / number


def _list_forms(text: str | None) -> list[str]:
    """Return the normal forms of the words of a text, without conjunctions."""
    return [part.form for part in read_words(text) if part.kind != "conjunction"]


def may_name_one_thing(one: str, other: str) -> bool:
    """Return whether two texts have one name, or share a content word, also abbreviated. A text
    without content words may name anything.

    >>> (
    ...     may_name_one_thing("ANC", "absolute neutrophil count"),
    ...     may_name_one_thing("aged", "Age of patients"),
    ... )
    (True, True)
    >>> may_name_one_thing("serum creatinine", "total bilirubin")
    False
    """
    if fold_name(one) == fold_name(other):
        return True
    if not read_words(one) or not read_words(other):
        return True
    return measure_likeness(one, other) > 0


def _list_beyond(text: Sequence[Part], other: Sequence[Part]) -> list[Part]:
    """Return the parts that the other text does not have, or has less often, in order and without
    conjunctions.
    """
    left = Counter((part.kind, part.form) for part in other)
    beyond = []
    for part in text:
        key = (part.kind, part.form)
        if left[key]:
            left[key] -= 1
        elif part.kind != "conjunction":
            beyond.append(part)
    return beyond


def _drop_other_forms(short: list[Part], long: list[Part]) -> None:
    """Remove from both lists what is one word in ``short`` and several in ``long``: "nonsmall"
    and "non-small", "MI" and its full name. Words of ``long`` stand for one word of ``short``
    only.
    """
    runs = _list_runs(long)
    if not runs:
        return
    used: set[int] = set()
    for part in list(short):
        if part.kind != "word":
            continue
        run = None
        for key in _list_keys(part):
            run = runs.get(key)
            if run:
                break
        if run is None:
            continue
        span = range(*run)
        # A word of the long side stands for one word of the short side only.
        if not used.isdisjoint(span):
            continue
        used.update(span)
        short.remove(part)
    long[:] = [part for index, part in enumerate(long) if index not in used]


def _list_runs(parts: Sequence[Part]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return the runs of two words and more, as positions (first, end), by ("form", the normal
    form of the words written as one) and by ("initials", their first letters in small letters).
    Of equal keys, the first run has it. A number or a comparator ends a run.
    """
    runs: dict[tuple[str, str], tuple[int, int]] = {}
    for first in range(len(parts)):
        glued = ""
        initials = ""
        for end, part in enumerate(parts[first : first + _LONGEST_NAME], first + 1):
            if part.kind not in ("word", "negation"):
                break
            glued += part.text.lower()
            initials += part.text[0].lower()
            if end > first + 1:
                runs.setdefault(("form", _fold(glued)), (first, end))
                runs.setdefault(("initials", initials), (first, end))
    return runs


def _list_keys(part: Part) -> Iterator[tuple[str, str]]:
    """Yield the keys of the runs of words that a word may stand for, the likeliest first."""
    yield ("form", part.form)
    if not _is_abbreviation(part.text):
        return
    letters = part.text.removesuffix("s").lower()
    yield ("initials", letters)
    # "ANC" and "QOL" have a letter for a word without content, too.
    if len(letters) > 2:
        for at in range(1, len(letters)):
            yield ("initials", letters[:at] + letters[at + 1 :])


@lru_cache(maxsize=8192)
def read_words(raw: str | None) -> tuple[Part, ...]:
    r"""Read the words of a raw text that have content, in order.

    >>> [
    ...     " ".join(part[:2])
    ...     for part in read_words(r"Patients must have haemoglobin \>= 9 g/dL")
    ... ]
    ['word hemoglobin', 'comparator >=', 'number 90000 g1 m-3']
    """
    return tuple(_list_parts(read_text(clean_text(raw or "").text)))


def _list_parts(tokens: Tokens) -> Iterator[Part]:
    """Yield the parts with content, in order. An abbreviation alone in brackets is left out, since
    it stands for the words before it. A negated word, such as "unable", gives a negation and the
    positive word.
    """
    negated = _read_table().negated
    at = 0
    while at < len(tokens):
        first = at
        part, at = _read_part(tokens, at)
        if part is None:
            continue
        positive = negated.get(part.text.lower())
        if positive is not None:
            yield Part("negation", "not", part.text)
            part = Part("word", positive, part.text)
        if not part.form:
            continue
        if _is_abbreviation(part.text) and _is_in_brackets(tokens, first, at):
            continue
        yield part


def _is_in_brackets(tokens: Tokens, first: int, end: int) -> bool:
    """Return whether tokens stand alone between brackets."""
    if first == 0 or end >= len(tokens):
        return False
    return tokens.words[first - 1] == "(" and tokens.words[end] == ")"


def _read_part(tokens: Tokens, at: int) -> tuple[Part | None, int]:
    """Read the part that begins at the token ``at``, and return it with the position of the token
    behind it. It is a comparator, a number with its unit, a conjunction, a negation, or a word,
    whose form is empty if it has no content of its own; None for a sign other than "%" and "+".
    """
    # "at least 2", and "2 or more"
    for vocabulary in ("comparators", "comparator_suffixes"):
        match = rule(vocabulary).starts(tokens, at)
        if not match:
            continue
        entry = read_term(vocabulary, tokens, at, match.end)
        if entry:
            return Part("comparator", entry.value, match.text), match.end
    # A number goes with its unit, so that it can be compared in other units.
    number = _read_number(tokens, at)
    if number:
        return number
    word = tokens.words[at]
    lower = word.lower()
    end = at + 1
    if not word[0].isalnum():
        if word not in "%+":
            return None, end
        return Part("word", word, word), end
    # Conjunctions may stand anywhere: only a turned one is a change.
    if lower in ("and", "or"):
        return Part("conjunction", lower, word), end
    if lower in _NEGATIONS:
        return Part("negation", "not", word), end
    return Part("word", _fold(word), word), end


def _read_number(tokens: Tokens, at: int) -> tuple[Part, int] | None:
    """Read "18", "18 years", "two (2) weeks" or "week 18", and return it with the position of the
    token behind it. None if no number begins at the token ``at``, and for a unit of time before a
    number that has another unit behind it.
    """
    unit_before = None
    first = at
    if read_time_unit(tokens.words[at]):
        unit_before = tokens.words[at]
        first = at + 1
    if tokens.codes[first : first + 1] not in (NUMBER, NAME_NUMBER):
        return None
    match = rule("number").starts(tokens, first)
    if match is None:
        return None
    value = read_number(match.text)
    if value is None:
        return None
    end = match.end
    if _repeats(tokens, end, value):
        end += 3
    unit = rule("limit_unit").starts(tokens, _skip_hyphen(tokens, end))
    if unit_before and unit:
        # "weeks 2 mg": the number is of the unit behind it.
        return None
    if unit_before:
        return Part("number", _scale(value, unit_before), tokens.read(at, end)), end
    if unit:
        text = tokens.read(at, unit.end)
        return Part("number", _scale(value, unit.text), text), unit.end
    # Without a unit, the number is shown with what it counts: "2 tumors".
    shown_end = end
    if end < len(tokens):
        word_behind = tokens.words[end]
        if word_behind not in ("and", "or") and _fold(word_behind):
            shown_end = end + 1
    text = tokens.read(at, shown_end)
    return Part("number", f"{value:.12g}", text), end


def _repeats(tokens: Tokens, at: int, value: float) -> bool:
    """Return whether a number in brackets says the same again: "two (2)"."""
    brackets = tokens.words[at : at + 3]
    if brackets[::2] != ["(", ")"]:
        return False
    return read_number(brackets[1]) == value


def _skip_hyphen(tokens: Tokens, at: int) -> int:
    """Return the token behind a hyphen between a number and its unit: "18-year"."""
    if tokens.words[at : at + 1] == ["-"] and tokens.joined(at):
        return at + 1
    return at


def _scale(value: float, unit: str) -> str:
    """Return a number with its unit as text that is equal in other units."""
    return " ".join(map(str, scale_quantity(value, unit)))


def _is_abbreviation(word: str) -> bool:
    """Return whether a word is one in capitals, such as "ARB" or "ARBs"."""
    letters = word.removesuffix("s")
    return letters.isupper() and 1 < len(letters) <= _LONGEST_NAME


class _Table(NamedTuple):
    idle: frozenset[str]
    same: Mapping[str, str]
    negated: Mapping[str, str]


@cache
def _read_table() -> _Table:
    """Read the words without content of their own, the word that stands for each synonym, and
    negated words.
    """
    table = tomllib.loads((files(__package__) / "wording.toml").read_text("utf-8"))
    same = {word: group[0] for group in table["same"] for word in group}
    return _Table(word_set(table["idle"]), same, table["negated"])


@lru_cache(maxsize=8192)
def _fold(word: str) -> str:
    """Return the normal form of a word: lower case, one spelling, no ending; empty for a word
    without content.

    >>> [
    ...     _fold(word)
    ...     for word in (
    ...         "Metastases",
    ...         "metastasis",
    ...         "ARBs",
    ...         "haemorrhaging",
    ...         "lactation",
    ...         "the",
    ...     )
    ... ]
    ['metastas', 'metastas', 'arb', 'hemorrhag', 'breastfeeding', '']
    """
    table = _read_table()
    # "ARBs", but "metastasis".
    if _is_abbreviation(word):
        word = word.removesuffix("s")
    lower = word.lower()
    folded = " ".join(fold_words(lower))
    if lower in table.idle or folded in table.idle:
        return ""
    synonym = table.same.get(lower) or table.same.get(folded)
    if synonym:
        return synonym
    without_ending = _ENDING.sub("", folded)
    return re.sub(r"(?<=\w{4}s)(?:is|e)$", "", without_ending)
