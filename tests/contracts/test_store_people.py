"""Users and sessions of the store, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slaopt.errors import InputError
from slaopt.store import RESERVED, Store
from tests.store.builders import AT

HOUR = timedelta(hours=1)


def test_a_user_is_one_however_the_name_is_written(store: Store) -> None:
    with store.begin() as transaction:
        added = transaction.people.add("José Straße", role="approver", at=AT)
        assert (added.name, added.role, added.is_active) == ("José Straße", "approver", True)
        assert (added.has_password, added.has_second_factor, added.locked_until) == (False, False, None)
        for same in ("José Straße", "jose\u0301 STRASSE", "JOSÉ STRASSE"):
            assert transaction.people.find(same) == added
            with pytest.raises(InputError, match="there is a user José Straße already"):
                transaction.people.add(same, role="viewer", at=AT)
        assert transaction.people.find("Jose Straße") is None
        transaction.people.add("ann", role="admin", at=AT)
        assert [user.name for user in transaction.people.all()] == ["ann", "José Straße"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ann",
        "ann ",
        "an\nn",
        "an\x00n",
        "an\u200bn",
        "an\u202en",
        "an\u3164n",
        "ann\ufe0f",
        "an\u2800n",
        "a\u2028b",
        "x" * 101,
        "\ud800",
    ],
)
def test_what_is_no_name_is_refused(store: Store, name: str) -> None:
    with store.begin() as transaction, pytest.raises(InputError, match="cannot be a user's name: give 1 to 100"):
        transaction.people.add(name, role="viewer", at=AT)


@pytest.mark.parametrize("name", [*sorted(RESERVED), "Outside SLAOPT", "AUTO", "\uff41uto"])
def test_names_under_which_slaopt_acts_are_nobodys(store: Store, name: str) -> None:
    with store.begin() as transaction, pytest.raises(InputError, match="slaopt itself acts under it"):
        transaction.people.add(name, role="viewer", at=AT)


@pytest.mark.parametrize("name", ["x" * 100, "'; DROP TABLE sla_users; --", "ann+bob@example.org", "안나", "%_\\"])
def test_other_names_are_only_text(store: Store, name: str) -> None:
    with store.begin() as transaction:
        transaction.people.add(name, role="viewer", at=AT)
    with store.reading() as transaction:
        assert [user.name for user in transaction.people.all()] == [name]


def test_admins_who_can_act_are_counted(store: Store) -> None:
    with store.begin() as transaction:
        people = transaction.people
        for name, role in [("ann", "admin"), ("bob", "admin"), ("cid", "viewer")]:
            people.add(name, role=role, at=AT)
        assert people.count_active_admins() == 2
        assert people.set_active("BOB", False).is_active is False
        assert people.count_active_admins() == 1
        assert people.set_role("cid", "admin").role == "admin"
        assert people.set_active("bob", True).is_active
        assert people.count_active_admins() == 3


def test_secrets_stay_in_the_store(store: Store) -> None:
    with store.begin() as transaction:
        people = transaction.people
        people.add("ann", role="admin", at=AT)
        assert (people.password_hash("ann"), people.second_factor("ann")) == (None, None)
        user = people.set_password("Ann", "$argon2id$secret")
        assert people.set_second_factor("ann", "JBSWY3DP").has_second_factor
        assert (people.password_hash("ANN"), people.second_factor("ann")) == ("$argon2id$secret", "JBSWY3DP")
        found = people.find("ann")
        assert user.has_password
        assert "argon2id" not in repr(found)
        assert "JBSWY3DP" not in str(found.to_dict())
        assert not people.set_second_factor("ann", None).has_second_factor
        assert not people.set_password("ann", None).has_password
        assert (people.password_hash("nobody"), people.second_factor("nobody")) == (None, None)


def test_a_step_of_the_second_factor_serves_once(store: Store) -> None:
    with store.begin() as transaction:
        people = transaction.people
        people.add("ann", role="admin", at=AT)
        people.add("bob", role="admin", at=AT)
        assert [people.use_step("ann", step) for step in (10, 10, 9, 11, 11)] == [True, False, False, True, False]
        assert people.use_step("bob", 5)
        people.set_second_factor("ann", "ANOTHER")
        assert not people.use_step("ann", 11)


def test_failures_lock_for_a_while_and_then_count_anew(store: Store) -> None:
    with store.begin() as transaction:
        people = transaction.people
        people.add("ann", role="viewer", at=AT)

        def fail(at: timedelta) -> timedelta | None:
            until = people.note_failure("ann", at=AT + at, limit=3, lock=HOUR).locked_until
            return None if until is None else until - AT

        minute = timedelta(minutes=1)
        assert [fail(minute), fail(minute)] == [None, None]
        assert people.note_success("ann").locked_until is None
        assert [fail(minute), fail(minute), fail(2 * minute)] == [None, None, 2 * minute + HOUR]
        assert fail(30 * minute) == 2 * minute + HOUR  # nobody can prolong the lock of another
        assert [fail(2 * HOUR), fail(2 * HOUR), fail(2 * HOUR)] == [None, None, 3 * HOUR]
        assert people.note_success("ann").locked_until is None


def test_whoever_is_not_there_is_told(store: Store) -> None:
    with store.begin() as transaction:
        people = transaction.people
        for call in (
            lambda: people.set_role("x", "admin"),
            lambda: people.set_password("x", None),
            lambda: people.use_step("x", 1),
            lambda: people.note_failure("x", at=AT, limit=3, lock=HOUR),
            lambda: people.begin_session("x", token_digest="d", kind="web", expires_at=AT, at=AT),
            lambda: people.end_sessions("x"),
        ):
            with pytest.raises(InputError, match="there is no user x; slaopt users list names them"):
                call()


def test_a_session_holds_until_it_ends(store: Store) -> None:
    with store.begin() as transaction:
        people = transaction.people
        people.add("ann", role="viewer", at=AT)
        people.add("bob", role="viewer", at=AT)
        for digest, name, kind in [("a", "Ann", "web"), ("b", "ann", "terminal"), ("c", "bob", "web")]:
            people.begin_session(name, token_digest=digest, kind=kind, expires_at=AT + HOUR, at=AT)

    def who(digest: str, later: timedelta = timedelta(0)) -> str | None:
        with store.reading() as transaction:
            user = transaction.people.session(digest, at=AT + later)
            return None if user is None else user.name

    assert [who("a"), who("b"), who("c"), who("d")] == ["ann", "ann", "bob", None]
    assert (who("a", HOUR - timedelta(seconds=1)), who("a", HOUR)) == ("ann", None)
    with store.begin() as transaction:
        transaction.people.set_active("bob", False)
        transaction.people.end_session("a")
    assert [who("a"), who("b"), who("c")] == [None, "ann", None]
    with store.begin() as transaction:
        transaction.people.set_active("bob", True)
        transaction.people.end_sessions("ANN")
    assert [who("b"), who("c")] == [None, "bob"]


def test_expired_sessions_are_forgotten(store: Store, made) -> None:
    with store.begin() as transaction:
        transaction.people.add("ann", role="viewer", at=AT)
        for number in range(3):
            until = AT + number * HOUR
            transaction.people.begin_session("ann", token_digest=str(number), kind="web", expires_at=until, at=AT)
        transaction.people.end_expired(AT + HOUR)
    assert made.rows("SELECT token_digest FROM sla_sessions") == [("2",)]
    with pytest.raises(InputError), store.begin() as transaction:
        transaction.people.begin_session("ann", token_digest="2", kind="web", expires_at=AT + HOUR, at=AT)
