"""Pure rules: roles, names, states, and whose approval a change takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slaopt.apply.actor import AUTO, RIGHTS, SCHEDULER, WATCH, Actor, ForbiddenError, may, require_right, same_person
from slaopt.apply.lifecycle import OPEN, TRANSITIONS, TransitionError, moved, named
from slaopt.apply.needs import needs_of, strictest
from slaopt.apply.refusals import agree
from slaopt.params import ApprovalRules
from slaopt.store.records import Action, Role, State

RULES = ApprovalRules()
ENDS = {"rejected", "withdrawn", "expired", "superseded"}


@pytest.mark.parametrize("state", sorted(TRANSITIONS))
@pytest.mark.parametrize("to", sorted(TRANSITIONS))
def test_moves_are_those_of_the_table(state: State, to: State) -> None:
    if to in TRANSITIONS[state]:
        assert moved(state, to) == to
    else:
        with pytest.raises(TransitionError, match=f"{named(state)} cannot be {named(to)}"):
            moved(state, to)


def test_every_state_can_be_reached_and_ends_are_ends() -> None:
    reached: set[str] = {"draft"}
    for _ in TRANSITIONS:
        reached |= {to for state in reached for to in TRANSITIONS[state]}  # type: ignore[index]
    assert reached == set(TRANSITIONS)
    assert {state for state, to in TRANSITIONS.items() if not to} == ENDS
    assert all(TRANSITIONS[state] & ENDS for state in OPEN)


def test_nothing_comes_into_force_that_is_not_open_or_rolled_back() -> None:
    assert {state for state, to in TRANSITIONS.items() if "committed" in to} == (OPEN - {"draft"}) | {"rolled_back"}


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("viewer", {"read"}),
        ("analyst", {"read", "propose"}),
        ("approver", {"read", "propose", "approve"}),
        ("admin", {"read", "propose", "approve", "administer"}),
    ],
)
def test_what_each_role_may(role: Role, actions: set[Action]) -> None:
    assert RIGHTS[role] == actions
    actor = Actor("ann", role)
    for action in RIGHTS["admin"]:
        assert may(actor, action) == (action in actions)
        if action not in actions:
            with pytest.raises(ForbiddenError, match=f"to {action} takes an? "):
                require_right(actor, action)


def test_machines_administer_nothing_and_without_a_role_one_may_nothing() -> None:
    assert not any(may(actor, "administer") for actor in (AUTO, SCHEDULER, WATCH))
    assert not any(may(Actor("x", None), action) for action in RIGHTS["admin"])


@given(st.text(min_size=1, max_size=20))
def test_a_person_is_the_same_in_any_case(name: str) -> None:
    for other in (name.upper(), name.lower(), name.swapcase(), f" {name} "):
        assert same_person(name, other) or name.casefold() != other.strip().casefold()
    assert same_person(name, name)
    assert not same_person(name, f"{name}x")


@pytest.mark.parametrize(("one", "other"), [("Straße", "STRASSE"), ("zoë", "ZOE\u0308"), ("bob", "ｂｏｂ"), ("ß", "ẞ")])  # noqa: RUF001
def test_names_that_look_alike_are_one_person(one: str, other: str) -> None:
    assert same_person(one, other)


@pytest.mark.parametrize(
    ("current", "proposed", "risk", "expected"),
    [
        (2.0, 2.2, "low", (1, False, "routine")),
        (2.0, 2.2, "medium", (1, False, "routine")),
        (2.0, 2.2, "high", (2, False, "significant")),
        (2.0, 2.2, None, (2, False, "significant")),  # nothing is known of its risk
        (2.0, 2.5, "low", (2, False, "significant")),  # a quarter, exactly
        (0.8, 1.0, "low", (2, False, "significant")),
        (1.2, 1.5, "low", (2, False, "significant")),
        (2.0, 1.6, "low", (2, False, "significant")),  # back by a quarter
        (2.0, 1.61, "low", (1, False, "routine")),
        (2.0, 1.0, "low", (2, True, "critical")),  # half as long weighs as much as twice as long
        (2.0, 1.01, "low", (2, False, "significant")),
        (1.0, 0.001, "low", (2, True, "critical")),
        (2.0, 4.0, "low", (2, True, "critical")),
        (2.0, 3.99, "low", (2, False, "significant")),
        (None, 2.0, "low", (2, False, "significant")),
    ],
)
def test_whose_approval_a_change_takes(
    current: float | None, proposed: float, risk: str | None, expected: tuple[int, bool, str]
) -> None:
    needs = needs_of(current, proposed, risk=risk, rules=RULES, solo=False)
    assert (needs.approvals, needs.second_factor, needs.significance) == expected
    assert bool(needs.why) == (expected[0] > 1 or expected[1])


def test_a_service_whose_every_change_is_critical() -> None:
    needs = needs_of(2.0, 2.01, risk="low", rules=ApprovalRules(critical=True), solo=False)
    assert (needs.approvals, needs.second_factor, needs.significance) == (1, True, "critical")


def test_alone_nobody_else_approves_and_the_second_factor_stays() -> None:
    needs = needs_of(2.0, 5.0, risk="high", rules=RULES, solo=True)
    assert (needs.approvals, needs.second_factor, needs.significance) == (0, True, "critical")


def test_a_change_that_is_critical_by_its_size_takes_two_whatever_significant_means() -> None:
    rules = ApprovalRules(significant_change=5.0, critical_change=0.5)
    assert needs_of(2.0, 3.0, risk="low", rules=rules, solo=False).approvals == 2


@given(
    st.floats(0.01, 100), st.floats(0.01, 100), st.sampled_from(["low", "medium", "high"]),
    st.floats(0, 3), st.floats(0, 3), st.booleans(),
)  # fmt: skip
def test_the_stricter_of_two_is_at_least_as_strict_as_either(
    current: float, proposed: float, risk: str, significant: float, critical: float, always: bool
) -> None:
    own = needs_of(
        current, proposed, risk=risk, solo=False,
        rules=ApprovalRules(significant_change=significant, critical_change=critical, critical=always),
    )  # fmt: skip
    usual = needs_of(current, proposed, risk=risk, rules=RULES, solo=False)
    joined = strictest(own, usual)
    assert joined.approvals == max(own.approvals, usual.approvals)
    assert joined.second_factor == (own.second_factor or usual.second_factor)
    assert set(own.why) | set(usual.why) == set(joined.why)


@given(st.floats(1e-6, 1e7))
def test_thresholds_agree_within_what_floats_lose(threshold: float) -> None:
    assert agree(threshold, float(f"{threshold:.12g}"))
    assert not agree(threshold, threshold * 1.000001)
    assert not agree(threshold, None)
