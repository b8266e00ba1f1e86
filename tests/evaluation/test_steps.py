"""Steps of a treatment beside gold with steps, and beside gold from before there were any."""

from extractor.apps.evaluation import evaluate

COMMON = {
    "agent": "fictumab",
    "section": "arms[0]",
    "quote": "fictumab",
    "route": "oral",
    "frequency": "QD",
}


def amount(number, **more):
    return {"low": number, "high": number, "unit": "mg"} | more


def regimen(*amounts, **more):
    return COMMON | {"amounts": list(amounts)} | more


def record(*regimens):
    return {"record_id": "A", "eligibility": {}, "dosing": list(regimens)}


def score(gold, predicted, *names):
    report = evaluate([gold], [predicted], resamples=0)
    return [report.figure(f"dosing.{name}") for name in names]


WEEKS = {"duration": {"value": 2, "unit": "week"}}
STEPS = (
    regimen(amount(5), step=1, step_kind="titration", **WEEKS),
    regimen(amount(10), step=2, step_kind="titration"),
)


def test_gold_without_steps_is_compared_with_the_steps_as_one_regimen():
    gold = record(regimen(amount(5), amount(10)))
    assert score(gold, record(*STEPS), "regimens", "amounts") == [1, 1]
    assert score(gold, record(*STEPS), "step") == [None]


def test_gold_with_steps_tells_a_wrong_step():
    assert score(record(*STEPS), record(*STEPS), "step", "step_kind") == [1, 1]
    late = [one | {"step": one["step"] + 1} for one in STEPS]
    regimens, step = score(record(*STEPS), record(*late), "regimens", "step")
    assert (regimens, step) == (1, 0)


def test_a_rhythm_on_demand_is_on_demand_in_gold_without_steps():
    gold = record(regimen(amount(5), frequency="PRN"))
    predicted = record(regimen(amount(5), frequency="Q6H", as_needed=True))
    assert score(gold, predicted, "frequency") == [1]


def test_conditions_and_maxima_are_compared_by_their_words_and_numbers():
    limit = {"quantity": "weight", "comparator": "<", "value": 30, "unit": "kg"}
    cap = {"value": 2, "unit": "g", "per": "day"}
    band = amount(5, condition="below 30 kg", limits=[limit])
    gold = record(regimen(band, step=None, maximum=[cap]))
    same = record(
        regimen(band, step=None, maximum=[cap | {"value": 2000, "unit": "mg"}])
    )
    other = record(regimen(amount(5), step=None, maximum=[cap | {"per": "dose"}]))
    names = ("amounts.condition", "amounts.limits", "maximum")
    assert score(gold, same, *names) == [1, 1, 1]
    assert score(gold, other, *names) == [0, 0, 0]
