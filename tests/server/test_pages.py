"""Pages over HTTP: who sees what, what is sent, and what is not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import urlencode

import httpx
import pytest

from slaopt.server.answers import DayTotal
from slaopt.server.pages.rendering import POLICY
from slaopt.server.pages.static import FILES, address
from slaopt.server.pages.trend import attainment_chart
from slaopt.store import first_record
from tests.server.running import Running, approval_server, copied, make_workspace, now, store_of

PAGES = ("", "recommendations", "experiments", "history", "configure", "privacy")


@pytest.fixture(scope="module")
def vic(approvals: Running) -> Iterator[httpx.Client]:
    """A viewer who logs in once: the server counts logins."""
    with approvals.client("vic") as client:
        yield client


@pytest.fixture
def report(approvals: Running) -> str:
    """Where the newest report of a service lies."""
    return next(
        f"{path.parent.name}/{path.name}" for path in sorted((approvals.workspace / "reports").glob("login-*/*"))
    )


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_html_under_a_strict_policy_and_holds_no_script_or_style_of_its_own(approvals, vic, page):
    answer = vic.get(f"slaopt/{page}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert re.findall(r"<script(?![^>]* src=)", answer.text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=|javascript:", answer.text) == []
    addresses = re.findall(r"(?:src|href|action)=\"([^\"]*)\"", answer.text)
    assert all(one.startswith(("/slaopt/", "#")) for one in addresses), addresses


@pytest.mark.parametrize(
    "page", [*PAGES, "reports/x/2026-11-24T1400Z-0a1b2c3d", "dialogs/services/propose?service=login"]
)
def test_one_who_is_not_logged_in_is_led_to_the_login_and_back(approvals, page):
    with approvals.client() as client:
        answer = client.get(f"slaopt/{page}")
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/login?next=%2Fslaopt%2F")
        assert "login" not in answer.text


@pytest.mark.parametrize("name", sorted(FILES))
def test_style_and_scripts_are_there_for_anyone_and_kept_by_their_content(approvals, name):
    with approvals.client() as client:
        place = f"slaopt/static/{address(name)}"
        answer = client.get(place)
        assert answer.content == FILES[name].read_bytes()
        assert "immutable" in answer.headers["Cache-Control"]
        assert client.get(place.partition("?")[0]).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["static/pages.py", "static/../base.html", "static/%2e%2e/base.html", "static/..%2ftemplates%2fbase.html"]
)
def test_nothing_else_is_reached_through_static(approvals, vic, path):
    assert vic.get(f"slaopt/{path}").status_code == 404


def test_a_page_is_sent_again_only_where_it_is_new(approvals, vic):
    first = vic.get("slaopt/")
    known = {"If-None-Match": first.headers["ETag"]}
    assert f"data-version={first.headers['ETag']}" in first.text
    same = vic.get("slaopt/", headers=known)
    assert (same.status_code, same.content) == (304, b"")
    with approvals.client("ann") as other:
        filed = other.post("api/v1/sla-optimization/proposals", json={"service_type": "catalog"})
        assert filed.status_code == 200, filed.text
    news = vic.get("slaopt/", headers=known)
    assert news.status_code == 200
    assert "waits for approval" in news.text


def test_a_page_that_is_kept_is_given_to_nobody_else(approvals, vic):
    with approvals.client("bob") as bob:
        for page in ("", "history"):
            for client, own, other in ((vic, "vic", "bob"), (bob, "bob", "vic")):
                text = client.get(f"slaopt/{page}").text
                assert re.search(rf"\b{own}\b", text)
                assert not re.search(rf"\b{other}\b", text)


def test_a_report_that_is_kept_is_not_shown_for_another(approvals, vic):
    for folder in sorted((approvals.workspace / "reports").glob("*-*/*")):
        place = f"{folder.parent.name}/{folder.name}"
        assert f'src="/slaopt/files/{place}/' in vic.get(f"slaopt/reports/{place}").text


def test_a_report_is_framed_apart_from_the_page_and_its_file_asks_nobody(approvals, vic, report):
    page = vic.get(f"slaopt/reports/{report}")
    assert (
        f'<iframe class="report" title="The report" sandbox="allow-scripts" src="/slaopt/files/{report}/' in page.text
    )
    file = vic.get(f"slaopt/files/{report}/report.html")
    policy = file.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none';")
    assert "connect-src" not in policy
    assert "allow-same-origin" not in policy
    assert file.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert file.text == (approvals.workspace / "reports" / report / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path",
    [
        "files/login-00000000/2026-11-24T1400Z-0a1b2c3d/report.html",
        "files/..%2f..%2fparams/2026-11-24T1400Z-0a1b2c3d/report.html",
        "files/../../params/default.yaml",
        "files/{report}/result.json",
        "files/{report}/../../../../params/default.yaml",
        "reports/login-00000000/2026-11-24T1400Z-0a1b2c3d",
        "dialogs/proposals/999/approve",
        "dialogs/proposals/1/explode",
        "dialogs/changes/nothing/rollback",
        "dialogs/services/propose?service=nobody",
        "nothing",
    ],
)
def test_what_is_not_there_is_said_on_a_page_without_anything_of_the_inside(approvals, vic, report, path):
    answer = vic.get(f"slaopt/{path.format(report=report)}")
    assert answer.status_code == 404
    assert str(approvals.workspace) not in answer.text


def test_a_link_out_of_the_folder_of_reports_is_not_followed(made_workspace, tmp_path):
    workspace = copied(made_workspace, tmp_path / "workspace")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "report.html").write_text("secret", encoding="utf-8")
    service = next((workspace / "reports").glob("login-*"))
    (service / "2026-11-24T1400Z-0a1b2c3d").symlink_to(outside)
    with approval_server(workspace) as server, server.client("vic") as client:
        answer = client.get(f"slaopt/files/{service.name}/2026-11-24T1400Z-0a1b2c3d/report.html")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_the_login_page_says_what_was_wrong_and_asks_for_a_code_where_one_is_needed(approvals):
    with approvals.client() as client:
        asked = client.get("login?next=/slaopt/history")
        assert 'value="/slaopt/history"' in asked.text
        wrong = post_login(client, name="<b>ann", password="wrong", code="")
        assert wrong.status_code == 401
        assert "&lt;b&gt;ann" in wrong.text
        assert "<b>ann" not in wrong.text
        second = post_login(client, name="dora", password="correct horse of dora", code="")
        assert 'name="code"' in second.text
        assert 'name="code"' not in wrong.text


def post_login(client: httpx.Client, **form: str) -> httpx.Response:
    return client.post("login", data={**form, "_xsrf": str(client.cookies.get("_xsrf"))})


def test_a_first_view_of_an_empty_store_says_what_to_do(tmp_path):
    with approval_server(make_workspace(tmp_path / "workspace", services=())) as server, server.client("vic") as client:
        assert "There is no service yet." in client.get("slaopt/").text
        assert "Nothing waits." in client.get("slaopt/recommendations").text
        assert "Nothing has changed yet." in client.get("slaopt/history").text
        assert "No test has run yet." in client.get("slaopt/experiments").text


def test_hostile_names_are_shown_as_they_are(tmp_path):
    hostile = "<script>alert(1)</script>\"'&"
    workspace = make_workspace(tmp_path / "workspace", services=())
    record = first_record(hostile, threshold=2.0, objective=0.99)
    with store_of(workspace).begin() as transaction:
        transaction.add_service(record, by="params", reason=hostile, at=now())
    pages = ("", "history", f"dialogs/services/configure?{urlencode({'service': hostile})}")
    with approval_server(workspace) as server, server.client("dora") as client:
        for page in pages:
            text = client.get(f"slaopt/{page}").text
            assert "<script>alert" not in text
            assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;" in text


def days(rates: list[float]) -> list[DayTotal]:
    first = date(2026, 11, 1)
    return [
        DayTotal(date=first + timedelta(days=n), executions=1_000.0, violation_rate=rate, attainment=1 - rate)
        for n, rate in enumerate(rates)
    ]


@pytest.mark.parametrize(
    ("rates", "title"),
    [
        (
            [0.01] * 7 + [0.02] * 7,
            "Violations rose to 2 % in the last 7 days, from 1 % in the 7 before; attainment is 98 %",
        ),
        (
            [0.02] * 7 + [0.01] * 7,
            "Violations fell to 1 % in the last 7 days, from 2 % in the 7 before; attainment is 99 %",
        ),
        ([0.01] * 14, "Violations stayed at 1 % in the last 7 days; attainment is 99 %"),
        ([0.01, 0.03], "2 % of all executions violated; attainment is 98 %"),
    ],
)
def test_the_trend_is_titled_with_its_finding(rates, title):
    assert attainment_chart(days(rates)).title == title


def test_the_line_of_the_trend_breaks_where_a_day_is_missing_and_stays_in_its_box():
    shown = days([0.01, 0.02, 0.03, 0.01, 0.02])
    chart = attainment_chart([shown[0], shown[1], shown[3], shown[4]])
    assert re.sub(r"[0-9. ]", "", chart.path) == "MLML"
    points = [tuple(map(float, point.split())) for point in re.findall(r"[\d.]+ [\d.]+", chart.path)]
    assert all(0 <= x <= 1_000 and 0 <= y <= 200 for x, y in points)
    assert chart.tops == ("3 %", "1.5 %", "0 %")
    assert attainment_chart([]) is None
