"""The page of what rules cannot read shows what they answer today.

When a rule learns to read one of these texts, its row leaves the page.
"""

import re
from pathlib import Path

import pytest

from extractor import Extractor

PAGE = Path(__file__).parents[1] / "docs/explanation/accuracy.md"
FORMS = {
    "Which lines are criteria": "{}",
    "Inclusion criteria": "Inclusion criteria:\n- {}",
    "Exclusion criteria": "Exclusion criteria:\n- {}",
    "Interventions": "Interventions:\n- {}",
    "Primary endpoints": "Primary endpoints:\n- {}",
}
"""What stands around the texts of each part of the page."""


def list_rows():
    """Each text of the page, in its form, with the answer that the page shows."""
    rows = []
    _, _, section = PAGE.read_text("utf-8").partition("## What rules miss\n")
    for part in section.partition("\n## ")[0].split("\n### ")[1:]:
        form = FORMS[part.partition("\n")[0]]
        for text, answer in re.findall(r"^\| `(.+?)` \| (.+?) \|", part, re.M):
            rows.append((form.format(text.replace(" / ", "\n")), answer))
    return rows


def test_the_page_has_texts_of_every_part():
    parts = {text.partition(":")[0] for text, _ in list_rows() if "\n- " in text}

    assert len(list_rows()) >= 15
    assert parts >= {form.partition(":")[0] for form in FORMS.values() if ":" in form}


@pytest.mark.parametrize(("text", "answer"), list_rows())
def test_the_rules_answer_what_the_page_shows(text, answer):
    extraction = Extractor().extract_text(text)

    given = {*list_values(extraction), *list_doubts(extraction)}
    shown = "\n".join(("the rules read:", *sorted(given)))
    assert set(re.findall("`(.+?)`", answer)) <= given, shown
    missing = re.match(r"no (\w+)", answer)
    if missing:
        assert not any(list_things(extraction)[missing[1]])
    if "nothing reported" in answer:
        assert not given & {"unread_number", "not_asked", "dose_unread"}


def list_things(extraction):
    """What the page may call missing, by its name there."""
    eligibility = extraction.eligibility
    return {
        "criterion": eligibility.criteria,
        "age": [eligibility.minimum_age, eligibility.maximum_age],
        "limit": [item.constraints for item in eligibility.criteria],
        "window": [item.time_windows for item in eligibility.criteria],
        "regimen": extraction.dosing,
        "time": [item.time_points for item in extraction.endpoints],
    }


def list_doubts(extraction):
    """The kinds of findings, and the reasons of absences."""
    yield from (finding.kind.value for finding in extraction.findings)
    yield from (absence.reason.value for absence in extraction.absences)


def list_values(extraction):
    """All values with their confidences, as the page writes them."""
    for _, item in extraction.list_items():
        for evidence in item.evidence:
            yield f"{show(item, evidence.field)} ({evidence.confidence:.2f})"


def show(item, field):
    """A value as the page writes it: limits and windows alone, others behind their name."""
    name, number, part = re.fullmatch(r"(\w+)(?:\[(\d+)\])?(.*)", field).groups()
    value = getattr(item, name)
    if number:
        value = value[int(number)]
    if part == ".of":
        return f"of: {value.of}"
    if name == "kind":
        return f"{value}: {item.quote}"
    if name in ("constraints", "time_windows"):
        return str(value)
    return f"{name}: {value}"
