"""The approval pages in a real browser, against a real server: what people do, and what goes wrong meanwhile."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from slaopt.apply.experiments import stop
from tests.parts import chromium, require
from tests.server.experimenting import BOB, begun, ledger_of, watched
from tests.server.running import (
    PASSWORD,
    Running,
    approval_server,
    code_of,
    copied,
    lab_server,
    make_workspace,
    store_of,
)

playwright = pytest.importorskip("playwright.sync_api")

QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-component-update",
    "--disable-sync", "--disable-quic",
)  # fmt: skip
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 400, "height": 800}
TABS = ("", "recommendations", "experiments", "history", "configure", "privacy")
ONE_APPROVAL = "objective: 0.99\napprovals: {significant_change: 0.9}\n"
ELSEWHERE = {"rollback": "history", "report": "", "test": "experiments"}  # where what is no tab is opened from
ANSWERED = "Failed to load resource"  # what the browser says of an answer such as 403, whatever the page makes of it
HOSTILE = "<img src=x onerror=alert(1)> \"'; DROP TABLE sla_changes; --"


@dataclass
class Seen:
    """What pages said and asked for."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@dataclass
class Desk:
    """A server with people before it; each has a browser of their own, and stays logged in."""

    server: Running
    browser: playwright.Browser
    seen: Seen = field(default_factory=Seen)
    states: dict[str, Any] = field(default_factory=dict)

    @contextlib.contextmanager
    def person(self, name: str, path: str = "", size: dict[str, int] = WIDE, **settings: Any) -> Iterator[Any]:
        """Sit a person down before a page."""
        context = self.browser.new_context(viewport=size, storage_state=self.states.get(name), **settings)
        page = context.new_page()
        page.on("console", lambda message: self.seen.messages.append(message.text))
        page.on("pageerror", lambda error: self.seen.messages.append(str(error)))
        page.on("request", lambda request: self.seen.requests.append(request.url))
        page.goto(f"{self.server.pages}{path}")
        if name not in self.states:
            self.log_in(page, name)
            self.states[name] = context.storage_state()
        yield page
        context.close()

    def log_in(self, page: Any, name: str) -> None:
        """Fill the form in, and the second one where there is a second factor."""
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD.format(name))
        page.get_by_role("button", name="Log in").click()
        if name == "dora":
            page.get_by_label("Password").fill(PASSWORD.format(name))
            page.get_by_label("Code of your second factor").fill(code_of(self.server.workspace))
            page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{self.server.pages}**")

    def end_sessions(self, name: str) -> None:
        """Let all sessions of a person end, as when somebody else takes them away."""
        with store_of(self.server.workspace).begin() as transaction:
            transaction.people.end_sessions(name)
            transaction.audit.append("log out", actor=name, details={}, at=datetime.now(UTC))

    @property
    def changes(self) -> list[Any]:
        """What the store holds of changes."""
        with store_of(self.server.workspace).reading() as transaction:
            return list(transaction.changes.list())

    def threshold(self, service: str) -> float | None:
        """The threshold that is in force."""
        with store_of(self.server.workspace).reading() as transaction:
            return transaction.service(service).threshold


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    require("chromium")
    playwright.expect.set_options(timeout=20_000)  # others test beside
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=chromium(), args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    require("chromium")
    return make_workspace(tmp_path_factory.mktemp("made") / "workspace")


@pytest.fixture
def desk_of(browser, workspace, tmp_path) -> Iterator[Callable[..., contextlib.AbstractContextManager[Desk]]]:
    """Make a server over a workspace of one's own; whatever is done there, pages stay quiet and ask nobody else."""

    @contextlib.contextmanager
    def made(*, params: str | None = None) -> Iterator[Desk]:
        own = copied(workspace, tmp_path / "workspace")
        if params is not None:
            (own / "params" / "default.yaml").write_text(params, encoding="utf-8")
        with approval_server(own) as server:
            desk = Desk(server, browser)
            yield desk
            assert_quiet(desk)

    yield made


@pytest.fixture(scope="module")
def looked_at(browser, workspace, tmp_path_factory) -> Iterator[Desk]:
    """A server at which a proposal waits, a change was made, one test runs and one has ended, to be looked at only."""
    own = copied(workspace, tmp_path_factory.mktemp("looked") / "workspace")
    tested = begun(own, "login", days_ago=3)
    watched(own, tested)
    stop(ledger_of(own), tested.experiment_id, reason=HOSTILE, actor=BOB, at=datetime.now(UTC))
    with approval_server(own) as server:
        desk = Desk(server, browser)
        for service in ("login", "catalog"):
            propose(desk, "ann", service)
        for name in ("bob", "cid"):
            approve(desk, name, "catalog")
        begun(own, "catalog")
        yield desk
        assert_quiet(desk)


def assert_quiet(desk: Desk) -> None:
    assert [said for said in desk.seen.messages if not said.startswith(ANSWERED)] == []
    assert {urlsplit(url).netloc for url in desk.seen.requests} == {urlsplit(desk.server.url).netloc}


def card(page: Any, service: str) -> Any:
    return page.locator(".card", has=page.get_by_role("link", name=service, exact=True))


def propose(desk: Desk, name: str, service: str) -> None:
    with desk.person(name, "recommendations") as page:
        card(page, service).get_by_role("button", name="Propose").click()
        page.locator("dialog").get_by_role("button", name="Propose").click()
        outcome(page, "Proposed").wait_for()


def approve(desk: Desk, name: str, service: str) -> None:
    with desk.person(name, "recommendations") as page:
        card(page, service).get_by_role("button", name="Approve").click()
        submit(page).click()
        outcome(page, "Approved").wait_for()


def submit(page: Any) -> Any:
    return page.locator("dialog button[type=submit]")


def outcome(page: Any, title: str) -> Any:
    return page.locator("dialog").get_by_role("heading", name=title, exact=True)


def test_a_change_is_proposed_previewed_approved_seen_in_the_history_and_rolled_back(desk_of):
    with desk_of() as desk:
        propose(desk, "ann", "login")
        with desk.person("bob") as page:
            page.get_by_role("link", name="login", exact=True).click()
            report = page.frame_locator("iframe.report")
            playwright.expect(report.locator(".answer strong")).to_have_text("Raise 500 ms to 700 ms")
            page.get_by_role("button", name="Preview").click()
            dialog = page.locator("dialog")
            for words in ("from 500 ms to 700 ms", "Pages a week", "Taken back by itself when", "Who approves", "Risk"):
                playwright.expect(dialog).to_contain_text(words)
            assert submit(page).count() == 0
            page.get_by_role("button", name="Close").click()
            page.locator(".decide").get_by_role("button", name="Approve").click()
            page.get_by_label("Comment").fill(HOSTILE)
            submit(page).click()
            playwright.expect(dialog).to_contain_text("one more person has to approve it")
            dialog.get_by_role("button", name="Close").click()
            playwright.expect(page.locator(".decide")).to_contain_text("Approved so far by bob")
        assert desk.changes == []
        approve(desk, "cid", "login")
        assert desk.threshold("login") == 0.7
        with desk.person("cid", "history") as page:
            row = page.locator("tbody tr").first
            for words in ("login", "500 ms → then 700 ms", "cid", "in force, watched until"):
                playwright.expect(row).to_contain_text(words)
            row.get_by_role("button", name="Roll back").click()
            playwright.expect(submit(page)).to_have_text("Roll back to 500 ms")
            page.get_by_label("Why").fill(HOSTILE)
            submit(page).click()
            playwright.expect(page.locator("dialog")).to_contain_text("500 ms is in force again")
            page.locator("dialog").get_by_role("button", name="Close").click()
            playwright.expect(page.locator("tbody tr")).to_have_count(4)
            playwright.expect(page.locator("tbody tr").nth(0)).to_contain_text(HOSTILE[:30])
            playwright.expect(page.locator("tbody tr").nth(1)).to_contain_text("rolled back")
        assert desk.threshold("login") == 0.5
        assert [change.implemented_by for change in desk.changes] == ["cid", "cid"]


def test_a_threshold_is_tested_first_and_the_test_is_stopped_with_its_reason(desk_of):
    with desk_of(params=ONE_APPROVAL) as desk:
        propose(desk, "ann", "login")
        with desk.person("bob", "recommendations") as page:
            card(page, "login").get_by_role("button", name="A/B test first").click()
            dialog = page.locator("dialog")
            for words in (
                "700 ms against 500 ms",
                "14 days",
                "Chance of finding it",
                "has to approve it before it starts",
            ):
                playwright.expect(dialog).to_contain_text(words)
            page.get_by_text("Another design").click()
            page.get_by_label("Days").fill("3")
            page.get_by_role("button", name="Design it so").click()
            playwright.expect(dialog).to_contain_text("less than a weekly cycle")
            page.get_by_text("Another design").click()
            page.get_by_label("Days").fill("21")
            page.get_by_role("button", name="Design it so").click()
            playwright.expect(dialog).to_contain_text("For 21 days")
            page.get_by_role("button", name="Propose the test").click()
            outcome(page, "Proposed").wait_for()
        with desk.person("cid", "experiments") as page:
            card(page, "login").get_by_role("button", name="Approve").click()
            page.get_by_role("button", name="Approve and start the test").click()
            outcome(page, "Approved").wait_for()
            page.locator("dialog").get_by_role("button", name="Close").click()
            playwright.expect(page.locator(".sentence").first).to_have_text("1 test runs.")
            playwright.expect(page.get_by_role("progressbar", name="Time passed")).to_be_visible()
        assert desk.threshold("login") == 0.5
        with desk.person("bob") as page:
            figure = page.locator(".figures div", has_text="A/B tests")
            playwright.expect(figure).to_contain_text("running")
            playwright.expect(page.locator(".services")).to_contain_text("A/B test of 700 ms runs until")
            figure.get_by_role("link", name="1").click()
            card(page, "login").get_by_role("button", name="Stop").click()
            page.get_by_label("Why").fill(HOSTILE)
            page.get_by_role("button", name="Stop the test").click()
            playwright.expect(page.locator("dialog")).to_contain_text("500 ms holds for all again")
            page.locator("dialog").get_by_role("button", name="Close").click()
            playwright.expect(page.locator("tbody tr")).to_contain_text(HOSTILE[:30])
        assert desk.changes == []


def test_who_proposes_is_told_that_somebody_else_approves(desk_of):
    with desk_of() as desk:
        propose(desk, "bob", "login")
        with desk.person("bob", "recommendations") as page:
            card(page, "login").get_by_role("button", name="Approve").click()
            playwright.expect(page.locator("dialog")).to_contain_text("You cannot approve this")
            assert submit(page).count() == 0
            refused = page.evaluate(
                """async () => {
                    const token = document.cookie.match(/_xsrf=([^;]+)/)[1];
                    const answer = await fetch("/api/v1/sla-optimization/proposals/1/approve", {
                        method: "POST", body: "{}", headers: {"Content-Type": "application/json", "X-XSRFToken": token},
                    });
                    return [answer.status, (await answer.json()).message];
                }"""
            )
            assert refused[0] == 403
            assert "bob" in refused[1]
        assert desk.changes == []


def test_an_expired_login_is_said_and_nothing_is_changed(desk_of):
    with desk_of(params=ONE_APPROVAL) as desk:
        propose(desk, "ann", "login")
        with desk.person("bob", "recommendations") as page:
            card(page, "login").get_by_role("button", name="Approve").click()
            submit(page).wait_for()
            desk.end_sessions("bob")
            submit(page).click()
            playwright.expect(page.locator("dialog")).to_contain_text("Your session has ended. Nothing was changed.")
            assert desk.changes == []
            page.locator("dialog").get_by_role("link", name="Log in again").click()
            desk.log_in(page, "bob")
            assert page.url == f"{desk.server.pages}recommendations"
            card(page, "login").get_by_role("button", name="Approve").click()
            submit(page).click()
            outcome(page, "Approved").wait_for()
        assert len(desk.changes) == 1


def test_a_page_that_is_left_open_says_that_the_session_has_ended(desk_of):
    with desk_of() as desk, desk.person("vic") as page:
        desk.end_sessions("vic")
        page.get_by_role("button", name="Refresh").click()
        playwright.expect(page.locator("#away")).to_contain_text("Your session has ended.")
        assert "next=%2Fslaopt%2F" in page.locator("#away a").get_attribute("href")


def test_a_double_click_makes_one_change(desk_of):
    with desk_of(params=ONE_APPROVAL) as desk:
        propose(desk, "ann", "login")
        with desk.person("bob", "recommendations") as page:
            sent: list[str] = []
            page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
            card(page, "login").get_by_role("button", name="Approve").click()
            submit(page).dblclick()
            outcome(page, "Approved").wait_for()
            assert len(sent) == 1
        assert len(desk.changes) == 1


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_server_that_is_killed_meanwhile_does_what_is_asked_again_once(desk_of, lost):
    with desk_of(params=ONE_APPROVAL) as desk:
        propose(desk, "ann", "login")
        with desk.person("bob", "recommendations") as page:

            def cut(route: Any) -> None:
                if lost == "answer":
                    assert route.fetch().ok
                desk.server.kill()
                route.abort("connectionreset")

            card(page, "login").get_by_role("button", name="Approve").click()
            page.route("**/api/**/approve", cut, times=1)
            submit(page).click()
            playwright.expect(page.locator("dialog")).to_contain_text("The server does not answer.")
            assert len(desk.changes) == (lost == "answer")
            port = urlsplit(desk.server.url).port
            with approval_server(desk.server.workspace, port=port):
                page.get_by_role("button", name="Try again").click()
                playwright.expect(page.locator("dialog")).to_contain_text("700 ms instead of 500 ms is in force")
                page.locator("dialog").get_by_role("button", name="Close").click()
                playwright.expect(page.locator("#away")).to_be_hidden()
                playwright.expect(card(page, "login")).to_have_count(0)
        assert len(desk.changes) == 1
        assert desk.threshold("login") == 0.7
        with store_of(desk.server.workspace).reading() as transaction:
            assert [entry.action for entry in transaction.audit.entries()].count("commit") == 1


def test_a_page_says_when_the_server_is_away_and_when_it_is_back(desk_of):
    with desk_of() as desk, desk.person("vic") as page:
        desk.server.kill()
        page.get_by_role("button", name="Refresh").click()
        playwright.expect(page.locator("#away")).to_contain_text("The server does not answer.")
        assert page.get_by_role("link", name="login", exact=True).is_visible()  # what was there can still be read
        with approval_server(desk.server.workspace, port=urlsplit(desk.server.url).port):
            page.get_by_role("button", name="Refresh").click()
            playwright.expect(page.locator("#away")).to_be_hidden()


def test_what_others_do_appears_by_itself(desk_of):
    with desk_of() as desk, desk.person("bob") as page:
        page.get_by_label("Filter").fill("login")
        propose(desk, "ann", "login")
        playwright.expect(page.locator(".waiting")).to_contain_text("1", timeout=20_000)
        row = page.locator("tbody tr", has_text="login")
        playwright.expect(row).to_contain_text("waits for approval")
        assert page.get_by_label("Filter").input_value() == "login"
        assert not page.locator("tbody tr", has_text="catalog").is_visible()


def test_a_rejection_needs_a_reason_and_is_in_the_history(desk_of):
    with desk_of() as desk:
        propose(desk, "ann", "login")
        with desk.person("bob", "recommendations") as page:
            card(page, "login").get_by_role("button", name="Reject").click()
            submit(page).click()
            assert page.locator("dialog textarea:invalid").count() == 1
            page.get_by_label("Why").fill("too many slowdowns would not be seen")
            submit(page).click()
            outcome(page, "Rejected").wait_for()
        with desk.person("ann", "history") as page:
            ended = page.get_by_role("region", name="Proposals that came to nothing").locator("tbody tr")
            playwright.expect(ended).to_contain_text("rejected")


def test_a_change_is_scheduled_in_the_zone_of_the_browser(desk_of):
    with desk_of(params=ONE_APPROVAL) as desk:
        propose(desk, "ann", "login")
        with desk.person("bob", "recommendations", timezone_id="Asia/Tokyo") as page:
            card(page, "login").get_by_role("button", name="Schedule").click()
            playwright.expect(page.locator("dialog [data-zone]")).to_have_text("Asia/Tokyo")
            tomorrow = page.evaluate("new Date(Date.now() + 864e5 + 324e5).toISOString().slice(0, 16)")
            page.get_by_label("When").fill(tomorrow)
            submit(page).click()
            outcome(page, "Scheduled").wait_for()
            utc = page.evaluate(f"new Date('{tomorrow}').toISOString().slice(0, 16)")
        with store_of(desk.server.workspace).reading() as transaction:
            (proposal,) = transaction.proposals.list()
        assert proposal.state == "scheduled"
        assert f"{proposal.scheduled_at:%Y-%m-%dT%H:%M}" == utc
        assert desk.changes == []


def test_an_admin_has_a_service_adjust_by_itself_and_sets_its_bounds(desk_of):
    with desk_of() as desk:
        with desk.person("dora") as page:
            page.get_by_role("switch", name="login adjusts by itself").click()
            submit(page).click()
            page.locator("dialog").get_by_role("button", name="Close").click()
            playwright.expect(page.get_by_role("switch", name="login adjusts by itself")).to_be_checked()
            page.get_by_role("button", name="Configure login").click()
            page.get_by_label("Greatest threshold").fill("0.65")
            submit(page).click()
            outcome(page, "Saved").wait_for()
        with store_of(desk.server.workspace).reading() as transaction:
            record = transaction.service("login")
        assert (record.auto_adjust, record.optimization_enabled, record.max_threshold) == (True, True, 0.65)
        propose(desk, "ann", "catalog")
        with desk.person("vic") as page:
            assert page.get_by_role("switch").count() == page.get_by_role("button", name="Configure").count() == 0
        with desk.person("vic", "recommendations") as page:
            assert page.get_by_role("button", name="Preview").count() == 1
            assert page.get_by_role("button", name="Approve").count() == 0


def test_switched_off_everything_can_be_read_and_nothing_changed(desk_of):
    with desk_of() as desk:
        propose(desk, "ann", "login")
        (desk.server.workspace / "params" / "default.yaml").write_text("enabled: false\n", encoding="utf-8")
        with desk.person("bob", "recommendations") as page:
            playwright.expect(page.get_by_role("status").first).to_contain_text("slaopt is switched off.")
            assert card(page, "login").get_by_role("button").all_inner_texts() == ["Preview"]
            card(page, "login").get_by_role("button", name="Preview").click()
            playwright.expect(page.locator("dialog")).to_contain_text("slaopt is switched off: nothing can be changed.")


def test_in_jupyterlab_one_looks_and_proposes(browser, workspace, tmp_path):
    own = copied(workspace, tmp_path / "workspace")
    (own / "params" / "default.yaml").write_text("server: http://127.0.0.1:9\n", encoding="utf-8")
    with lab_server(own) as server:
        context = browser.new_context(viewport=WIDE)
        page = context.new_page()
        page.goto(f"{server.pages}recommendations?token={server.token}")
        page.goto(f"{server.pages}recommendations")
        playwright.expect(page.get_by_role("status").first).to_contain_text("Here one looks and proposes.")
        assert page.get_by_role("button", name="Approve").count() == 0
        assert page.get_by_role("link", name="go there").get_attribute("href") == "http://127.0.0.1:9/slaopt/"
        context.close()


def test_a_report_in_its_frame_reaches_neither_the_page_nor_the_server(looked_at):
    with looked_at.person("bob") as page:
        page.get_by_role("link", name="login", exact=True).click()
        assert page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
        page.frame_locator("iframe").locator("figure.drawn").first.wait_for()
        frame = page.frames[1]
        assert not frame.locator(".home, .theme, .action").first.is_visible()
        attempts = frame.evaluate(
            """async () => {
                const tried = {};
                try { tried.parent = parent.document.title; } catch (error) { tried.parent = error.name; }
                try { tried.cookie = document.cookie; } catch (error) { tried.cookie = error.name; }
                tried.origin = self.origin;
                return tried;
            }"""
        )
        assert attempts == {"parent": "SecurityError", "cookie": "SecurityError", "origin": "null"}
        page.get_by_role("button", name="Dark").click()
        assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 26)"


def test_a_keyboard_opens_a_dialog_and_comes_back(looked_at):
    with looked_at.person("bob", "recommendations") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        button = card(page, "login").get_by_role("button", name="Approve")
        button.focus()
        page.keyboard.press("Enter")
        page.locator("dialog h2").wait_for()
        for _ in range(12):
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.closest('dialog, body').tagName") in {"DIALOG", "BODY"}
            if page.evaluate("document.activeElement.type") == "submit":
                break
        assert page.evaluate("document.activeElement.type") == "submit"
        page.keyboard.press("Escape")
        assert not page.locator("dialog").is_visible()
        assert page.evaluate("document.activeElement.textContent") == "Approve"


@pytest.mark.parametrize("tab", [*TABS, "test", "report", "dialog", "reject", "rollback", "login"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "400"])
def test_a_page_is_accessible_and_never_scrolls_sideways(looked_at, tab, scheme, size):
    from axe_playwright_python.sync_playwright import Axe

    path = tab if tab in TABS else ELSEWHERE.get(tab, "recommendations")
    with looked_at.person("dora", path, size, color_scheme=scheme, bypass_csp=True) as page:
        if tab == "report":
            page.get_by_role("link", name="login", exact=True).click()
            page.frame_locator("iframe").locator("figure.drawn").first.wait_for()
        elif tab == "test":
            page.get_by_role("link", name="login", exact=True).click()
            playwright.expect(page.get_by_role("img")).to_have_attribute(
                "aria-label", re.compile("difference|violations")
            )
        elif tab in ("dialog", "reject"):
            name = "Approve" if tab == "dialog" else "Reject"
            card(page, "login").get_by_role("button", name=name).click()
            submit(page).wait_for()
        elif tab == "rollback":
            page.get_by_role("button", name="Roll back").first.click()
            submit(page).wait_for()
        elif tab == "login":
            page.context.clear_cookies()
            page.goto(looked_at.server.pages)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        if place := os.environ.get("SLAOPT_SCREENSHOTS"):
            Path(place).mkdir(parents=True, exist_ok=True)
            whole = tab in (*TABS, "test")
            page.screenshot(path=Path(place) / f"{tab or 'overview'}-{size['width']}-{scheme}.png", full_page=whole)
        found = Axe().run(page, options={"iframes": False}).response["violations"]
        assert [
            (rule["id"], rule["nodes"][0]["html"]) for rule in found if rule["impact"] in {"serious", "critical"}
        ] == []
