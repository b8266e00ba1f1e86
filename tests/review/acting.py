"""A reviewer's actions, as the page requests them."""

from pydantic import TypeAdapter

from extractor.review.changes import Change

from .runs import SEED

_CHANGE = TypeAdapter(Change)
_WANTED = "Participants will be eligible if they are heavily treated"


def item(review, name):
    return next((one for one in review.describe(SEED)["items"] if one["id"] == name), None)


def change(review, **request):
    return review.change(SEED, _CHANGE.validate_python(request))


def set_value(review, name, path, value):
    seen = item(review, name)
    change(review, kind="set", item=name, version=seen["version"], path=path, old=seen["value"][path], value=value)


def decide(review, kind, *names):
    change(review, kind=kind, items=[{"item": name, "version": item(review, name)["version"]} for name in names])


def select(review, section, words):
    """Where words stand in the text, as the page says it; nothing in these texts is wider than one unit of UTF-16."""
    start = read_section(review, section).index(words)
    return {"section": section, "start": start, "end": start + len(words)}


def read_section(review, section):
    return next(one["text"] for one in review.describe(SEED)["sections"] if one["name"] == section)


def add_criterion(review):
    text = read_section(review, "brief_summary")
    words = text[text.index(_WANTED) : text.index("CD22).") + len("CD22).")]
    return change(review, kind="add", add="criterion", selection=select(review, "brief_summary", words))


def mend(review):
    """All that is wrong with the extraction."""
    set_value(review, "endpoint-0", "time_points", [{"value": 3, "unit": "month"}])
    added = add_criterion(review)
    decide(review, "reject", "regimen-0")
    decide(review, "accept", "people", "criterion-0", "endpoint-0", added)
    return added
