"""The items of one annotation against the text of its record."""

from collections.abc import Iterator

from extractor.schemas import Criterion, Endpoint, Item, Regimen, TrialRecord

from .gold_models import GoldItems
from .gold_outcomes import check_order
from .gold_problems import Flaw, shorten
from .gold_texts import RecordTexts, check_quote, read_texts
from .places import name_outcome

__all__ = ["check_items"]


def check_items(items: GoldItems, record: TrialRecord, *, complete: bool) -> Iterator[Flaw]:
    """Quotes, sections, ranks, indices and offsets that do not agree with the record.

    Endpoints that the schema refused leave gaps of which the schema's flaws already tell: the ranks and
    indices are compared only if the list is ``complete``.
    """
    texts = read_texts(record)
    for path, criterion in items.criteria:
        yield from _check_criterion(texts, path, criterion)
    for path, regimen in items.regimens:
        yield from _check_regimen(texts, path, regimen)
    for path, endpoint in items.endpoints:
        yield from _check_endpoint(texts, path, endpoint)
    if complete:
        yield from check_order(items.endpoints, texts.outcomes)
    evidenced: list[tuple[str, Item]] = [*items.criteria, *items.regimens, *items.endpoints]
    if items.eligibility:
        evidenced.append(("eligibility", items.eligibility))
    for path, item in evidenced:
        yield from _check_evidence(record, path, item)


def _check_criterion(texts: RecordTexts, path: str, criterion: Criterion) -> Iterator[Flaw]:
    window = criterion.time_window
    quotes = {
        "quote": criterion.quote,
        "lead_in": criterion.lead_in,
        "time_window.quote": window.quote if window else None,
    }
    yield from _check_quotes(texts, path, criterion.section, quotes)


def _check_regimen(texts: RecordTexts, path: str, regimen: Regimen) -> Iterator[Flaw]:
    yield from _check_quotes(texts, path, regimen.section, {"quote": regimen.quote})
    # The agent and the days of giving may stand in another section than the dose.
    for name, quote in (("agent", regimen.agent), ("timing", regimen.timing)):
        flaws = [check_quote(texts, f"{path}.{name}", quote, section) for section in texts.raw]
        if all(flaws):
            yield Flaw(
                f"{path}.{name}", f"{shorten(quote or '')} stands nowhere in the record", "copy it from the text"
            )


def _check_endpoint(texts: RecordTexts, path: str, endpoint: Endpoint) -> Iterator[Flaw]:
    section = name_outcome(endpoint.rank, endpoint.index)
    if section not in texts.folded:
        return  # told by the check of ranks and indices
    quotes = {name: getattr(endpoint, name) for name in ("measure", "description", "time_frame", "start_event")}
    for name in ("end_events", "specimens", "methods"):
        quotes |= {f"{name}[{number}]": quote for number, quote in enumerate(getattr(endpoint, name))}
    yield from _check_quotes(texts, path, section, quotes)


def _check_quotes(texts: RecordTexts, path: str, section: str, quotes: dict[str, str | None]) -> Iterator[Flaw]:
    if section not in texts.folded:
        homes = [name for name in texts.folded if not check_quote(texts, path, quotes.get("quote") or "", name)]
        remedy = f"the quote stands in {', '.join(homes)}" if homes else "name a section of the record"
        yield Flaw(f"{path}.section", f"the record has no section {section!r}", remedy)
        return
    for name, quote in quotes.items():
        if flaw := check_quote(texts, f"{path}.{name}", quote, section):
            yield flaw


def _check_evidence(record: TrialRecord, path: str, item: Item) -> Iterator[Flaw]:
    """Offsets of an extraction's evidence; annotations have none."""
    for number, evidence in enumerate(item.evidence):
        place = f"{path}.evidence[{number}]"
        section = record.section(evidence.section)
        if section is None:
            yield Flaw(f"{place}.section", f"the record has no section {evidence.section!r}", "name one that it has")
        elif section.text[evidence.start : evidence.end] != evidence.quote:
            problem = f"{evidence.section}[{evidence.start}:{evidence.end}] is not the quote"
            yield Flaw(place, problem, "correct start and end")
