"""The page of changes in a real browser, without network."""

import pytest

from extractor import Extractor
from extractor.results.diff import diff_trials
from extractor.results.diff.page import write_diff_page
from tests.browser import Watch, fits_its_window, list_violations, needs_browser, open_context

from .planting import PLANTS, make_study, to_record

pytestmark = needs_browser
TOLD = ("floor raised", "promoted", "synonym", "amount", "outcome added")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    rules, path = Extractor(effort="none"), tmp_path_factory.mktemp("page") / "diff.html"
    old = to_record(make_study())
    before = rules.extract(old)
    diffs = []
    for number, plant in enumerate(plant for plant in PLANTS if plant.name in TOLD):
        new = to_record(plant.plant())
        found = diff_trials(before, rules.extract(new), old, new)
        diffs.append(found.model_copy(update={"record_id": f"NCT9000000{number}"}))
    write_diff_page(path, diffs, old="old.json", new="new.json", compared=len(diffs))
    return path.as_uri()


def test_the_page_is_readable_and_requests_nothing(chromium, address):
    context = open_context(chromium, offline=True)
    page, watch = context.new_page(), Watch()
    watch.follow(page)
    page.goto(address)
    assert page.locator(".change").count() == len(TOLD)
    assert page.locator(".old mark").first.inner_text() == "1,500"
    for width, scheme in ((1280, "light"), (360, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert fits_its_window(page), width
        assert list_violations(page) == [], scheme
    watch.check()
    assert watch.requests == {address}
    context.close()
