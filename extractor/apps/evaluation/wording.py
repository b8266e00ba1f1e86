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
        words = [
            {part.text.lower() for part in side} for side in (self.gone, self.come)
        ]
        opposite = any(
            f"{prefix}{one}" in words[1 - side]
            for side in (0, 1)
            for one in words[side]
            for prefix in _OPPOSITE
        )
        return (
            bool(self.joins)
            or opposite
            or any(part.turns for part in (*self.gone, *self.come))
        )

    def leave_out(self, known: Collection[str]) -> "WordChange":
        """Return the change without the parts of these kinds or normal forms."""
        known = frozenset(known)
        gone, come = (
            tuple(p for p in each if known.isdisjoint(p[:2]))
            for each in (self.gone, self.come)
        )
        return WordChange(gone, come, self.joins)

    def describe(self) -> str:
        """Say what differs, in the words of the texts; empty if nothing does."""
        said = []
        for kind in ("number", "comparator", "negation"):
            for was, now in zip_longest(
                *(
                    [p.text for p in each if p.kind == kind]
                    for each in (self.gone, self.come)
                )
            ):
                if was and now:
                    said.append(f"{was} -> {now}")
                elif now:
                    said.append(f'"{now}" added')
                else:
                    said.append(f'"{was}" removed')
        said += [" -> ".join(self.joins)] if self.joins else []
        for name, parts in (("removed", self.gone), ("added", self.come)):
            words = [part.text for part in parts if part.kind == "word"]
            more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
            said += (
                [f"words {name}: {', '.join(words[:_SHOWN])}{more}"] if words else []
            )
        return "; ".join(said)


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
    joins = tuple(
        {part.form for part in each if part.kind == "conjunction"}
        for each in (was, now)
    )
    swapped = joins in (({"and"}, {"or"}), ({"or"}, {"and"}))
    return WordChange(
        tuple(gone),
        tuple(come),
        tuple(form for each in joins for form in each) if swapped else (),
    )


def measure_likeness(old: str | None, new: str | None) -> float:
    """Return the share of words that two raw texts have in common, 0 to 1.

    >>> measure_likeness(
    ...     "Pregnancy or lactation", "Participants who are pregnant or breast-feeding"
    ... )
    1.0
    """
    forms = [
        [part.form for part in read_words(text) if part.kind != "conjunction"]
        for text in (old, new)
    ]
    number = len(forms[0]) + len(forms[1])
    if not number or (
        number > _BRIEF and 8 * len(set(forms[0]).intersection(forms[1])) < number
    ):
        return 0.0  # without a slow comparison
    change = compare_texts(old, new)
    return 1 - (len(change.gone) + len(change.come)) / number


def may_name_one_thing(one: str, other: str) -> bool:
    """Return whether two texts share a content word, also abbreviated. Texts without such words may
    name one thing.

    >>> (
    ...     may_name_one_thing("ANC", "absolute neutrophil count"),
    ...     may_name_one_thing("aged", "Age of patients"),
    ... )
    (True, True)
    >>> may_name_one_thing("serum creatinine", "total bilirubin")
    False
    """
    is_empty = not read_words(one) or not read_words(other)
    return (
        fold_name(one) == fold_name(other)
        or is_empty
        or measure_likeness(one, other) > 0
    )


def _list_beyond(one: Sequence[Part], other: Sequence[Part]) -> list[Part]:
    """Return the parts that the other text does not have, in order, without conjunctions."""
    left = Counter(part[:2] for part in other)
    beyond = []
    for part in one:
        if left[part[:2]]:
            left[part[:2]] -= 1
        elif part.kind != "conjunction":
            beyond.append(part)
    return beyond


def _drop_other_forms(short: list[Part], long: list[Part]) -> None:
    """Remove words on one side that the other side writes as several: "nonsmall" as "non-small",
    "MI" in full.
    """
    runs: dict[tuple[str, str], tuple[int, int]] = {}
    for first in range(len(long)):
        glued = initials = ""
        for end, part in enumerate(long[first : first + _LONGEST_NAME], first + 1):
            if part.kind not in ("word", "negation"):
                break
            glued = glued + part.text.lower()
            initials = initials + part.text[0].lower()
            if end > first + 1:
                runs.setdefault(("form", _fold(glued)), (first, end))
                runs.setdefault(("initials", initials), (first, end))
    used: set[int] = set()
    for part in list(short) if runs else ():
        keys = [("form", part.form)]
        # "ANC" and "QOL" have a letter for a word without content, too
        if _is_abbreviation(part.text):
            letters = part.text.removesuffix("s").lower()
            fewer = (
                letters[:at] + letters[at + 1 :]
                for at in range(1, len(letters))
                if len(letters) > 2
            )
            keys += [("initials", initials) for initials in (letters, *fewer)]
        span = next((runs[key] for key in keys if key in runs), None)
        if part.kind == "word" and span and used.isdisjoint(range(*span)):
            used.update(range(*span))
            short.remove(part)
    long[:] = [part for at, part in enumerate(long) if at not in used]


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
    at = 0
    while at < len(tokens):
        first = at
        part, at = _read_part(tokens, at)
        if part and part.text.lower() in (table := _read_table()).negated:
            yield Part("negation", "not", part.text)
            part = Part("word", table.negated[part.text.lower()], part.text)
        in_brackets = (
            first > 0
            and tokens.words[first - 1] + "".join(tokens.words[at : at + 1]) == "()"
        )
        # it stands for the words before
        if part and part.form and not (in_brackets and _is_abbreviation(part.text)):
            yield part


def _read_part(tokens: Tokens, at: int) -> tuple[Part | None, int]:
    """Read one part, with an empty form if the word has no content of its own, and return the
    next token.
    """
    for vocabulary in ("comparators", "comparator_suffixes"):
        found = rule(vocabulary).starts(tokens, at)
        entry = read_term(vocabulary, tokens, at, found.end) if found else None
        if found and entry:
            return Part("comparator", entry.value, found.text), found.end
    if number := _read_number(tokens, at):
        return number
    word = tokens.words[at]
    if not word[0].isalnum():
        return (Part("word", word, word) if word in "%+" else None), at + 1
    if word.lower() in ("and", "or"):
        return Part("conjunction", word.lower(), word), at + 1
    return (
        Part("negation", "not", word)
        if word.lower() in _NEGATIONS
        else Part("word", _fold(word), word)
    ), at + 1


def _read_number(tokens: Tokens, at: int) -> tuple[Part, int] | None:
    """Read "18", "18 years", "two (2) weeks" or "week 18", and return the next token; None for
    another word.
    """
    unit_before = read_time_unit(tokens.words[at]) and tokens.words[at]
    first = at + bool(unit_before)
    found = (
        rule("number").starts(tokens, first)
        if tokens.codes[first : first + 1] in (NUMBER, NAME_NUMBER)
        else None
    )
    value = read_number(found.text) if found else None
    if found is None or value is None:
        return None
    end = found.end
    again = tokens.words[found.end : found.end + 3]
    if again[::2] == ["(", ")"] and read_number(again[1]) == value:
        end += 3
    unit = rule("limit_unit").starts(
        tokens, end + (tokens.words[end : end + 1] == ["-"] and tokens.joined(end))
    )
    if unit and not unit_before:
        return Part(
            "number", _scale(value, unit.text), tokens.read(at, unit.end)
        ), unit.end
    if unit_before:
        return (
            None
            if unit
            else (Part("number", _scale(value, unit_before), tokens.read(at, end)), end)
        )
    counted = (
        end < len(tokens)
        and tokens.words[end] not in ("and", "or")
        and bool(_fold(tokens.words[end]))
    )
    return Part("number", f"{value:.12g}", tokens.read(at, end + counted)), end


def _scale(value: float, unit: str) -> str:
    return " ".join(map(str, scale_quantity(value, unit)))


def _is_abbreviation(word: str) -> bool:
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
    lower = word.removesuffix("s" if _is_abbreviation(word) else "").lower()
    folded = " ".join(fold_words(lower))
    if not table.idle.isdisjoint((lower, folded)):
        return ""
    if known := table.same.get(lower) or table.same.get(folded):
        return known
    return re.sub(r"(?<=\w{4}s)(?:is|e)$", "", _ENDING.sub("", folded))
