"""A record, its gold and a prediction with known errors, whose texts try to break out of a page."""

import json
from dataclasses import dataclass
from pathlib import Path

from extractor.apps.evaluation import evaluate
from extractor.apps.evaluation.page import render_score_page

from .annotations import criterion, limit, make_gold

HOSTILE = (
    "</script><script>window.broken = 1</script><img src='http://page.invalid/a.png' "
    "onerror='window.broken = 1'>"
)
QUOTE = f"Platelet count of at least 100 x 10^9/L {HOSTILE}"
PEANUTS = "Known allergy to peanuts"
# The first line holds a character that takes two units of UTF-16, so that wrong offsets show.
FILLER = "* Likes to read\n" * 60
TEXT = f"Inclusion:\n\n* Smiles \U0001f600\n{FILLER}* {QUOTE}\n* No fever\n\nExclusion:\n\n* {PEANUTS}"
NAME = 'R"><img src=x onerror=window.broken=1>'


@dataclass(frozen=True)
class Sources:
    """Files to evaluate, and the record they are about."""

    gold: Path
    predicted: Path
    record: Path


def write_sources(folder: Path) -> Sources:
    """Write gold and a prediction with a wrong number, a wrong category, a missed criterion and
    another sex.
    """
    gold_file = folder / "gold.jsonl"
    predicted_file = folder / "predicted.jsonl"
    record = folder / f"{NAME}.json"
    study = {
        "identificationModule": {"briefTitle": "Smiles"},
        "eligibilityModule": {"eligibilityCriteria": TEXT},
    }
    record.write_text(json.dumps({"protocolSection": study}), "utf-8")
    platelets = criterion(
        QUOTE,
        category="organ_function",
        constraints=[limit("Platelet count", ">=", 100000000000, "/L")],
    )
    gold = {
        "record_id": NAME,
        "eligibility": {"sex": "all", "criteria": [platelets, _peanuts("allergy")]},
    }
    gold["eligibility"]["criteria"].append(criterion("No fever", category="infection"))
    wrong = platelets | {"constraints": [limit("Platelet count", ">=", 100, "/L")]}
    start = TEXT.index("100 x 10^9/L")
    wrong["evidence"] = [
        _prove("constraints[0]", start, start + 12),
        _prove("quote", *_place(QUOTE)),
    ]
    predicted = {
        "record_id": NAME,
        "eligibility": {"sex": None, "criteria": [wrong, _peanuts("comorbidity")]},
    }
    gold_file.write_text("\n".join(map(json.dumps, [gold, make_gold("B")])), "utf-8")
    predicted_file.write_text(
        "\n".join(map(json.dumps, [predicted, make_gold("B")])), "utf-8"
    )
    return Sources(gold_file, predicted_file, record)


def make_page(
    sources: Sources,
    records: tuple[Path, ...] | None = None,
    *,
    examples: int = 100,
    compare: Path | None = None,
) -> str:
    """Render the page, with the texts of ``records``: by default that of the sources."""
    report = evaluate(
        sources.gold,
        sources.predicted,
        compare=compare,
        examples=examples,
        resamples=20,
    )
    return render_score_page(report, (sources.record,) if records is None else records)


def _peanuts(category: str) -> dict:
    item = criterion(PEANUTS, "exclusion", category)
    proof = [_prove("category", *_place(PEANUTS)), _prove("quote", *_place(PEANUTS))]
    return item if category == "allergy" else item | {"evidence": proof}


def _place(quote: str) -> tuple[int, int]:
    start = TEXT.index(quote)
    return start, start + len(quote)


def _prove(field: str, start: int, end: int) -> dict:
    place = {
        "section": "eligibility",
        "start": start,
        "end": end,
        "quote": TEXT[start:end],
    }
    return {"field": field, **place, "origin": "rule", "support": "parsed"}
