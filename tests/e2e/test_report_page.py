"""Pages in a real browser: no message, no request, nothing that keeps anyone from reading them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from tests.parts import chromium, require
from tests.report.builders import END, business_hours, made, page_of, with_verdict
from tests.report.test_pages import index_of, row

playwright = pytest.importorskip("playwright.sync_api")

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-component-update",
    "--disable-sync", "--disable-quic",
)  # fmt: skip
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 400, "height": 800}
NAMES = ("report", "hours", "change", "low", "index")


@dataclass
class Seen:
    """What a page said and asked for."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    require("chromium")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, browser) -> Path:
    """The pages as files; SLAOPT_SCREENSHOTS names a folder in which they stay for a person to look at."""
    given = os.environ.get("SLAOPT_SCREENSHOTS")
    place = Path(given) if given else tmp_path_factory.mktemp("pages")
    place.mkdir(parents=True, exist_ok=True)
    rows = [row(n, verdict="raise" if n % 3 else "keep", words="Raise" if n % 3 else "Keep") for n in range(5_000)]
    pages = {
        "report": page_of(with_verdict("raise")), "hours": page_of(business_hours()),
        "change": page_of(made("payment")), "low": page_of(with_verdict("not_suited")), "index": index_of(*rows),
    }  # fmt: skip
    for name, page in pages.items():
        (place / f"{name}.html").write_text(page, encoding="utf-8")
    return place


@pytest.fixture
def opened(browser, folder):
    """Open a page; at the end it must have said nothing and asked for nothing but itself."""
    contexts, seen = [], Seen()

    def open_page(name: str, size: dict[str, int] = WIDE, **settings: object) -> playwright.Page:
        context = browser.new_context(viewport=size, **settings)
        contexts.append(context)
        page = context.new_page()
        page.clock.set_fixed_time(END)
        page.on("console", lambda message: seen.messages.append(message.text))
        page.on("pageerror", lambda error: seen.messages.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto((folder / f"{name}.html").as_uri())
        if settings.get("java_script_enabled", True):
            page.wait_for_function("document.querySelectorAll('figure.chart:not(.drawn)').length === 0")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert seen.messages == []
    assert {Path(url).parent.name for url in seen.requests} == {folder.name}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "400"])
def test_a_page_is_quiet_accessible_and_never_scrolls_sideways(opened, folder, name, scheme, size):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(name, size, color_scheme=scheme, bypass_csp=True)  # axe is a script that the page does not know
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    if name != "index":  # of five thousand lines one is as accessible as the other
        page.screenshot(path=folder / f"{name}-{size['width']}-{scheme}.png", full_page=True)
    else:
        page.evaluate("document.querySelectorAll('tbody tr:nth-child(n+20)').forEach(row => row.remove())")
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in {"serious", "critical"}] == []


@pytest.mark.parametrize("name", ["report", "change"])
def test_the_first_screen_holds_the_answer(opened, name):
    page = opened(name)
    assert page.locator(".pair").count() == 5  # threshold, violations, pages, confidence, risk
    for part in (".answer", ".pairs", ".first figure", ".action"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= WIDE["height"], part


TEXTS = """figure => [...figure.querySelectorAll('.live .mark-text text')]
    .filter(text => getComputedStyle(text).opacity !== '0' && !text.closest('.role-axis') && text.textContent)
    .map(text => [text.textContent, text.getBoundingClientRect()])
    .map(([text, box]) => [text, box.left, box.top, box.right, box.bottom])"""


@pytest.mark.parametrize("name", ["report", "change"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "400"])
def test_names_in_charts_keep_off_each_other_and_inside(opened, name, size):
    page = opened(name, size)
    named = 0
    for figure in page.locator("figure.chart").all():
        boxes = {(text, round(left), round(top)): (left, top, right, bottom)
                 for text, left, top, right, bottom in figure.evaluate(TEXTS)}  # fmt: skip
        frame = figure.locator(".live svg").bounding_box()
        named += len(boxes)
        for (text, *_), (left, top, right, bottom) in boxes.items():
            assert frame["x"] - 1 <= left
            assert right <= frame["x"] + frame["width"] + 1, text
            for (other, *_), (a, b, c, d) in boxes.items():
                apart = right <= a + 2 or c <= left + 2 or bottom <= b + 3 or d <= top + 3
                assert other == text or apart, (text, other)
    assert named > 8


@pytest.mark.parametrize("name", ["change", "low"])
def test_nothing_on_the_first_screen_covers_anything_at_400_pixels(opened, name):
    page = opened(name, NARROW)
    boxes = [part.bounding_box() for part in page.locator(".first > *").all()]
    ends = sorted((box["y"], box["y"] + box["height"]) for box in boxes)
    assert all(end <= start + 1 for (_, end), (start, _) in pairwise(ends))


def test_charts_are_drawn_under_the_policy_and_answer_to_the_pointer(opened):
    page = opened("report")
    figures = page.locator("figure.chart")
    assert figures.count() == page.locator("figure.drawn .live svg").count() == 9
    marks = page.locator("#figure-1 .live svg .mark-symbol path")
    marks.nth(3).hover()
    tooltip = page.locator("#vg-tooltip-element")
    playwright.expect(tooltip).to_contain_text("Day")
    playwright.expect(tooltip).to_contain_text("%")


def test_time_stands_on_its_axis_and_lines_inside_their_chart(opened):
    page = opened("report")
    texts = page.locator("#figure-1 .live svg text").all_text_contents()
    assert {"26 Oct", "9 Nov", "23 Nov", "7 Dec", "21 Dec"} <= set(texts)  # the forecast is on the same axis
    xs = page.evaluate(
        "[...document.querySelectorAll('#figure-1 .live .mark-symbol path')].map(m => m.getBoundingClientRect().x)"
    )
    assert len({round(x) for x in xs}) >= 30
    assert "undefined" not in " ".join(texts)


def test_a_page_without_scripts_shows_pictures_and_tables(opened):
    page = opened("report", java_script_enabled=False)
    assert page.locator("figure .picture svg").first.is_visible()
    assert not page.locator(".live").first.is_visible()
    assert not page.locator("button.theme").is_visible()
    page.locator("summary").first.click()
    assert page.locator("figure details table").first.is_visible()


def test_the_theme_is_switched_by_hand_and_colours_follow(opened):
    page = opened("report", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('#figure-1 .live .mark-line path')).stroke"
    light = page.evaluate(f"[{ground}, {line}]")
    page.get_by_role("button", name="Dark").click()
    dark = page.evaluate(f"[{ground}, {line}]")
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    page.reload()
    assert page.evaluate(ground) == dark[0]


def test_an_old_report_says_so(opened, browser, folder):
    assert not opened("report").locator(".old").is_visible()
    late = browser.new_context()
    page = late.new_page()
    page.clock.set_fixed_time("2027-01-20T12:00:00Z")
    page.goto((folder / "report.html").as_uri())
    playwright.expect(page.locator(".old")).to_contain_text("This report is 56 days old")
    late.close()


def test_a_keyboard_reaches_the_answer_first(opened):
    page = opened("report")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    assert page.evaluate("document.activeElement.getBoundingClientRect().y") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_page_prints_on_a4_with_pictures_in_the_light(opened, folder):
    page = opened("report", color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("figure .picture svg").first.is_visible()
    assert not page.locator(".bar").is_visible()
    printed = page.pdf(path=folder / "report.pdf", prefer_css_page_size=True, print_background=True)
    assert 4 <= printed.count(b"/Type /Page\n") + printed.count(b"/Type /Page ") + printed.count(b"/Type/Page/") <= 8


def test_the_index_is_filtered_and_sorted(opened):
    page = opened("index")
    page.get_by_label("Filter").fill("keep service-12")
    shown = sum(f"{n}".startswith("12") and n % 3 == 0 for n in range(5_000))
    playwright.expect(page.locator("output")).to_have_text(f"{shown} of 5,000")
    rows = "[...document.querySelectorAll('tbody tr')].filter(row => row.offsetHeight).length"
    assert page.evaluate(rows) == shown
    page.get_by_label("Filter").fill("")
    assert page.evaluate(rows) == 400
    for heading, first, order in (
        ("Service", "service-0", "ascending"),
        ("Service", "service-4999", "descending"),
        ("Verdict", "service-0", "ascending"),
    ):
        page.locator("thead button", has_text=heading).click()
        assert page.evaluate("document.querySelector('tbody th').textContent") == first
        assert page.evaluate("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == order
    page.get_by_role("button", name="Show all 5,000").click()
    assert page.evaluate(rows) == 5_000
