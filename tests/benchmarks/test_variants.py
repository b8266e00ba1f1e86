"""Texts of invented records, written in other harmless ways: their readings change no more than
they did.

``variants/counts.json`` holds what changed by way when it was written. After an improvement, write
it again:

    python -m benchmarks.variants tests/benchmarks/variants/records.jsonl --json
    tests/benchmarks/variants/counts.json
"""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.variants import WAYS, Part
from benchmarks.variants.__main__ import main, measure_record, tally_by
from benchmarks.variants.counting import compare_readings, tally_changes
from benchmarks.variants.readings import CriterionRead, Reading, Value
from benchmarks.variants.registers import REGISTERS
from extractor import read_records

FOLDER = Path(__file__).parent / "variants"
RECORDS = list(read_records(FOLDER / "records.jsonl"))
COUNTS = json.loads((FOLDER / "counts.json").read_text("utf-8"))
FAMILIES = ["heading", "mark", "line", "page", "two languages", "signs", "numbers", "units", "ages", "letters", "doses",
            "times", "register"]  # fmt: skip
TEXT = """Inclusion Criteria:

* Age ≥ 18 years
* Adequate function:

  * Platelets > 100,000/mm3
* Signed consent from the
  participant

Exclusion Criteria:

* Pregnancy"""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_readings_of_no_way_change_more_than_they_did(family):
    results = []
    for record in RECORDS:
        results += measure_record(record, [family])

    tallies = tally_by(results, by_way=True)

    assert tallies
    worse = []
    for name, tally in tallies.items():
        counts = tally.to_json()
        for words in ("changed", "sure"):
            for measure, count in counts[words].items():
                before = COUNTS[name][words].get(measure, 0)
                if count > before:
                    worse.append((name, words, measure, count, before))
    assert worse == []


def test_every_way_is_tried_on_the_sample_and_has_a_name_of_its_own():
    names = [way.title for way in WAYS]
    families = tuple(FAMILIES)

    assert len(names) == len(set(names))
    for name in names:
        assert name.startswith(families)
    tried = set(names) & set(COUNTS)
    assert len(tried) >= 0.97 * len(names)


FORMS = {
    "heading: slip: Critera": "Exclusion Critera:\n\n* Pregnancy",
    "mark: code: INC-2": "INC-2 Adequate function:\n\n  * Platelets",
    "mark: glued: 1)Text": "3)Signed consent from the participant",
    "line: wrapped: 50": "* Signed consent from the participant\n",
    "line: items in one: ①": "Exclusion Criteria: ①Pregnancy",
    "page: HTML: ul": "<li>Adequate function:<ul><li>Platelets &gt; 100,000/mm3</li></ul></li>",
    "page: Markdown: quoted": "> Exclusion Criteria:\n> \n> * Pregnancy",
    "page: furniture: page numbers": "\nPage 2 of 2\n",
    "two languages: German below": "Pregnancy\n\nEinschlusskriterien:\n1. ",
    "numbers: thin space": "Platelets > 100\u2009000/mm3",
}
OF_PARTS = [
    ("doses: amounts: 10mg", "Fictinib 10 mg daily", "Fictinib 10mg daily"),
    ("doses: frequencies: q3w", "Every 3 weeks", "q3w"),
    ("doses: routes: sub-cut.", "100 mg subcutaneously", "100 mg sub-cut."),
    ("times: moments: W12", "Week 12 and week 24", "W12 and W24"),
    ("times: lengths: words", "Up to 12 weeks", "Up to twelve weeks"),
]


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [*((name, TEXT, part) for name, part in FORMS.items()), *OF_PARTS],
)
def test_a_way_writes_a_text_in_its_form(name, text, part):
    way = next(way for way in WAYS if way.title == name)
    assert part in way.write(text)


@pytest.mark.parametrize("name", REGISTERS)
def test_a_text_is_read_from_the_file_of_each_register(name):
    record = REGISTERS[name](RECORDS[0].raw_text("eligibility"))
    part = "Uncontrolled hypertension (systolic blood pressure"
    assert part in record.raw_text("eligibility")


def read_criterion(words, kind="inclusion", confidence=0.9):
    known = {"negated": False, "negated_confidence": 0.9, "confidence": 0.9}
    return CriterionRead(words, words, kind, confidence, **known)


def test_what_changed_between_two_readings_is_counted_and_what_of_it_is_sure():
    age = Value("limits", (">=", 18, None, "a"), 0.9)
    below = Value("limits", ("<", 3, None, ""), 0.9)
    at_most = Value("limits", ("<=", 3, None, ""), 0.95)
    lost = [read_criterion("asthma"), read_criterion("consent")]
    new = [read_criterion("pregnancy", confidence=0.6), read_criterion("page2")]
    kept = read_criterion("pregnancy", "exclusion")
    before = Reading([*lost, kept], [age, below], is_doubtful=False)
    after = Reading([lost[0], *new], [age, at_most], is_doubtful=False)

    tally = tally_changes(before, list(compare_readings(before, after, str)))

    assert tally.changed == {"lost": 1, "turned": 1, "added": 1, "limits": 2}
    assert tally.sure == {"lost": 1, "added": 1, "limits": 1}
    assert tally.of == {"criteria": 3, "limits": 2}
    assert tally.format_share("lost") == "33.33% (33.33%)"


def test_the_command_prints_its_tables_and_stores_the_counts(
    tmp_path, monkeypatch, capsys
):
    path = tmp_path / "counts.json"
    options = [
        "--ways",
        "Critera",
        "10mg",
        "W12",
        "--by",
        "way",
        "--show",
        "1",
        "--json",
    ]
    given = [str(FOLDER / "records.jsonl"), *options, str(path)]
    monkeypatch.setattr(sys, "argv", ["variants", *given])

    main()

    shown = capsys.readouterr().out
    assert all(part.value in shown for part in Part)
    titles = ["heading: slip: Critera", "doses: amounts: 10mg", "times: moments: W12"]
    assert list(json.loads(path.read_text("utf-8"))) == titles
