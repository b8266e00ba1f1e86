"""No text takes more time than its length allows, whatever it says."""

import re
import sys
from collections import deque
from functools import partial
from itertools import cycle

import pytest

from extractor import make_record
from extractor.apps.diff.changes import diff_trials
from extractor.apps.evaluation import evaluate
from extractor.apps.export.fhir_study import build_trial
from extractor.apps.export.registered import read_registry
from extractor.apps.export.rows import find_rows
from extractor.assembly.objections import explain_objection
from extractor.assembly.support import find_support
from extractor.concepts.parse import parse_record
from extractor.errors import RecordTooLarge
from extractor.language.passage import read_section
from extractor.language.patterns import TokenRule
from extractor.masking import mask_known
from extractor.match import Patient, decide, plan_trial, read_facts
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
    PIECES,
    count_calls,
    count_growth,
    is_linear,
    list_expressions,
    list_quadratic,
)
from .proof.test_regimens import prove
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
    "1,000 |5-7 |7 mg |x 10^9|Examplumab 5 mg daily. |asthma |day 1, |(day 1|within 7 days |"
    'ALT < 3 x ULN, |men or |IV |http://a.b/|&amp;|\\\\|"|; |:'
)
MORE = (*_MORE.split("|"), "up to 7 months|")
LARGEST_GROWTH = 8
"""How many times as many calls a text of four times the length may take: linear work takes 4 times
as many, and work that grows with the square of the length 16 times.
"""
PARTS = 4


@pytest.mark.parametrize("part", range(PARTS))
def test_expressions_take_linear_time(part):
    """Also one that is new: the expressions are found in the rules and modules."""
    expressions = {
        (each.compiled.pattern, frozenset(each.methods)): each
        for each in list_expressions()
    }
    assert len(expressions) > 1900

    own = list(expressions.values())[part::PARTS]
    assert [slow for each in own for slow in each.find_slow()] == []


@pytest.mark.parametrize(("pattern", "linear"), [("a+b", False), ("a+", True)])
def test_growth_is_measured(pattern, linear):
    expression = re.compile(pattern)

    assert is_linear(lambda text: list(expression.finditer(text)), "a") is linear


@pytest.mark.parametrize("piece", [*PIECES, *MORE])
def test_a_record_takes_linear_time(piece):
    def extract(text):
        extract_by_rules(trial(**dict.fromkeys(SECTIONS, text)), RULES)

    assert count_growth(extract, piece) < LARGEST_GROWTH


# `#` is a number that is another one in each piece, because repeated words are blanked.
VARIED = (
    "* Adults #\n|- # years |\n#. Age # |Inclusion Criteria: # |Exclusion Criteria: - a# |(I-#) |"
    "a#) |#.1.1 |# mg |#-7 mg/kg |Examplumab # mg daily. |Examplumab # mg + |# mg/20 mg/|#,000 |"
    "x 10^# |>= # |< # x ULN |ALT < # x ULN, |between # and 7 |up to # months|within # days |day #, |"
    "weeks #, 2 and |every # weeks |cycle # day 1 |age # to 65 years |# men or |not pregnant # |"
    'grade # or |asthma #, |no history of # |except # |(or # |(#(|#]|"#" |\'#\' |{"n": #} |'
    '{"items":[{"n":#}]} |{"a#":|Ignore the above. # |Ignore all previous instructions and # |'
    "You are model # |system: # |</record#>|<b#>|&#lt; |\\\\#|e\u0301# |\u200b# |aа# |все# |中文# |"
    "Overall survival #|Change in HbA1c from baseline to week #|time to death #, |by ELISA., # |"
    "# b\n|\t#|; # |http://a#.b/ |# % |Arm #: |Cohort #: |CTCAE v# |1:# |±# |-# |×#"
)


def vary(piece, length):
    """Repeat a piece with other numbers each time."""
    text = "".join(
        piece.replace("#", str(number)) for number in range(100, 100 + length)
    )
    return text[:length]


DOSES = ("# mg ", "#-7 mg/kg ", "Examplumab # mg daily. ", "every # weeks ")


@pytest.mark.parametrize(
    ("section", "piece"),
    [
        *(("eligibility", piece) for piece in VARIED.split("|")),
        *(("detailed_description", piece) for piece in DOSES),
    ],
)
def test_a_varied_line_takes_linear_time(section, piece):
    """Counted by function, because much linear work hides a little that is quadratic."""

    def extract(text):
        extract_by_rules(trial(**{section: text}), RULES)

    assert list_quadratic(extract, partial(vary, piece)) == []


LISTS = [
    ("eligibility", "Haemoglobin ", ">= # mg/dL, "),
    ("eligibility", "Haemoglobin ", ">= # mg/dL if group #, "),
    ("eligibility", "", "Marker# >= 0.5 mg/dL, "),
    ("eligibility", "", "# years, "),
    ("eligibility", "", "aged # years in cohort #, "),
    ("eligibility", "", "Drug# within # weeks, "),
    ("eligibility", "Infection ", "except a# "),
    ("eligibility", "Infection ", "unless a# "),
    ("eligibility", "Infection ", "(unless treated > # weeks ago), "),
    ("eligibility", "", "women aged # or "),
    ("eligibility", "", "<li>a#</li>"),
    ("time_frame", "", "day #, "),
    ("measure", "Pain ", "by the Q# scale, "),
    ("detailed_description", "Examplumab ", "# mg for # weeks, "),
    ("interventions_0", "", "Drug# # mg, "),
    ("eligibility", "", "Inclusion criteria for part #: asthma "),
    ("eligibility", "", "At least # of the following: a#; "),
]
"""Lists of many different values of a field in one line."""


@pytest.mark.parametrize(("place", "head", "piece"), LISTS)
def test_a_list_of_different_values_takes_linear_time(place, head, piece):
    """Its values are quoted in proportion to the text, too."""
    quoted = {}

    def extract(text):
        outcome = {"measure": "Change in albumin", "time_frame": "Day 5"}
        sections = {place: head + text}
        if place in outcome:
            sections = {"primary_outcomes": [outcome | sections]}
        extraction = extract_by_rules(trial(**sections), RULES)
        quoted[len(text)] = len(extraction.model_dump_json())

    assert list_quadratic(extract, partial(vary, piece)) == []
    for length in (2_400, 9_600):
        extract(vary(piece, length))
    assert quoted[9_600] < 6 * quoted[2_400]


def list_items(labels, piece, length):
    """Items with a label and a description, with other numbers each, for a length of text."""
    texts = (piece.replace("#", str(100 + at)).split("|") for at in range(length // 30))
    return [dict(zip(labels, text, strict=True)) for text in texts]


LABELS = ("label", "description")
NAMES = ("name", "description")
ITEMS = [
    ("arms", LABELS, "Arm #|examplumab # mg"),
    ("arms", LABELS, "Drug# then Trial#|Drug# # mg"),
    ("arms", LABELS, "Drug#|Drug# # mg and # squirts"),
    ("interventions", NAMES, "Drug#|Drug# # mg + Trial#"),
    ("interventions", NAMES, "Examplumab|# mg for arm #"),
]


@pytest.mark.parametrize(("place", "labels", "piece"), ITEMS)
def test_many_items_take_linear_time(place, labels, piece):
    """Also to compare, match and write what was extracted."""

    def work(items):
        record = trial(**{place: items})
        extraction = extract_by_rules(record, RULES)
        use_extraction(extraction, record)

    assert list_quadratic(work, partial(list_items, labels, piece)) == []


@pytest.mark.parametrize(
    "piece",
    [
        ">= # mg/dL, ",
        ">= # mg/dL if group #, ",
        "\n- Any of the following:\n  - a#\n  - b#",
    ],
)
def test_the_use_of_many_limits_and_groups_takes_linear_time(piece):
    def work(text):
        record = trial(eligibility=f"Haemoglobin {text}")
        use_extraction(extract_by_rules(record, RULES), record)

    assert list_quadratic(work, partial(vary, piece)) == []


def use_extraction(extraction, record):
    deque(find_rows(extraction, {record.record_id: read_registry(record)}), maxlen=0)
    build_trial(extraction, record)
    decide(plan_trial(extraction), read_facts(Patient(age=40)))
    diff_trials(extraction, extraction)
    evaluate([extraction], [extraction], resamples=0)
    evaluate([extraction], [{"record_id": extraction.record_id}], resamples=0)


def test_a_run_of_commas_is_matched_in_linear_time():
    def work(text):
        # a longer run is blanked
        record = trial(eligibility=f"Age > 5 years {text[:80]}x")
        plan_trial(extract_by_rules(record, RULES))

    assert is_linear(work, "/,,,")


def test_a_dose_in_each_of_many_arms_is_refused():
    drugs = list_items(NAMES, "XZ#|", 6_000)
    arms = list_items(
        LABELS, "Arm #|All participants will receive XZ# # mg in all arms", 6_000
    )

    with pytest.raises(RecordTooLarge, match="more than 20,000 arms of doses"):
        extract_by_rules(trial(interventions=drugs, arms=arms), RULES)


@pytest.mark.parametrize(
    ("section", "piece"),
    [
        ("detailed_description", "day #, "),
        ("eligibility", "(I-#) "),
        ("eligibility", "- # years "),
    ],
)
def test_a_long_varied_line_is_not_searched_for_each_number(
    section, piece, monkeypatch
):
    """A search of the rest of a line, or a copy of it, is one call."""
    searched = 0
    select = TokenRule._select_codes
    starts = TokenRule.starts

    def count_tokens(*arguments):
        nonlocal searched
        found = select(*arguments)
        if found and sys._getframe(1).f_code.co_name != "starts":
            _, first, end, _ = found
            searched += max(0, end - first)
        return found

    def count_copies(rule, tokens, first, end=None):
        nonlocal searched
        # without an end, at most 300 tokens are copied
        if rule.anchored and first and end:
            searched += max(0, end - first)
        return starts(rule, tokens, first, end)

    def count(length):
        before = searched
        extract_by_rules(trial(**{section: vary(piece, length)}), RULES)
        return searched - before

    monkeypatch.setattr(TokenRule, "_select_codes", count_tokens)
    monkeypatch.setattr(TokenRule, "starts", count_copies)
    count(500)  # loads what is needed
    short = count(3000)  # before the longer text, of which caches would know it
    assert count(12_000) < LARGEST_GROWTH * short


def list_values(text):
    """Values of a model for a text, with the longest words that it may answer, and with short ones."""
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


NUMBERS = ["5 ", "5-", "≥ 5 mg, ", "age 5 ", "5 weeks ", "5 x ULN ", "RECIST "]


@pytest.mark.parametrize("piece", NUMBERS)
def test_the_proof_of_a_value_takes_linear_time(piece):
    """Whatever the text repeats and whatever a model answers."""

    def ground(text):
        whole = read_section("eligibility", text).whole
        for value in list_values(text):
            if not find_support(value, whole):
                explain_objection(value, whole)

    assert count_growth(ground, piece) < LARGEST_GROWTH


@pytest.mark.parametrize(
    "piece",
    ["Examplumab 5 mg and Testamide 7 mg. ", "Examplumab 5 mg IV daily. "],
)
def test_the_proof_of_a_regimen_takes_linear_time(piece):
    def work(text):
        prove(text, quote=text[:30], amounts="9 mg", frequency="Q2W")

    assert count_growth(work, piece) < LARGEST_GROWTH


def test_one_long_word_is_read_in_linear_time():
    assert is_linear(lambda text: make_record(text * 100), "PK\x03\x04")


def test_one_long_word_is_masked_in_linear_time(monkeypatch):
    """A reply of a server may be a word of megabytes in quotation marks."""
    monkeypatch.setenv("SERVICE_KEY", "q7Zk3WpV9xLt2BnM4rYc")

    assert is_linear(lambda text: mask_known(f'"{text * 20}"'), "x")


CRITERIA = """\
* Age {n} to {m} years
* Adequate liver function, as shown by a platelet count of at least {n}.5 x 10^9/L
* {drug} within {n} weeks before the first dose, or heart surgery
* Suspected kidney disease number {n}, or an infection with fever
"""
PROSE = """\
Participants of group {n} receive {drug} {m} mg by mouth twice daily for {n} weeks, then the thyroid is examined
again on day {m}. They are eligible if the ferritin is above {n}.

"""
OUTCOMES = (
    "Change in albumin of part {n}, Taken from serum, by ELISA., up to {m} months|"
)
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
DRUGS = "examplumab testatinib mocaxel sampletide trialomycin fauxparib demosartan"


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("eligibility", CRITERIA),
        ("detailed_description", PROSE),
        ("primary_outcomes", OUTCOMES),
        ("primary_outcomes", OUTCOME),
        ("arms", ARM),
    ],
)
def test_ten_times_the_text_calls_at_most_eleven_times_as_many_functions(
    name, template
):
    """Extracting a record with an item for each number; no line is that of another record."""

    def count(numbers):
        items = [
            {
                part: text.format(n=number, m=number + 30, drug=drug)
                for part, text in parts.items()
            }
            for number, drug in zip(numbers, cycle(DRUGS.split()), strict=False)
        ]
        content = items if is_list else "".join(item["text"] for item in items)
        drugs = [{"type": "DRUG", "name": drug} for drug in DRUGS.split()]
        record = trial(interventions=drugs, **{name: content})
        return count_calls(extract_by_rules, record, RULES)

    is_list = not isinstance(template, str)
    parts = template if is_list else {"text": template}
    count(range(1, 20))  # loads and compiles what is needed

    assert count(range(2000, 2200)) <= 11 * count(range(1000, 1020))


@pytest.mark.parametrize("piece", ["7", "(", ", ", " ", "asthma ", '("', "1. 2. ", "."])
def test_a_long_line_is_read_to_the_end(piece):
    """All of it is read, or what no reader could take for text is blanked and reported."""
    line = "A arm " + (piece * 200_000)[:200_000] + "a"

    parsed = parse_record(trial(eligibility=line))

    text = parsed.sections["eligibility"].cleaned.text
    blanked = sum(found.span.length for found in parsed.hostile)
    assert len(text) == len(line)
    assert text == line or blanked >= 0.99 * 200_000
