"""The page of matches in a real browser, without network."""

import json

import pytest
from playwright.sync_api import expect

from tests.browser import (
    Watch,
    fits_its_window,
    list_violations,
    needs_browser,
    open_context,
)
from tests.commands import extract, invoke

from .test_page import PATIENT, TEXT

pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def made_before_browser(tmp_path_factory):
    """A page of two trials and two patients."""
    folder = tmp_path_factory.mktemp("page")
    texts = folder / "texts"
    texts.mkdir()
    (texts / "open.txt").write_text(TEXT, "utf-8")
    (texts / "shut.txt").write_text(TEXT.replace("ECOG 0-1", "ECOG 0"), "utf-8")
    patients = folder / "patients.json"
    patients.write_text(json.dumps([PATIENT, {"id": "q", "age": 17}]), "utf-8")
    run = extract(texts, folder / "run")
    page = folder / "page.html"
    invoke("match", run, "--patient", patients, "--html", page)
    return page.as_uri()


@pytest.fixture
def visit(chromium, made_before_browser):
    context = open_context(chromium, offline=True)
    watch = Watch()

    def open_page(place):
        page = context.new_page()
        watch.follow(page)
        page.goto(made_before_browser + place)
        return page

    yield open_page
    watch.check()
    assert watch.requests <= {made_before_browser}
    context.close()


def test_a_verdict_leads_to_its_words_in_the_text_and_back(visit):
    page = visit("#?answer=no_reason_against")
    expect(page.locator(".status")).to_have_text("1 of 4 records")
    page.locator(".rows a").click()
    card = page.locator(".card", has_text="ECOG 0-1")
    expect(card).to_contain_text("The patient")
    expect(card).to_contain_text("ECOG: 1")
    card.locator("a.value").click()
    expect(page.locator(".mark.chosen")).to_have_text("ECOG 0-1")
    page.locator(".mark", has_text="HIV infection").click()
    expect(page.locator("a.value.chosen")).to_have_text("HIV infection")
    expect(page.locator(".card", has_text="Platelets")).to_contain_text(
        "What is the platelet count?"
    )
    assert page.locator("img").count() == 0


def test_the_page_is_readable_in_every_window(visit):
    for place in ("#", "#?", "#?patient=q"):
        page = visit(place)
        for width, scheme in ((1280, "light"), (360, "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert fits_its_window(page), (place, width)
            assert list_violations(page) == [], (place, scheme)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.locator(".rows a").first.click()
    expect(page.locator(".card").first).to_be_visible()
    for width, scheme in ((1280, "light"), (360, "dark")):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        assert fits_its_window(page), width
        assert list_violations(page) == [], scheme
