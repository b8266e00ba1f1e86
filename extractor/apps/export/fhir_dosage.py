"""Represent regimens as the dosages of ActivityDefinitions: the steps of a treatment are the
dosages of one, in sequence.
"""

from collections.abc import Iterator

from extractor.apps.export.fhir_parts import (
    TrialResources,
    code,
    enum_code,
    quantity,
    write_range,
)
from extractor.face import find_substance, read_table
from extractor.schemas import Amount, Frequency, Maximum, MaximumPer, Period, Regimen
from extractor.schemas.base import JsonObject

DRUGBANK = "http://www.nlm.nih.gov/research/umls/drugbank"
"""The system of DrugBank numbers: FHIR's name of a vocabulary that only the UMLS contains."""
_PERIODS = {MaximumPer.DAY: "d", MaximumPer.WEEK: "wk"}
"""The UCUM codes of the periods of maxima."""
_RATES = ("/h", "/min")
"""The ends of units of infusion rates."""


def write_agent(regimen: Regimen) -> JsonObject:
    """Return the agent of a regimen, with the number of its substance if that is known."""
    substance = find_substance(regimen.agent)
    if substance:
        return code(DRUGBANK, substance.number, regimen.agent)
    return {"text": regimen.agent}


def add_dosages(trial: TrialResources) -> None:
    """Add an ActivityDefinition for each treatment with an agent. Its dosages have only reliable
    values; the values stay in the EvidenceVariables of the regimens, too.
    """
    definition: JsonObject = {}
    last: Regimen | None = None
    for index, regimen in enumerate(trial.extraction.dosing):
        dosages = list(_list_dosages(trial, f"dosing[{index}]", regimen))
        if last and definition and _is_next_step(last, regimen):
            definition["dosage"] += dosages
        else:
            definition = {
                "status": "draft",
                "kind": "MedicationRequest",
                "title": regimen.agent,
                "productCodeableConcept": write_agent(regimen),
                "dosage": dosages,
            }
            trial.add("ActivityDefinition", f"-dosage-{index}", definition)
            definition = trial.resources[-1]
        last = regimen


def _is_next_step(before: Regimen, after: Regimen) -> bool:
    """Return whether a regimen is the step after another one."""
    if not before.step or after.step != before.step + 1:
        return False
    return before.agent.casefold() == after.agent.casefold()


def _list_dosages(
    trial: TrialResources, path: str, regimen: Regimen
) -> Iterator[JsonObject]:
    """Yield the dosages of a regimen: one or, if its amounts are for different people, one for each
    amount.
    """

    def find(name: str) -> list[object]:
        return [row.value for row in trial.list_reliable(path, name)]

    def find_first(name: str) -> object:
        return next(iter(find(name)), None)

    common: JsonObject = {
        "sequence": find_first("step"),
        "text": regimen.quote,
        "timing": _describe_timing(
            find_first("frequency"), find_first("duration"), find_first("timing")
        ),
        "asNeeded": find_first("as_needed"),
        "route": None,
        **_describe_maxima(find("maximum")),
    }
    route = find_first("route")
    if route:
        common["route"] = enum_code(regimen.route)
    instructions: list[JsonObject] = []
    kind = find_first("step_kind")
    if kind:
        instructions.append({"text": str(kind)})
    common["additionalInstruction"] = instructions
    amounts = [amount for amount in find("amounts") if isinstance(amount, Amount)]
    special = [amount for amount in amounts if amount.condition or amount.arms]
    general = [amount for amount in amounts if amount not in special]
    if general or not special:
        rates = [_describe_amount(amount) for amount in general]
        yield common | {"doseAndRate": list(filter(None, rates))}
    for amount in special:
        whom = [*amount.arms, amount.condition, *map(str, amount.limits)]
        for_whom = {"text": "; ".join(filter(None, whom))}
        yield common | {
            "additionalInstruction": [*instructions, for_whom],
            "doseAndRate": list(filter(None, [_describe_amount(amount)])),
        }


def _describe_timing(frequency: object, duration: object, timing: object) -> JsonObject:
    """Return the rhythm and the length of a regimen as a Timing, with the words for its days."""
    repeat: JsonObject = {}
    if isinstance(duration, Period):
        length = quantity(duration.value, duration.unit)
        # cycles are no units of time
        if length and "code" in length:
            repeat["boundsDuration"] = length
    words: list[object] = [timing]
    rate = read_table("dose_rates").get(str(frequency))
    if frequency is Frequency.ONCE:
        repeat["count"] = 1
    elif rate:
        times, days = rate
        repeat |= {"frequency": times, "period": days, "periodUnit": "d"}
    elif frequency:
        words.append(frequency)
    text = "; ".join(map(str, filter(None, words)))
    if text:
        return {"repeat": repeat, "code": {"text": text}}
    return {"repeat": repeat, "code": None}


def _describe_amount(amount: Amount) -> JsonObject | None:
    """Return an amount as a dose or, for an infusion rate, as a rate."""
    kind = "dose"
    if amount.unit.endswith(_RATES):
        kind = "rate"
    low = quantity(amount.low, amount.unit)
    high = quantity(amount.high, amount.unit)
    if low and low == high:
        return {f"{kind}Quantity": low}
    span = write_range(low, high)
    if span:
        return {f"{kind}Range": span}
    return None


def _describe_maxima(maxima: list[object]) -> JsonObject:
    """Return the maxima that a Dosage has elements for: of a dose, and of a period."""
    described: JsonObject = {"maxDosePerPeriod": []}
    for cap in maxima:
        if not isinstance(cap, Maximum):
            continue
        most = quantity(cap.value, cap.unit)
        if cap.per is MaximumPer.DOSE:
            described["maxDosePerAdministration"] = most
        elif cap.per in _PERIODS:
            period = quantity(1, cap.per, ucum=_PERIODS[cap.per])
            ratio = {"numerator": most, "denominator": period}
            described["maxDosePerPeriod"].append(ratio)
    return described
