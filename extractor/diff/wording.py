"""What a text says, without its wording: numbers in base units, comparators, negations, content words."""

import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files

from extractor.evaluation.comparers import scale_quantity
from extractor.ground.conflicts import compare_tokens
from extractor.parse.drafts import ConflictKind
from extractor.text.book import read_term, read_text, rule, word_set
from extractor.text.clean import clean_text
from extractor.text.lexer import NAME_NUMBER, NUMBER, Tokens, is_abbreviation
from extractor.text.numbers import read_number
from extractor.text.quantity_names import fold_words

Part = tuple[str, str]
"""One word of a meaning: its kind (word, number, comparator, negation), and its normal form."""
_SHOWN = 10
"""Most words that a message lists."""
_NEGATIONS = word_set("no not none never without neither nor cannot absence lack free unable except unless")


@dataclass(frozen=True)
class Wording:
    """The meaning of a text as a sequence of parts, and the conjunctions ("and", "or") in it."""

    parts: tuple[Part, ...]
    joins: frozenset[str] = frozenset()

    @cached_property
    def is_negated(self) -> bool:
        """Whether it holds a negation."""
        return bool(self.pick("negation"))

    def pick(self, *kinds: str) -> Counter[str]:
        """Return the forms of the parts of these kinds, each with its count.

        >>> read_wording("Platelets of at least 100 x 10^9/L in two weeks").pick("word", "comparator")
        Counter({'platelet': 1, '>=': 1})
        """
        return Counter(form for kind, form in self.parts if kind in kinds)

    def says_same(self, other: "Wording") -> bool:
        """Whether both say the same, in any order of words.

        >>> old = read_wording("ANC of at least 1,500/mm3 within two weeks")
        >>> old.says_same(read_wording("ANC ≥ 1.5 x 10^9/L, within 14 days"))
        True
        >>> old.says_same(read_wording("ANC > 1,500/mm3 within two weeks"))
        False
        """
        ours, theirs = self.list_beyond(other), other.list_beyond(self)
        glued = ("".join(form for kind, form in each if kind == "word") for each in (ours, theirs))
        only_words = all(kind == "word" for kind, _ in (*ours, *theirs))
        return only_words and len(set(glued)) == 1 and {self.joins, other.joins} != {_AND, _OR}

    def list_beyond(self, other: "Wording") -> list[Part]:
        """Return the parts that the other text does not have, in order.

        >>> read_wording("body mass index and ankle edema").list_beyond(read_wording("body mass index"))
        [('word', 'ankle'), ('word', 'edema')]
        """
        left, beyond = Counter(other.parts), []
        for part in self.parts:
            if left[part]:
                left[part] -= 1
            else:
                beyond.append(part)
        return beyond


_AND, _OR = frozenset({"and"}), frozenset({"or"})


@lru_cache(maxsize=8192)
def read_wording(raw: str | None) -> Wording:
    r"""Read what a raw text says.

    >>> [" ".join(part) for part in read_wording(r"Patients must have haemoglobin \>= 9 g/dL").parts]
    ['word hemoglobin', 'comparator >=', 'number 90000 g1 m-3']
    """
    parts = list(_list_parts(read_text(clean_text(raw or "").text)))
    joins = frozenset(form for kind, form in parts if kind == "conjunction")
    return Wording(tuple(part for part in parts if part[0] != "conjunction"), joins)


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
    if tokens.codes[at] in (NUMBER, NAME_NUMBER) and (number := _read_number(tokens, at)):
        return number
    if is_abbreviation(word) and 0 < at < len(tokens) - 1 and tokens.words[at - 1] + tokens.words[at + 1] == "()":
        return None, at + 1  # it stands for the words before it
    word = (word[:-1] if word[:-1].isupper() and word.endswith("s") else word).lower()  # "ARBs"
    if word in ("and", "or"):
        return ("conjunction", word), at + 1
    return ("negation", "not") if word in _NEGATIONS else _read_word(word), at + 1


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
    idle, same = _read_table()
    folded = " ".join(fold_words(word))
    folded = same.get(word, same.get(folded, folded))
    return ("word", folded) if folded and idle.isdisjoint((folded, word)) else None


@cache
def _read_table() -> tuple[frozenset[str], Mapping[str, str]]:
    """The words without content of their own, and the word that stands for each synonym."""
    table = tomllib.loads((files(__package__) / "wording.toml").read_text("utf-8"))
    return word_set(table["idle"]), {word: group[0] for group in table["same"] for word in group}


def describe_words(old: Wording, new: Wording, beside: Wording | None = None) -> str:
    """Return the content words on one side alone, without those ``beside``; empty if there are none.

    >>> describe_words(read_wording("severe asthma"), read_wording("severe or moderate asthma"))
    'words added: moderate'
    """
    known = beside.pick("word") if beside else ()
    described = []
    for name, parts in (("removed", old.list_beyond(new)), ("added", new.list_beyond(old))):
        words = [form for kind, form in parts if kind == "word" and form not in known]
        more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
        described += [f"words {name}: {', '.join(words[:_SHOWN])}{more}"] if words else []
    return "; ".join(described)


def differ_decisively(old: Wording, new: Wording, besides: Collection[str] = ()) -> bool:
    """Whether numbers, comparators, negations or conjunctions differ, or words that turn the meaning round.

    ``besides`` are kinds of parts that do not count.

    >>> differ_decisively(read_wording("HIV positive"), read_wording("HIV negative"))
    True
    """
    if {old.joins, new.joins} == {_AND, _OR}:
        return True
    beyond = (part for part in (*old.list_beyond(new), *new.list_beyond(old)) if part[0] not in besides)
    return any(kind != "word" or compare_tokens(form, "") in _TURNING for kind, form in beyond)


_TURNING = (ConflictKind.NEGATION, ConflictKind.COURSE)
