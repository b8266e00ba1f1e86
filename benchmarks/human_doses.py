"""Measure amounts and routes against spans that people marked in sentences of case reports.

    python -m benchmarks.human_doses FILE [--show]

FILE is a split of PHEE (Sun, Li, Pergola, Wallace, John, Greene, Kim, He, EMNLP 2022; MIT licence), one sentence a line
with its events. Each sentence is read as the description of an arm, with the rules alone. Found: the share of the
marked doses with a number, and of the marked routes, that the rules give. Theirs: the share of what the rules give
that stands in a mark. The sentences tell what happened to one patient, not what a trial gives, so this is no measure of
registry records: it shows what holds in other texts.
"""

from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.data import RULES, Row, format_table, parse_options, read_lines
from extractor.mentions.rows import find_numbers
from extractor.pipeline import extract_by_rules
from extractor.schemas import Section, Source, TrialRecord
from extractor.text.book import find_terms, read_text


class Tally(NamedTuple):
    """By sentence: marked things and whether they were found, given things and whether they are marked."""

    found: list[tuple[str, bool]]
    theirs: list[tuple[str, bool]]


def main() -> None:
    """Print the shares, and on request what was missed or is not theirs."""
    chosen = parse_options(__doc__, "file", show=False)
    rows = [row for row in read_lines(chosen.file) if any(list_marks(row, "Drug"))]
    tallies = {kind: [(row, compare(row)) for row in rows] for kind, compare in _COMPARED.items()}
    cells = []
    for kind, each in tallies.items():
        found, theirs = ([one for _, tally in each for one in getattr(tally, name)] for name in ("found", "theirs"))
        shares = (sum(right for _, right in group) / max(1, len(group)) for group in (found, theirs))
        cells.append((kind, len(found), next(shares), len(theirs), next(shares)))
    print(format_table((f"{len(rows)} sentences", "marked", "found", "given", "theirs"), cells))
    for row, tally in (pair for each in tallies.values() for pair in each) if chosen.show else ():
        wrong = [f"missed {name}" for name, right in tally.found if not right]
        wrong += [f"not theirs {name}" for name, right in tally.theirs if not right]
        if wrong:
            print(f"{'; '.join(wrong)} | {row['context'][:200]}")


def list_marks(row: Row, role: str) -> Iterator[str]:
    """Yield the texts that are marked as a part of the treatments of a sentence."""
    for annotation in row["annotations"]:
        for event in annotation["events"]:
            marked = event.get("Treatment", {}).get(role, {}).get("text", [])
            yield from (text for texts in marked for text in texts)


def compare_amounts(row: Row) -> Tally:
    """Compare the numbers of the marked doses with the amounts that the rules give."""
    given = [a for regimen in extract_by_rules(_make_record(row), RULES).dosing for a in regimen.amounts]
    ours = {bound for amount in given for bound in (amount.low, amount.high) if bound is not None}
    marks = {text: {n.value for n in find_numbers(read_text(text))} for text in list_marks(row, "Dosage")}
    numbered = {text: numbers for text, numbers in marks.items() if any(map(str.isdigit, text))}
    everywhere = set().union(*numbered.values())
    return Tally(
        [(text, bool(numbers & ours)) for text, numbers in numbered.items()],
        [(f"{bound:g}", bound in everywhere) for bound in ours],
    )


def compare_routes(row: Row) -> Tally:
    """Compare the marked routes that the guideline has with those that the rules give."""
    given = {regimen.route for regimen in extract_by_rules(_make_record(row), RULES).dosing if regimen.route}
    marks = {text: {term.value for term in find_terms(read_text(text), "routes")} for text in list_marks(row, "Route")}
    known = {text: routes for text, routes in marks.items() if routes}
    everywhere = set().union(*known.values())
    return Tally(
        [(text, bool(routes & given)) for text, routes in known.items()],
        [(str(route), route in everywhere) for route in given],
    )


_COMPARED = {"amounts": compare_amounts, "routes": compare_routes}


def _make_record(row: Row) -> TrialRecord:
    drugs = sorted(set(list_marks(row, "Drug")))
    sections = [Section(name="arms[0]", text=row["context"])]
    sections += [Section(name=f"interventions[{n}]", text=f"DRUG: {drug}") for n, drug in enumerate(drugs)]
    source = Source(path="marked sentences", format="text")
    return TrialRecord(record_id=row["id"], source=source, sections=tuple(sections))


if __name__ == "__main__":
    main()
