"""Whether the items of gold can be what they say: their quotes, their order, their values."""

from collections import Counter
from collections.abc import Iterator, Sequence

from extractor.schemas import (
    Amount,
    Comparator,
    Constraint,
    Criterion,
    Eligibility,
    Endpoint,
    Item,
    Rank,
    Regimen,
    TrialRecord,
)

from .gold_models import Flaw, GoldItems, shorten
from .gold_texts import RecordTexts, check_quote, read_texts
from .places import name_outcome
from .quantities import AGE_UNITS, count_days

__all__ = ["check_items", "check_order", "check_values"]

_Place = tuple[Rank, int]


def check_order(endpoints: Sequence[tuple[str, Endpoint]], registered: Sequence[_Place]) -> Iterator[Flaw]:
    """Every difference between the ranks and indices of the endpoints and those of the registered outcomes."""
    places = [(endpoint.rank, endpoint.index) for _, endpoint in endpoints]
    counts = Counter(rank for rank, _ in registered)
    seen: set[_Place] = set()
    for (path, _), place in zip(endpoints, places, strict=True):
        if place in seen:
            yield Flaw(f"{path}.index", f"{name_outcome(*place)} is annotated twice", "correct rank and index")
        elif place not in registered:
            problem = f"there is no {name_outcome(*place)}: the record has {counts[place[0]]} {place[0]} outcomes"
            yield Flaw(f"{path}.index", problem, "correct rank and index, or remove the endpoint")
        seen.add(place)
    for place in registered:
        if place not in seen:
            yield Flaw("endpoints", f"{name_outcome(*place)} is not annotated", "add an endpoint for it")
    yield from _check_ascending(endpoints, places, registered)


def _check_ascending(
    endpoints: Sequence[tuple[str, Endpoint]], places: Sequence[_Place], registered: Sequence[_Place]
) -> Iterator[Flaw]:
    order = {place: number for number, place in enumerate(registered)}
    furthest = -1
    for (path, _), place in zip(endpoints, places, strict=True):
        number = order.get(place)
        if number is not None and number < furthest:
            yield Flaw(
                path, f"{name_outcome(*place)} stands behind a later outcome", "write them in the record's order"
            )
        elif number is not None:
            furthest = number


def check_values(items: GoldItems) -> Iterator[Flaw]:
    """Every value of one annotation that contradicts itself."""
    if items.eligibility:
        yield from _check_ages(items.eligibility)
    for path, criterion in items.criteria:
        for number, constraint in enumerate(criterion.constraints):
            yield from _check_constraint(f"{path}.constraints[{number}]", constraint)
    for path, regimen in items.regimens:
        for number, amount in enumerate(regimen.amounts):
            yield from _check_amount(f"{path}.amounts[{number}]", amount)


def _check_constraint(path: str, constraint: Constraint) -> Iterator[Flaw]:
    """A range has two bounds in ascending order, any other limit has one."""
    high = constraint.value_high
    if not constraint.quantity.strip():
        yield Flaw(f"{path}.quantity", "is empty", "write the words that name what is limited")
    if constraint.comparator is not Comparator.BETWEEN:
        if high is not None:
            yield Flaw(f"{path}.value_high", f"is {high} with the comparator '{constraint.comparator}'", "write null")
    elif high is None:
        yield Flaw(f"{path}.value_high", "is null with the comparator 'between'", "write the upper bound")
    elif constraint.value >= high:
        yield Flaw(
            f"{path}.value", f"value {constraint.value} is not below value_high {high}", "exchange or correct them"
        )


def _check_amount(path: str, amount: Amount) -> Iterator[Flaw]:
    """An amount has an upper bound, and no lower one above it."""
    if amount.high is None:
        yield Flaw(f"{path}.high", "is null", "write the amount; only low may be null, for an 'up to' dose")
    elif amount.low is not None and amount.low > amount.high:
        yield Flaw(f"{path}.low", f"low {amount.low} is above high {amount.high}", "exchange or correct them")
    if not amount.unit.strip():
        yield Flaw(f"{path}.unit", "is empty", "write the unit")


def _check_ages(eligibility: Eligibility) -> Iterator[Flaw]:
    """The lowest age is not above the highest, and both are in units of an age."""
    ages = {"minimum_age": eligibility.minimum_age, "maximum_age": eligibility.maximum_age}
    for name, age in ages.items():
        if age and age.unit not in AGE_UNITS:
            yield Flaw(f"eligibility.{name}.unit", f"'{age.unit}' is no unit of an age", "use year, month, week or day")
    low, high = (count_days(age) if age else None for age in ages.values())
    if low is not None and high is not None and low > high:
        yield Flaw("eligibility.minimum_age", "is above maximum_age", "exchange or correct them")


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
