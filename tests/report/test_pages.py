"""Pages: one file that obeys its own policy, says the answer first, escapes what it is given and promises nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt import parts
from slaopt.params import Costs
from slaopt.parts.portfolio import sparkline
from slaopt.report.folders import report_folder
from slaopt.report.pages import export_index, export_report
from slaopt.report.portfolio import CostChange, Portfolio, PortfolioRow, SkippedService
from slaopt.wording import chance
from tests.report.builders import HOSTILE, business_hours, executed, made, measured, page_of, renamed, with_verdict

VERDICTS = ("raise", "lower", "keep", "set", "objective", "not_suited", "data_problem")
VOID = {"meta", "input", "br", "link", "img", "hr"}
ENDED_BY = {"td": {"td", "th", "tr"}, "th": {"td", "th", "tr"}, "tr": {"tr"}}  # end tags that HTML lets one leave out
NOW = datetime(2026, 11, 24, 14, tzinfo=UTC)


class Read(HTMLParser):
    """What a page holds: tags with attributes, text by tag, scripts."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        while self.open and tag in ENDED_BY.get(self.open[-1], ()):
            self.open.pop()
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while tag in {"tbody", "tr"} and self.open[-1] != tag:
            assert self.open.pop() in ENDED_BY
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def text(self, *without: str) -> str:
        joined = " ".join(text for tag, text in self.texts if tag not in {"script", "style", *without})
        return " ".join(joined.replace("\u00a0", " ").replace("\u2060", "").split())

    def scripts(self) -> list[str]:
        return [text for tag, text in self.texts if tag == "script"]


@pytest.fixture(scope="module", params=VERDICTS)
def verdict(request):
    return request.param


@pytest.fixture(scope="module")
def page(verdict):
    return page_of(with_verdict(verdict))


def test_a_page_is_well_formed_and_readable_by_machines(page):
    read = Read(page)
    assert not read.open
    assert len(read.of("h1")) == 1
    assert [name for name, _ in read.tags].count("main") == 1
    ids = [attributes["id"] for _, attributes in read.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    assert all(attributes.get("scope") in {"row", "col"} for attributes in read.of("th"))
    links = [attributes["href"] for attributes in read.of("a")]
    assert all(link.startswith("#") and link[1:] in ids for link in links if link != "../../index.html")
    assert read.of("html")[0]["lang"] == "en"


def test_a_page_is_one_file_under_two_megabytes_without_code(page):
    read = Read(page)
    assert len(page.encode()) < 2_000_000
    assert not [attributes for _, attributes in read.tags if "src" in attributes]
    assert not read.of("link")
    assert "slaopt.assess(" not in page
    assert "parts.verdict" not in page


def test_the_policy_allows_the_scripts_of_the_page_and_nothing_else(page):
    read = Read(page)
    policy = next(meta["content"] for meta in read.of("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    run = [text for text in read.scripts() if not text.startswith('{"')]
    assert {base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run} == allowed
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe-inline'" not in policy
    assert not [name for _, attributes in read.tags for name in attributes if name.startswith("on")]


def test_the_answer_comes_first(page, verdict):
    recommendation = with_verdict(verdict).assessment.recommendation
    text = Read(page).text("title")
    claim = recommendation.sentence.partition(": ")[0]
    assert claim in text
    assert 0 < text.index(claim) < text.index("How does it perform?", text.index(claim))
    assert (recommendation.command is not None) == (f"To put it in force, type {recommendation.command}" in text)


def test_a_page_links_to_the_server_that_params_name():
    name, there = "Log in, 5 s – 6 s", measured("login")
    profiles = replace(
        there, service=name, hours=replace(there.hours, service=name), steps=replace(there.steps, service=name)
    )
    case = made("login", profiles=profiles, server="https://slaopt.example.org/hub/")
    page = page_of(case)
    read = Read(page)
    (link,) = [attributes["href"] for name, attributes in read.tags if name == "a" and "slaopt" in attributes["href"]]
    place = report_folder(Path(), case.run.manifest).as_posix()
    assert link == f"https://slaopt.example.org/hub/slaopt/reports/{place}"
    assert f"type slaopt propose '{name}' " in read.text()  # as it is, so that it can be copied
    assert "or preview and approve it on the server" in read.text()
    assert "SHA-256 of the server" not in page


def test_no_page_shows_a_placeholder(page):
    text = Read(page).text().lower()
    for word in ("null", "nan", "none,", "todo", "confidence_score"):
        assert not re.search(rf"\b{word}(?!\w)", text), word


def test_the_first_screen_says_how_sure_a_change_is_and_what_its_risk_is(page, verdict):
    found = with_verdict(verdict).assessment
    recommendation = found.recommendation
    first = Read(page[: page.index("<section")]).text()
    if recommendation.confidence_score is not None:
        assert f"Confidence {chance(recommendation.confidence_score)}" in re.sub(r"(?:high|medium|low), ", "", first)
    if recommendation.command and recommendation.implementation_risk:
        risk = recommendation.implementation_risk
        worst = next(f for f in recommendation.risk_factors if f.level == max_level(recommendation.risk_factors))
        assert f"Risk {risk} {worst.sentence}" in first
    else:
        assert "Risk" not in first


def max_level(factors):
    return max((factor.level for factor in factors), key=["low", "medium", "high"].index)


def test_each_question_has_its_answer(page, verdict):
    found = with_verdict(verdict).assessment
    text = Read(page).text()
    for sentence in (
        found.analysis.trend_analysis.sentence.rstrip("."),
        *(pattern.sentence for pattern in found.analysis.trend_analysis.seasonal_patterns),
        *(load.sentence.rstrip(".") for load in found.analysis.trend_analysis.load_correlations),
        *(factor.sentence for factor in found.recommendation.risk_factors),
        *found.recommendation.mitigation_strategies,
        *found.recommendation.rollback_criteria,
    ):
        assert " ".join(sentence.split()).lower() in text.lower(), sentence
    assert ("What a month brings" in text) == (found.recommendation.impact is not None)
    assert ("Attainment by month" in text) == any(a.kind == "month" for a in found.analysis.attainment)


def test_low_traffic_says_what_it_would_take():
    case = with_verdict("not_suited")
    page = page_of(case)
    first = Read(page[: page.index("<section")]).text()
    assert "Not suited (low traffic)" in first
    assert f"Needed a week {case.assessment.analysis.low_traffic.needed_per_week:,.0f}" in first
    assert "Violations of 1,000, measured" in first
    assert parts.low_traffic(with_verdict("keep").assessment.analysis).html == ""


def test_costs_stand_where_prices_are_given():
    priced = made("login", costs=Costs(violation=0.5, page=100, currency="EUR"))
    row = priced.assessment.recommendation.impact.row("cost")
    text = Read(parts.impact(priced.assessment).html).text()
    assert f"Cost, EUR {row.now.value:,.0f}" in text
    assert f"−{-row.change.value:,.0f} (" in text
    assert "Cost" not in parts.impact(with_verdict("raise").assessment).html


def test_every_figure_has_a_picture_a_specification_and_its_data(page):
    read = Read(page)
    figures = len(read.of("figure"))
    assert figures >= 3
    specifications = [json.loads(text) for text in read.scripts() if text.startswith('{"')]
    assert len(specifications) == figures == len(read.of("details"))
    assert page.count('class="picture"><svg') == figures
    assert all("$schema" not in specification for specification in specifications)


def test_a_hostile_name_stays_text():
    plain, hostile = Read(page_of(with_verdict("raise"))), Read(page_of(renamed(with_verdict("raise"), HOSTILE)))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    assert HOSTILE in hostile.text()
    assert "{{7*7}}" in hostile.text()


def test_the_same_notebook_makes_the_same_page():
    case = with_verdict("keep")
    notebook = executed("service_report", assessment=case.assessment, run=case.run)
    before = json.dumps(notebook)
    assert export_report(notebook, title="checkout") == export_report(notebook, title="checkout")
    assert json.dumps(notebook) == before


def test_a_notebook_of_ones_own_may_print_and_show_pictures():
    new = nbformat.v4
    shown = [
        new.new_output("stream", name="stdout", text="<b>printed</b>\n"),
        new.new_output("stream", name="stderr", text="a warning"),
        new.new_output("display_data", {"image/png": "iVBORw0KGgo=\n", "text/plain": "<Figure>"}),
        new.new_output("execute_result", {"text/plain": "x < 1"}, execution_count=1),
    ]
    own = new.new_notebook(cells=[new.new_markdown_cell("## One's own"), new.new_code_cell("1", outputs=shown)])
    read = Read(export_report(own, title="own"))
    assert "<b>printed</b>" in read.text()
    assert "x < 1" in read.text()
    assert "a warning" not in read.text()
    assert read.of("img") == [{"src": "data:image/png;base64,iVBORw0KGgo=", "alt": "<Figure>"}]
    assert "vegaEmbed=" not in "".join(read.scripts()).replace(" ", "")  # it is not there where nothing is drawn
    assert read.of("section")[0]["id"] == "one-s-own"


def test_excluded_time_is_named_with_its_rules():
    text = Read(page_of(business_hours())).text()
    assert "outside Mon, Tue, Wed, Thu, Fri 08:00–18:00" in text
    assert "Europe/Berlin" in text
    assert "holiday 11 Nov 2026" in text


def row(number: int = 1, **changes: object) -> PortfolioRow:
    values = {
        "service": f"service-{number}", "href": f"s-{number}/r/report.html", "verdict": "raise", "words": "Raise",
        "sentence": "Raise 2 s to 2.5 s: fewer pages.", "current_threshold": 2.0, "recommended_threshold": 2.5,
        "violation_rate_now": 0.041, "violation_rate_then": 0.009, "pages_now": 5.0, "pages_then": 0.4,
        "at_stake": 20.0, "month_now": 21.0, "month_then": 2.0, "cost_change": None, "currency": None,
        "sparkline": (0.01, None, 0.04), "sparkline_of": "violation_rate",
        "confidence_score": 0.91,
        "quality": "good", "data_quality_score": 1.0, "quality_sentence": "Good.", "as_of": NOW, "age_days": 0.0,
    } | changes  # fmt: skip
    return PortfolioRow(**values)  # type: ignore[arg-type]


def portfolio_of(*rows: PortfolioRow, skipped: tuple[SkippedService, ...] = ()) -> Portfolio:
    return Portfolio(
        as_of=NOW if rows else None, changes=sum(r.change for r in rows), pages_now=21.0, pages_then=2.0, rows=rows,
        skipped=skipped, cost_changes=(),
    )  # fmt: skip


def index_of(*rows: PortfolioRow, skipped: tuple[SkippedService, ...] = ()) -> str:
    return export_index(executed("portfolio", portfolio=portfolio_of(*rows, skipped=skipped)), title="Services")


def test_the_index_tells_a_service_in_one_line():
    read = Read(index_of(row(), row(2, verdict="keep", words="Keep", recommended_threshold=2.0, at_stake=None)))
    text = read.text()
    assert (
        "1 of 2 services should change its threshold. That would save about 19 pages a month: 2 pages instead of 21."
        in text
    )
    assert "service-1 Raise 2 s → 2.5 s 41 → 9 5 → 0.4 91 % good 24 Nov 2026" in text
    assert "service-2 Keep 2 s" in text
    assert [link["href"] for link in read.of("a") if "report" in str(link["href"])] == [
        "s-1/r/report.html",
        "s-2/r/report.html",
    ]


def test_the_index_says_set_where_there_is_no_threshold_yet():
    first = row(2, verdict="set", current_threshold=None)
    assert "1 of 1 service should set its first threshold." in Read(index_of(first)).text()
    assert "2 of 2 services should set or change their threshold" in Read(index_of(row(), first)).text()


def test_the_index_names_the_skipped_and_the_stale():
    stale = row(age_days=5.2, as_of=NOW - timedelta(days=5.2))
    broken = SkippedService(service="broken", reason="12 executions on 2 days.", source="requests.csv")
    text = Read(index_of(stale, skipped=(broken,))).text()
    assert "5 d behind" in text
    assert "broken 12 executions on 2 days." in text
    assert "Skipped" not in Read(index_of(stale)).text()


def test_an_index_without_services_says_so():
    assert "No service has a report yet." in Read(index_of()).text()


def test_the_index_escapes_names_and_holds_five_thousand_in_two_megabytes():
    rng = np.random.default_rng(0)
    rows = [
        row(
            n, service=f"service-{n:04d}", href=f"service-{n:04d}-040ffd59/2026-11-24T2200Z-c5550d58/report.html",
            current_threshold=2.25, violation_rate_now=rng.uniform(0, 0.05), data_quality_score=rng.uniform(0.9, 1),
            sparkline=tuple(rng.uniform(0, 0.05, 30).tolist()),
        )
        for n in range(4_999)
    ]  # fmt: skip
    page = index_of(*rows, row(5_000, service=HOSTILE))
    read = Read(page)
    assert HOSTILE in read.text()
    assert len(read.of("tr")) == 5_001
    assert len(page.encode()) < 2_000_000


def test_the_index_says_what_changes_would_cost_where_pages_rise():
    cheap = replace(portfolio_of(row(), row(2)), pages_now=0.0, pages_then=1.0)
    text = Read(export_index(executed("portfolio", portfolio=cheap), title="Services")).text()
    assert (
        "2 of 2 services should change their threshold. Together that would cost about 1 page more a month: 1 page "
        "instead of 0." in text
    )


def test_the_index_says_what_changes_would_save_in_money():
    saving = replace(portfolio_of(row(), row(2)), cost_changes=(CostChange(currency="EUR", value=-1234.5),))
    text = Read(export_index(executed("portfolio", portfolio=saving), title="Services")).text()
    assert "would save about 19 pages and 1,234 EUR a month: 2 pages instead of 21." in text
    dear = replace(saving, cost_changes=(CostChange(currency="EUR", value=80.0),))
    text = Read(export_index(executed("portfolio", portfolio=dear), title="Services")).text()
    assert "would save about 19 pages a month and cost about 80 EUR more a month: 2 pages instead of 21." in text


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), max_size=90))
def test_a_sparkline_shows_the_worst_day_and_stays_within_its_place(values):
    path = sparkline(values)
    x = y = 0
    heights = []
    for kind, across, down in re.findall(r"([Ml])(\d+)[ ]?(-?\d+)", path):
        x, y = (int(across), int(down)) if kind == "M" else (x + int(across), y + int(down))
        assert 0 <= x <= 96
        assert 1 <= y <= 23
        heights.append(y)
    shown = [value for value in values[-32:] if value is not None]
    assert bool(path) == bool(shown)
    assert min(heights, default=23) == (1 if any(shown) else 23)
    assert len(path) < 100
