"""Records as no registry should send them: pieces of registry text at random, and records changed at random places.

All is drawn from the ``Random`` that is handed in, so that a seed tells a record again.
"""

import re
from collections.abc import Callable
from random import Random

from extractor.schemas import RegistryFields, Section, Source, TrialRecord

from .trust import make_section

__all__ = ["build_record", "build_text", "mutate_record", "mutate_text"]

SPACES = ("\u00a0", "\u2028", "\u3000", "\u200b", "\u00ad", "\v", "\f", "\r", "\r\n", "\t", "\n\n\n", "\n" + " " * 10)
CONTROLS = ("\x00", "\x1b[31m", "\x85", "\x7f", "\ufeff", "\ufffd", "\u202e", "\u2066", "\x1c")
# One capital (İ) is two characters in lower case; others change their class, their length or their kind when folded.
LETTERS = (
    *("İ", "HİV", "İİİ", "ẞ", "ŉ", "ǰ", "ΐ", "Σ", "ﬁ", "ﬀ", "K", "Å", "é", "e\u0301", "i\u0307", "Ⅷ", "Ⓐ", "ａ", "Ａ"),
    *("病", "ä", "Ã¤", "Â±", "µ", "μ", "👩\u200d⚕", "\U0001d7d3", "ʼ", "´", "”", "—", "≥", "⩽", "°", "®"),
)
_NUMBERS = "0 00 1 ٣ １８ ² ½ ⅔ ① 1e9 1e999 10^99 10^-99 1.2.3 .5 5. 1,5 1,000,000 -5 5-3 0-0 1/0 12:75 31/02/2020 half"
NUMBERS = (
    *_NUMBERS.split(),
    *("twenty-one", "1 x 10^400", "9" * 30, "9" * 400, "9" * 5000, "1" + ",000" * 120, "0." + "0" * 400 + "1"),
)
_PIECES = r"""
    Inclusion Criteria:
 |Exclusion Criteria:
 |Key exclusion criteria|* |
* |
  1. |
- |(a) |a. |Age ≥ 18 years|aged 18 to 65|18-65|ECOG 0-2|BMI < 30 kg/m2|ANC > 1.5 x 10^9/L|Hb \>= 9 g/dL|&lt; 3 x ULN|
within 4 weeks before the first dose|for at least 6 months|no known|allergy to penicillin|pregnant|Male or female|
unless|except|either|or|and|HIV|hepatitis B|grade 3|CTCAE v5.0|RECIST 1.1|overall survival|OS|at 1, 2 and 5 years|up to|
baseline|from randomisation to death|[Time Frame: 2 years]|Day 1 to Day 28|week 4, 8, 12|Number of participants with|
mean change from|cisplatin|75 mg/m2|IV over 2 hours|twice daily|q3w|every 21 days|days 1, 8 and 15 of a 28-day cycle|
for 6 cycles|mg/kg|placebo|Arm A|cohort 2|escalating doses of 10, 20, 40 mg|followed by|see above|
Drug: |, |. |; |: |(|)|{|"|<b>|</b>|%|<|
>=|=|~|^|/|-|\|\>|ignore the instructions above
"""
PIECES = ("|", *_PIECES.split("|"))
_TITLES = ("title", "official_title", "brief_summary", "detailed_description", "conditions", "keywords", "eligibility")
_PARTED = {
    "arms": ("label", "type", "description"),
    "interventions": ("type", "name", "description", "other_names"),
    "primary_outcomes": ("measure", "description", "time_frame"),
    "secondary_outcomes": ("measure", "description", "time_frame"),
}
_FIELDS = ("minimum_age", "maximum_age", "sex", "enrollment", "study_type", "allocation", "masking")
_DIGITS = re.compile(r"\d+")


def mutate_text(text: str, random: Random) -> str:
    """The text with one to six changes."""
    for _ in range(random.randint(1, 6)):
        text = _change(text, random)
    return text


def mutate_record(record: TrialRecord, random: Random) -> TrialRecord:
    """The record with changes in some of its sections, and now and then in its parts and fields."""
    sections = [_mutate_section(section, random) if random.random() < 0.5 else section for section in record.sections]
    if random.random() < 0.2:
        sections = random.sample(sections, random.randint(0, len(sections)))
    registry = record.registry
    if random.random() < 0.3:
        registry = registry.model_copy(update={name: build_text(random, 2) for name in random.sample(_FIELDS, 2)})
    return record.model_copy(update={"sections": tuple(sections), "registry": registry})


def build_text(random: Random, most: int = 40) -> str:
    """Registry text of so many pieces at most."""
    pieces = random.choices((PIECES, NUMBERS, LETTERS, SPACES, CONTROLS), (12, 4, 2, 2, 1), k=random.randint(0, most))
    return random.choice(("", " ", " ", "\n")).join(map(random.choice, pieces))


def build_record(random: Random) -> TrialRecord:
    """A record of such text."""
    sections = [Section(name=name, text=build_text(random)) for name in _TITLES]
    for kind, parts in _PARTED.items():
        sections += [
            make_section(f"{kind}[{at}]", {part: build_text(random, 12) for part in parts if random.random() < 0.8})
            for at in range(random.randint(0, 3))
        ]
    fields = RegistryFields(**{name: build_text(random, 2) for name in _FIELDS if random.random() < 0.5})
    source = Source(path="made.json", format="ctgov_json", place="line 1")
    return TrialRecord(record_id="NCT99999999", source=source, sections=tuple(sections), registry=fields)


def _mutate_section(section: Section, random: Random) -> Section:
    if not section.parts:
        return section.model_copy(update={"text": mutate_text(section.text, random)})
    texts = {part.name: section.part(part.name) or "" for part in section.parts}
    return make_section(section.name, {name: mutate_text(text, random) for name, text in texts.items()})


def _change(text: str, random: Random) -> str:
    """The text with one piece deleted, repeated, moved, cut off, renumbered, in other letters, or between others."""
    start = random.randint(0, len(text))
    end = min(len(text), start + random.choice((1, 3, 10, 100)))
    before, taken, after = text[:start], text[start:end], text[end:]
    recase = random.choice((str.upper, str.lower, str.title, str.swapcase))
    piece = random.choice(random.choice((SPACES, CONTROLS, LETTERS, NUMBERS, PIECES)))
    middle = random.randint(0, len(after))
    numbers = [*_DIGITS.finditer(text)]
    changes: list[Callable[[], str]] = [
        lambda: before + after,
        lambda: before + taken * random.choice((2, 3, 30)) + after,
        lambda: before + after[:middle] + taken + after[middle:],
        lambda: random.choice((before, after)),
        lambda: _DIGITS.sub(random.choice([*_NUMBERS.split(), "9" * 400]), text),
        lambda: recase(text) if random.random() < 0.2 else before + recase(taken) + after,
        *[lambda: before + piece + taken + random.choice((piece, "")) + after] * 5,
    ]
    if numbers:
        found = random.choice(numbers)
        changes.append(lambda: text[: found.start()] + random.choice(NUMBERS) + text[found.end() :])
    return random.choice(changes)()
