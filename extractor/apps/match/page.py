"""Write matches as an HTML file: for each patient, the trials in the order of the answer and, for
each trial, the verdict on each criterion next to the trial's text.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from extractor.apps.pages import Chunks, pack, render_page
from extractor.apps.pages.view import name_record, view
from extractor.face import (
    Facts,
    Match,
    Patient,
    RereadRecord,
    Rule,
    Synonyms,
    Verdict,
    read_facts,
    show_line,
    write_page,
)
from extractor.schemas.base import JsonObject

MOST_SHOWN = 2_000
"""The number of pairs of a patient and a trial that a page can open: some 20 MB."""
_LISTED = 200
"""The number of lines of a patient's data that the overview lists."""
_MOST_ASKED = 12


class PageSummary(NamedTuple):
    """What a page has.

    Attributes:
        shown: The pairs that can be opened.
        total: All pairs.
        without_text: The trials whose text is missing or has changed since the run.
    """

    shown: int
    total: int
    without_text: int


@dataclass(frozen=True)
class _VerdictPlace:
    """The place of a verdict's words in the raw text of a section."""

    section: str
    start: int
    end: int
    quote: str


def write_match_page(
    path: Path,
    matches: Iterable[Match],
    patients: Iterable[Patient],
    records: Iterable[RereadRecord],
    *,
    synonyms: Synonyms | None = None,
) -> PageSummary:
    """Write a page with the first 2,000 matches; its counts include all. The page works offline.

    Args:
        path: The file.
        matches: The matches, sorted.
        patients: The patients of the matches.
        records: The trials' records, in any order; of those that are missing or have changed, only
            the quotes are shown.
        synonyms: The names that the matches were made with.

    Raises:
        StoreError: The file cannot be written.
    """
    matches = list(matches)
    people = {one.id: read_facts(one, synonyms) for one in patients}
    shown = matches[:MOST_SHOWN]
    by_record: dict[str, list[Match]] = {}
    for match in shown:
        by_record.setdefault(match.record_id, []).append(match)
    chunks = Chunks()
    rows: dict[str, JsonObject] = {}
    without_text = 0
    for reread in records:
        without_text += reread.record is None and reread.record_id in by_record
        for match in by_record.get(reread.record_id, ()):
            shown_match = _show_match(match, people[match.patient], reread)
            name = name_match(match, people)
            shown_match["id"] = name
            rows[name] = _list_row(match, shown_match) | {
                "place": chunks.add(shown_match)
            }
    values = {
        "people": [_describe(facts, matches) for facts in people.values()],
        "answers": Counter(match.answer for match in matches),
        "shown": len(shown),
        "total": len(matches),
        "without_text": without_text,
        "index": pack([rows[name_match(match, people)] for match in shown]),
        "chunks": chunks.close(),
    }
    page = render_page(
        "extractor.apps.match",
        values,
        styles=("viewer.css", "page.css"),
        scripts=("viewer.js", "browse.js", "page.js"),
    )
    write_page(path, page)
    return PageSummary(len(shown), len(matches), without_text)


def name_match(match: Match, people: Mapping[str, Facts]) -> str:
    """Return the name of a match on a page: that of the trial and, if there are several patients,
    of the patient.
    """
    if len(people) == 1:
        return match.record_id
    return f"{match.patient}: {match.record_id}"


def _describe(facts: Facts, matches: Sequence[Match]) -> JsonObject:
    """Return what the overview says of a patient: the data, what is not used, and the questions
    that stand in most answers.
    """
    said = [*dict.fromkeys(facts.said.values()), *facts.sentences]
    questions = Counter[str]()
    for match in matches:
        if match.patient == facts.id and match.answer != "excluded":
            questions.update(_list_questions(match))
    return {
        "id": facts.id,
        "said": [show_line(line) for line in said[:_LISTED]],
        "left_out": max(0, len(said) - _LISTED),
        "unused": [show_line(line) for line in facts.unused[:_LISTED]],
        "ask": questions.most_common(_MOST_ASKED),
    }


def _list_questions(match: Match) -> set[str]:
    """Return the questions on the undecided criteria of a trial."""
    questions: set[str] = set()
    for _, verdict in match.judged:
        if verdict.verdict not in ("met", "not_met"):
            questions.update(verdict.ask)
    return questions - {""}


def _list_row(match: Match, shown: JsonObject) -> JsonObject:
    """Return the row of a match in the list of a page."""
    counts = Counter(verdict.verdict for _, verdict in match.judged)
    return {
        "id": shown["id"],
        "title": shown["title"],
        "patient": match.patient,
        "answer": match.answer,
        "met": counts["met"],
        "not_met": counts["not_met"],
        "open": len(match.judged) - counts["met"] - counts["not_met"],
    }


def _show_match(match: Match, facts: Facts, reread: RereadRecord) -> JsonObject:
    """Return the data of a match for the page: the text, and a card for each verdict, those that
    keep the patient out first, then the undecided ones.
    """
    judged = sorted(match.judged, key=lambda pair: _ORDER[pair[1].verdict])
    places = [_find_place(rule) for rule, _ in judged]
    cited = [place for place in places if place]
    # the text of what was judged, without the rest of the record
    sections = {place.section for place in cited}
    shown = view(reread.record, (), cited, sections=sections)
    marks = iter(shown.pop("marks"))
    cards = []
    for number, (rule, verdict) in enumerate(judged):
        mark = None
        # there is a mark for each place, in order
        if places[number]:
            mark = next(marks)
        cards.append(_show_card(number, rule, verdict, facts, mark))
    del shown["items"]
    title = ""
    if reread.record:
        title = name_record(reread.record)
    return shown | {
        "title": title,
        "answer": match.answer,
        "patient": match.patient,
        "text": reread.text.value,
        "doubts": [show_line(doubt) for doubt in match.doubts],
        "findings": [show_line(finding) for finding in match.findings],
        "cards": cards,
    }


_ORDER = {"not_met": 0, "doubtful": 1, "depends": 1, "not_stated": 2, "met": 3}
"""The order of the cards."""


def _find_place(rule: Rule) -> _VerdictPlace | None:
    """Return the place of a rule's words; None for a rule that only the register states."""
    if rule.section is None or rule.start == rule.end:
        return None
    return _VerdictPlace(rule.section, rule.start, rule.end, rule.quote)


def _show_card(
    number: int, rule: Rule, verdict: Verdict, facts: Facts, mark: int | None
) -> JsonObject:
    """Return the data of a verdict for the page."""
    facts_beside = facts.list_said(rule.touched)
    if verdict.fact:
        facts_beside = [verdict.fact, *facts_beside]
    why = ""
    # that nothing is stated needs no reason
    if verdict.verdict != "not_stated":
        why = show_line(verdict.why)
    spans: list[int] = []
    if mark is not None:
        spans.append(mark)
    return {
        "path": f"verdicts[{number}]",
        "kind": rule.kind.replace("_", " "),
        "quote": show_line(rule.quote),
        "verdict": verdict.verdict,
        "why": why,
        "facts": [show_line(line) for line in facts_beside],
        "origin": verdict.origin,
        "ask": [question for question in verdict.ask if question],
        "spans": spans,
    }
