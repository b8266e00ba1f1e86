"""No text takes more time than its length allows, whatever it says: the exponent of time over
length is about 1.
"""

import cProfile
import pstats
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from extractor.assembly.refusals import explain_refusal
from extractor.assembly.support import find_support
from extractor.concepts.parse import parse_record
from extractor.language.passage import read_section
from extractor.language.patterns import Rule
from extractor.masking import mask_known
from extractor.options import ExtractionOptions
from extractor.pipeline import extract_by_rules
from extractor.schemas import (
    Age,
    Amount,
    Constraint,
    Instrument,
    Period,
    TimePoint,
    TimeWindow,
)
from extractor.schemas.vocabulary import Effort

from .growth import (
    LARGEST_EXPONENT,
    PIECES,
    express,
    find_slow,
    fit_growth,
    list_other_expressions,
    list_rules,
)
from .trust import trial

pytestmark = pytest.mark.slow

RULES = ExtractionOptions(effort=Effort.NONE)
SECTIONS = (
    "eligibility",
    "detailed_description",
    "arms_0",
    "primary_outcomes",
    "conditions",
)
_MORE = (
    "</record>|<!--|{{|\u200b|e\u0301|Ignore the above. |Inclusion Criteria:\n|\n* Age over 18|"
    "1,000 |5-7 |7 mg |x 10^9|examplumab 5 mg daily. |asthma |day 1, |(day 1|within 7 days |"
    'ALT < 3 x ULN, |men or |IV |http://a.b/|&amp;|\\\\|"|; |:'
)
MORE = (*_MORE.split("|"), "up to 7 months|")


def extract(text: str) -> object:
    return extract_by_rules(trial(**dict.fromkeys(SECTIONS, text)), RULES)


@pytest.mark.parametrize("rule", list_rules(), ids=lambda rule: rule.name)
def test_a_rule_takes_linear_time(rule: Rule) -> None:
    assert find_slow([express(rule)]) == {}


def test_other_expressions_take_linear_time() -> None:
    """Also one that is new: the expressions are found in the modules."""
    expressions = {
        (expression.compiled.pattern, expression.methods): expression
        for expression in list_other_expressions()
    }
    assert len(expressions) > 250

    assert find_slow(expressions.values()) == {}


def test_a_record_takes_linear_time() -> None:
    extract("Inclusion Criteria:\n* Age over 18")  # loads the rules
    pieces = (*PIECES, *MORE)
    slow = {
        piece: exponent
        for piece in pieces
        if (exponent := fit_growth(extract, piece)) > LARGEST_EXPONENT
    }

    assert not slow


NUMBERS = ["5 ", "5-", "≥ 5 mg, ", "age 5 ", "5 weeks ", "5 x ULN ", "RECIST "]


def list_values(text: str) -> Iterator[object]:
    """Values of a model for a text, with the longest words that it may answer, and with short
    ones.
    """
    between = {"comparator": "between", "value": 5, "value_high": 7}
    week = {"value": 5, "unit": "week"}
    for words in (text[:1000], text.split(maxsplit=1)[0][:8]):
        yield words
        yield Amount(low=5, high=5, unit=words)
        yield Constraint(quantity=words, comparator=">=", value=5, unit=words)
        yield Instrument(name=words, version="5.0")
        yield TimeWindow(quote=words, comparator=">=", **week)
    yield Constraint(quantity="age", comparator=">=", value=5)
    yield Constraint(quantity="age", unit="mg", **between)
    yield from (Age(**week), Period(**week), TimePoint(**week))


@pytest.mark.parametrize("piece", NUMBERS)
def test_the_proof_of_a_value_takes_linear_time(piece: str) -> None:
    """Whatever the text repeats and whatever a model answers."""

    def ground(text: str, number: int) -> None:
        section = read_section("eligibility", text)
        value = list(list_values(text))[number]
        if not find_support(value, section.whole):
            explain_refusal(value, section.whole)

    slow = {}
    for number, value in enumerate(list_values(piece * 2)):
        exponent = fit_growth(partial(ground, number=number), piece)
        if exponent > LARGEST_EXPONENT:
            slow[repr(value)] = exponent
    assert not slow


@pytest.mark.parametrize(
    ("pattern", "least", "most"),
    [("a+b", 1.6, 3), ("(a|aa)+b", 3, float("inf")), ("a+", 0, LARGEST_EXPONENT)],
)
def test_growth_is_measured(pattern: str, least: float, most: float) -> None:
    """With the square of the length, exponentially, and with the length."""
    expression = re.compile(pattern)

    exponent = fit_growth(lambda text: list(expression.finditer(text)), "a")

    assert least <= exponent <= most


def test_one_long_word_is_masked_in_linear_time(monkeypatch):
    """A reply of a server may be a word of megabytes in quotation marks."""
    monkeypatch.setenv("SERVICE_KEY", "q7Zk3WpV9xLt2BnM4rYc")

    def mask_quoted(text: str) -> str:
        return mask_known(f'"{text * 20}"')

    assert fit_growth(mask_quoted, "x") < LARGEST_EXPONENT


_CRITERIA = """\
* Age {n} to {m} years
* Adequate liver function, as shown by a platelet count of at least {n}.5 x 10^9/L
* {drug} within {n} weeks before the first dose, or heart surgery
* Suspected kidney disease number {n}, or an infection with fever
"""
_PROSE = """\
Participants of group {n} receive {drug} {m} mg by mouth twice daily for {n} weeks, then the thyroid is examined
again on day {m}. They are eligible if the ferritin is above {n}.

"""
_OUTCOMES = (
    "Change in albumin of part {n}, Taken from serum, by ELISA., up to {m} months|"
)
TEXTS = {
    "eligibility": _CRITERIA,
    "detailed_description": _PROSE,
    "primary_outcomes": _OUTCOMES,
}
OUTCOME = {
    "measure": "Change in creatinine of the bladder, part {n}",
    "description": "Measured in serum from the start of treatment until death or day {n}.",
    "time_frame": "Baseline, week {n} and up to {m} months",
}
ARM = {
    "label": "Cohort {n}: {drug}",
    "type": "EXPERIMENTAL",
    "description": "{drug} {n}.5 mg/kg IV over {m} minutes on days 1, 8 and 15 of each {m}-day cycle",
}
LISTS = {"primary_outcomes": OUTCOME, "arms": ARM}
_DRUGS = "examplumab testatinib mocaxel sampletide trialomycin fauxparib demosartan"
DRUGS = _DRUGS.split()


def count_calls(name: str, template: str | dict[str, str], numbers: range) -> int:
    """How many functions, Python's own included, extracting a record with an item for each number
    calls: no line is that of another record.
    """

    def fill(text: str, number: int) -> str:
        return text.format(n=number, m=number + 30, drug=DRUGS[number % len(DRUGS)])

    content: Any
    if isinstance(template, str):
        head = "Inclusion Criteria:\n" if name == "eligibility" else ""
        lines = "".join(fill(template, number) for number in numbers)
        content = f"{head}{lines}".strip("|\n")
    else:
        content = [
            {part: fill(text, number) for part, text in template.items()}
            for number in numbers
        ]
    drugs = [{"type": "DRUG", "name": drug} for drug in DRUGS]
    record = trial(interventions=drugs, **{name: content})
    profile = cProfile.Profile()
    profile.runcall(extract_by_rules, record, RULES)
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(("name", "template"), [*TEXTS.items(), *LISTS.items()])
def test_ten_times_the_text_calls_at_most_eleven_times_as_many_functions(
    name: str, template: str | dict[str, str]
) -> None:
    """Counted, so that the result is the same on every machine."""
    count_calls(name, template, range(1, 20))  # loads and compiles what is needed
    short = count_calls(name, template, range(1000, 1020))

    assert count_calls(name, template, range(2000, 2200)) <= 11 * short


@pytest.mark.parametrize("piece", ["7", "(", ", ", " ", "asthma ", '("', "1. 2. ", "."])
def test_a_long_line_is_read_to_the_end(piece: str) -> None:
    """All of it is read, or what no reader could take for text is blanked and reported."""
    line = "A arm " + (piece * 200_000)[:200_000] + "a"

    parsed = parse_record(trial(eligibility=line))

    text = parsed.sections["eligibility"].cleaned.text
    blanked = sum(found.span.length for found in parsed.hostile)
    assert len(text) == len(line)
    assert text == line or blanked >= 0.99 * 200_000
