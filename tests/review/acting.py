"""A reviewer's actions at a desk, as the page asks for them."""

from pydantic import TypeAdapter

from extractor.review.changes import Change

from .runs import SEED

_CHANGE = TypeAdapter(Change)
_WANTED = "Participants will be eligible if they are heavily treated"


def item(desk, name):
    return next((one for one in desk.describe(SEED)["items"] if one["id"] == name), None)


def change(desk, **wish):
    return desk.change(SEED, _CHANGE.validate_python(wish))


def set_value(desk, name, path, value):
    seen = item(desk, name)
    change(desk, kind="set", item=name, version=seen["version"], path=path, old=seen["value"][path], value=value)


def decide(desk, kind, *names):
    change(desk, kind=kind, items=[{"item": name, "version": item(desk, name)["version"]} for name in names])


def select(desk, section, words):
    """Where words stand in the text, as the page says it; nothing in these texts is wider than one unit of UTF-16."""
    start = read_section(desk, section).index(words)
    return {"section": section, "start": start, "end": start + len(words)}


def read_section(desk, section):
    return next(one["text"] for one in desk.describe(SEED)["sections"] if one["name"] == section)


def add_criterion(desk):
    text = read_section(desk, "brief_summary")
    words = text[text.index(_WANTED) : text.index("CD22).") + len("CD22).")]
    return change(desk, kind="add", add="criterion", selection=select(desk, "brief_summary", words))


def mend(desk):
    """All that is wrong with the extraction."""
    set_value(desk, "endpoint-0", "time_points", [{"value": 3, "unit": "month"}])
    added = add_criterion(desk)
    decide(desk, "reject", "regimen-0")
    decide(desk, "accept", "people", "criterion-0", "endpoint-0", added)
    return added
