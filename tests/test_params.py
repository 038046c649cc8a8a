"""Settings: read from files and flags, validated once, mistakes named."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from slaopt.errors import ParamsError
from slaopt.params import Params, load_params


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "params" / "services").mkdir(parents=True)
    (tmp_path / "params" / "default.yaml").write_text("objective: 0.98\ntimezone: Europe/Berlin\n")
    (tmp_path / "params" / "services" / "checkout.yaml").write_text("service: Checkout API\nthreshold: 300ms\n")
    return tmp_path


def test_a_service_inherits_the_defaults_and_flags_override_both(workspace):
    book = load_params(workspace, overrides={"objective": 0.95, "threshold": None})
    checkout = book.of("Checkout API")
    assert (checkout.threshold, checkout.objective, checkout.timezone) == (0.3, 0.95, "Europe/Berlin")
    assert book.of("another").threshold is None
    assert book.of("another").service == "another"


def test_a_longer_period_asks_for_as_much_history(workspace):
    for place in (workspace, None):
        default = load_params(place, overrides={"days": 200}).default
        assert (default.days, default.history_days) == (200, 200)
    assert load_params(workspace, overrides={"days": 14}).default.history_days == 120


def test_without_a_workspace_the_built_in_defaults_hold():
    assert load_params(None).default == Params()


def test_the_shipped_defaults_are_valid_and_equal_to_the_built_in_ones():
    book = load_params(Path(__file__).parent.parent)
    assert book.default == Params()
    assert all(book.of(name).threshold for name in book.services)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("objektive: 0.9", ["default.yaml", "`objektive`", "did you mean `objective`"]),
        ("objective: 99", ["default.yaml", "`objective`", "less than 1", "99"]),
        ("threshold: 3 parsecs", ["`threshold`", "3 parsecs", "not a duration"]),
        ("timezone: Mars/Base", ["`timezone`", "Mars/Base", "IANA"]),
        ("server: javascript:alert(1)", ["`server`", "https?://"]),
        ("server: slaopt.example.org", ["`server`", "https?://"]),
        ("min_threshold: 3\nmax_threshold: 1", ["min_threshold is greater"]),
        ("days: 30\nhistory_days: 10", ["history_days (10) is less than days (30)"]),
        ("excluded: {holiday: [2026-12-25]}", ["`excluded.holiday`", "unknown key"]),
        ("excluded: {maintenance: [{from: 2026-11-02T00:00:00Z, to: 2026-11-01T00:00:00Z}]}", ["later than"]),
        ("costs: {violation: 0.02, page: 40}", ["default.yaml", "`costs.currency`", "required"]),
        ("costs: {page: -1, currency: EUR}", ["`costs.page`", "greater than or equal to 0"]),
        ("costs: {pages: 1, currency: EUR}", ["`costs.pages`", "did you mean `page`"]),
        ("threshold_history: [{since: 2026-11-01, threshold: 2s}]", ["`threshold_history.0.since`", "datetime"]),
        ("threshold_history: [{since: 2026-11-01T00:00:00, threshold: 2s}]", ["timezone"]),
        ("threshold_history: [{since: 2026-11-01T00:00:00Z, threshold: two}]", ["`threshold_history.0.threshold`"]),
        (
            "threshold_history: [{since: 2026-11-01T00:00:00Z, threshold: 2}, "
            "{since: 2026-11-01T01:00:00+01:00, threshold: 3}]",
            ["two thresholds begin at 2026-11-01T00:00:00"],
        ),
        (
            "threshold: 3s\nthreshold_history: [{since: 2026-11-01T00:00:00Z, threshold: 2s}]",
            [
                "default.yaml: `threshold_history` ends in 2 s since 1 Nov 2026, 00:00 UTC, but `threshold` is 3 s",
                "add since when",
            ],
        ),
        ("- a\n- b", ["default.yaml", "expected settings"]),
        ("a: [", ["default.yaml", "cannot be read as YAML"]),
    ],
)
def test_a_mistake_is_named_with_its_file_and_remedy(workspace, text, parts):
    (workspace / "params" / "default.yaml").write_text(text)
    with pytest.raises(ParamsError) as error:
        load_params(workspace)
    assert all(part in str(error.value) for part in parts), str(error.value)


def test_a_nested_unknown_key_is_answered_by_its_own_neighbours(workspace):
    (workspace / "params" / "default.yaml").write_text("excluded: {holiday: [2026-12-25]}")
    with pytest.raises(ParamsError, match="did you mean `holidays`"):
        load_params(workspace)


def test_a_service_file_must_name_its_service_once(workspace):
    extra = workspace / "params" / "services" / "other.yaml"
    extra.write_text("threshold: 1")
    with pytest.raises(ParamsError, match=r"other\.yaml: `service:` is missing"):
        load_params(workspace)
    extra.write_text("service: Checkout API")
    with pytest.raises(ParamsError, match="another file already"):
        load_params(workspace)


HISTORY = """
threshold: 3s
threshold_history:
  - {since: 2026-12-01T00:00:00+01:00, threshold: 3s}
  - {since: 2026-11-01T00:00:00Z, threshold: 500ms}
"""


def test_past_thresholds_are_known_by_the_moment(workspace):
    path = workspace / "params" / "services" / "checkout.yaml"
    path.write_text("service: Checkout API" + HISTORY)
    params = load_params(workspace).of("Checkout API")
    moments = [datetime(2026, *day, tzinfo=UTC) for day in ((10, 1), (11, 1), (11, 30, 22), (11, 30, 23), (12, 31))]
    assert [params.threshold_at(moment) for moment in moments] == [0.5, 0.5, 0.5, 3, 3]
    assert params.thresholds == (3, 0.5)
    assert Params(threshold=2).threshold_at(moments[0]) == 2
    assert Params().threshold_at(moments[0]) is None


def test_a_what_if_may_differ_from_the_history(workspace):
    path = workspace / "params" / "services" / "checkout.yaml"
    path.write_text("service: Checkout API" + HISTORY)
    params = load_params(workspace, overrides={"threshold": 9.0}).of("Checkout API")
    assert (params.threshold, params.threshold_at(datetime(2027, 1, 1, tzinfo=UTC))) == (9, 3)
    assert params.thresholds == (9, 0.5, 3)


def test_history_and_costs_come_back_from_an_archive(workspace):
    path = workspace / "params" / "services" / "checkout.yaml"
    path.write_text("service: Checkout API\ncosts: {violation: 0.02, page: 40, currency: EUR}" + HISTORY)
    params = load_params(workspace).of("Checkout API")
    published = json.loads(json.dumps(params.published()))
    assert Params.model_validate(published).published() == published
    back = Params.model_validate(published)
    assert (back.threshold_history, back.costs) == (params.threshold_history, params.costs)
    assert back.costs.currency == "EUR"
