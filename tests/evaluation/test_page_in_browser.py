"""The score page in a real browser, without network."""

import pytest
from playwright.sync_api import expect

from tests.browser import (
    Watch,
    fits_its_window,
    list_violations,
    needs_browser,
    open_context,
    press_at_once,
)

from .pages import HOSTILE, NAME, QUOTE, TEXT, make_page, write_sources

pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def context(chromium):
    opened = open_context(
        chromium, viewport={"width": 1280, "height": 800}, offline=True
    )
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    path = folder / "page.html"
    path.write_text(make_page(write_sources(folder)), "utf-8")
    return path.as_uri()


@pytest.fixture
def page(context, address):
    """The opened page. Afterwards checks that no script failed, no other address was requested,
    and no text ran.
    """
    page = context.new_page()
    watch = Watch()
    watch.follow(page)
    page.goto(address)
    yield page
    watch.check()
    assert page.locator("img, script:not([id='data']) ~ script").count() == 0
    assert watch.requests == {address}
    page.close()


def _rows(page):
    return page.locator(".list a .field")


def _read_marks(page):
    """Return side and words of each mark, without the text for screen readers."""
    expect(page.locator("mark").first).to_be_attached()
    return page.locator("mark").evaluate_all(
        "(all) => all.map((mark) => [mark.className, mark.childNodes[1].data])"
    )


@pytest.mark.parametrize(
    ("name", "value", "fields"),
    [
        ("kind", "number", ["eligibility.criteria.constraints"]),
        ("field", "dosing", []),
        ("text", "PEANUTS allergy", ["eligibility.criteria.category"]),
    ],
)
def test_filters_narrow_the_list_and_go_into_the_address(page, name, value, fields):
    control = page.locator(f"[name={name}]")
    if name in {"kind", "field"} and fields:
        control.select_option(value)
    elif name in {"kind", "field"}:
        page.goto(f"{page.url.partition('#')[0]}#{name}={value}")
    else:
        control.fill(value)
    expect(_rows(page)).to_have_text(fields)
    expect(page.locator(".status")).to_have_text(f"{len(fields)} of 4 errors")
    assert f"{name}=" in page.url
    page.get_by_role("button", name="Clear").click()
    expect(_rows(page)).to_have_count(4)


def test_an_error_shows_both_values_and_the_words_in_the_text(page):
    page.locator(".list a", has_text="constraints").click()
    expect(page.locator(".detail h3")).to_have_text(
        "number eligibility.criteria.constraints"
    )
    expect(page.get_by_role("region", name="Gold")).to_contain_text("100,000,000,000")
    expect(page.get_by_role("region", name="Predicted")).to_contain_text(
        "eligibility.criteria[0].constraints"
    )
    text = page.locator(".passage > pre")
    shown = text.evaluate(
        "(pre) => [...pre.childNodes].map((node) => node.data ?? node.childNodes[1].data).join('')"
    )
    assert shown == TEXT
    before, after = QUOTE.split("100 x 10^9/L")
    assert _read_marks(page) == [
        ["gold", before],
        ["both", "100 x 10^9/L"],
        ["gold", after],
    ]
    # A long text opens at its first mark.
    box = text.bounding_box()
    mark = page.locator("mark").first.bounding_box()
    assert text.evaluate("(pre) => pre.scrollHeight > 2 * pre.clientHeight")
    assert box["y"] < mark["y"] < box["y"] + box["height"]
    # A record's markup is shown as text.
    expect(page.locator(".detail")).to_contain_text(HOSTILE)
    expect(page.locator(".facts")).to_contain_text(NAME)


def test_an_error_has_an_address_of_its_own(page, context, address):
    page.locator(".list a", has_text="constraints").click()
    other = context.new_page()
    other.goto(page.url)
    expect(other.locator(".detail h3")).to_have_text(
        "number eligibility.criteria.constraints"
    )
    other.close()
    page.go_back()
    expect(page.locator(".detail h3")).to_have_count(0)
    page.goto(f"{address}#error=0000000000")
    expect(page.locator(".detail")).to_contain_text("No error has this address")


def test_the_list_works_by_keyboard(page):
    page.locator(".list a").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".detail h3 .kind")).to_have_text("missed")
    page.keyboard.press("k")
    expect(page.locator(".detail h3 .kind")).to_have_text("number")
    press_at_once(page, "jjj")
    expect(page.locator(".list a").last).to_have_attribute("aria-current", "true")
    press_at_once(page, "kkk")
    expect(page.locator(".detail h3 .kind")).to_have_text("number")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("j")  # belongs to the dialog now
    expect(page.locator(".detail h3 .kind")).to_have_text("number")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_a_phone_shows_the_list_or_the_error(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert fits_its_window(page)
    page.locator(".list a").first.click()
    expect(page.locator(".detail")).to_be_visible()
    expect(page.locator(".list")).to_be_hidden()
    assert fits_its_window(page)
    page.get_by_role("link", name="List").click()
    expect(page.locator(".list")).to_be_visible()


def test_axe_finds_no_violation(page):
    page.locator(".list a", has_text="constraints").click()
    expect(page.locator("mark").first).to_be_attached()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert list_violations(page) == [], scheme


def test_a_row_names_the_item_of_its_error(page):
    items = page.locator(".list a .row-record").all_inner_texts()
    assert any("Criterion 1, constraints" in item for item in items)
    assert all("[" not in item for item in items)
