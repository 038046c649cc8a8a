"""People of a store: roles, passwords, sessions, second factors, and that each of it is in the audit log."""

from __future__ import annotations

import shutil
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest

from slaopt.apply.actor import Actor, ForbiddenError
from slaopt.apply.ledger import Ledger
from slaopt.apply.people import (
    CodeNeededError,
    add_user,
    check_code,
    confirm_enrollment,
    disable_user,
    enable_user,
    enroll,
    forget_terminal_session,
    is_solo,
    keep_terminal_session,
    log_in,
    log_out,
    passwords,
    remove_second_factor,
    sessions_file,
    set_password,
    set_role,
    set_solo,
    stored_about_people,
    terminal_session,
    token_digest,
    who,
)
from slaopt.apply.people.vouched import log_in_vouched
from slaopt.errors import InputError, RefusedError
from slaopt.params import Params, ParamsBook
from slaopt.store import make_store
from tests.store.builders import place

AT = datetime(2026, 11, 3, 14, 30, tzinfo=UTC)
PASSWORD = "correct horse battery"


DORA, ANN = Actor("dora", "admin", os_user="root"), Actor("ann", "analyst")


def opened(folder: Path) -> Ledger:
    return Ledger(store=make_store(place("sqlite", folder).address), book=ParamsBook(default=Params(), services={}))


@pytest.fixture(scope="module")
def peopled(tmp_path_factory):
    """A store with an admin and an analyst: hashes of passwords take a while, on purpose."""
    folder = tmp_path_factory.mktemp("people")
    ledger = opened(folder)
    add_user(ledger, "dora", role="admin", password=PASSWORD, actor=None, at=AT, os_user="root")
    add_user(ledger, "ann", role="analyst", password="ann likes long ones", actor=Actor("dora", "admin"), at=AT)
    return folder / "slaopt.db"


@pytest.fixture
def empty(tmp_path):
    return opened(tmp_path)


@pytest.fixture
def ledger(peopled, tmp_path):
    shutil.copyfile(peopled, tmp_path / "slaopt.db")
    return opened(tmp_path)


def entries(ledger):
    with ledger.store.reading() as transaction:
        return [(entry.action, entry.actor, dict(entry.details)) for entry in transaction.audit.entries()]


def user(ledger, name):
    with ledger.store.reading() as transaction:
        return transaction.people.find(name)


def second_factor_of(ledger, actor, *, at=AT):
    uri = enroll(actor.name)
    totp = pyotp.parse_uri(uri)
    confirm_enrollment(ledger, actor.name, uri, totp.at(at), actor=actor, at=at)
    return totp


def test_the_first_user_is_an_admin_and_needs_nobody_logged_in(empty):
    with pytest.raises(RefusedError, match="first user must be an admin"):
        add_user(empty, "ann", role="analyst", password=PASSWORD, actor=None, at=AT)
    with pytest.raises(InputError, match="needs a password"):
        add_user(empty, "dora", role="admin", password=None, actor=None, at=AT)
    assert entries(empty) == []
    added = add_user(empty, "dora", role="admin", password=PASSWORD, actor=None, at=AT, os_user="root")
    assert (added.role, added.has_password, added.is_active) == ("admin", True, True)
    assert entries(empty) == [("add user", "dora", {"user": "dora", "role": "admin", "os_user": "root"})]
    with pytest.raises(ForbiddenError, match="log in as an admin"):
        add_user(empty, "eve", role="admin", password=PASSWORD, actor=None, at=AT)


@pytest.mark.parametrize("role", ["viewer", "analyst", "approver"])
def test_only_admins_decide_about_people(ledger, role):
    add_user(ledger, "tom", role=role, password=None, actor=DORA, at=AT)
    tom = Actor("tom", role)
    told = f"is an? {role}: to administer takes an admin"
    with pytest.raises(ForbiddenError, match=told):
        add_user(ledger, "eve", role="viewer", password=None, actor=tom, at=AT)
    with pytest.raises(ForbiddenError, match=told):
        set_role(ledger, "tom", "admin", actor=tom, at=AT)
    with pytest.raises(ForbiddenError, match=told):
        disable_user(ledger, "dora", actor=tom, at=AT)
    with pytest.raises(ForbiddenError, match=told):
        enable_user(ledger, "tom", actor=tom, at=AT)
    with pytest.raises(ForbiddenError, match=told):
        set_password(ledger, "dora", PASSWORD, actor=tom, at=AT)
    with pytest.raises(ForbiddenError, match=told):
        set_solo(ledger, True, actor=tom, os_user="root", at=AT)
    assert [action for action, _, _ in entries(ledger)] == 3 * ["add user"]


def test_a_role_is_what_the_store_says_now_not_what_the_session_began_with(ledger):
    add_user(ledger, "eve", role="admin", password=None, actor=DORA, at=AT)
    set_role(ledger, "dora", "viewer", actor=Actor("eve", "admin"), at=AT)
    with pytest.raises(ForbiddenError, match="dora is a viewer"):
        add_user(ledger, "mallory", role="admin", password=None, actor=DORA, at=AT)


def test_the_last_active_admin_stays(ledger):
    for undo in (
        lambda: disable_user(ledger, "dora", actor=DORA, at=AT),
        lambda: set_role(ledger, "DORA", "approver", actor=DORA, at=AT),
    ):
        with pytest.raises(RefusedError, match="dora is the last active admin"):
            undo()
    add_user(ledger, "eve", role="admin", password=None, actor=DORA, at=AT)
    assert disable_user(ledger, "eve", actor=DORA, at=AT).is_active is False
    with pytest.raises(RefusedError, match="last active admin"):
        disable_user(ledger, "dora", actor=DORA, at=AT)


def test_what_changes_nothing_is_not_noted(ledger):
    before = entries(ledger)
    set_role(ledger, "ann", "analyst", actor=DORA, at=AT)
    enable_user(ledger, "ann", actor=DORA, at=AT)
    assert entries(ledger) == before


def test_a_session_is_whose_token_one_has_until_it_ends(ledger):
    session = log_in(ledger, "ANN", "ann likes long ones", kind="terminal", at=AT, os_user="root")
    assert (session.user.name, session.expires_at) == ("ann", AT + timedelta(hours=12))
    assert who(ledger.store, session.token, at=AT + timedelta(hours=11, minutes=59)) == session.user
    assert who(ledger.store, session.token, at=session.expires_at) is None
    assert who(ledger.store, session.token + "x", at=AT) is None
    assert session.token not in str(session.to_dict()) + repr(session)
    log_out(ledger, session.token, at=AT)
    log_out(ledger, session.token, at=AT)
    assert who(ledger.store, session.token, at=AT) is None
    assert [(action, actor) for action, actor, _ in entries(ledger)[-2:]] == [("log in", "ann"), ("log out", "ann")]


def test_the_store_never_holds_a_token_or_a_password(ledger, tmp_path):
    token = log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT).token
    held = b"".join(path.read_bytes() for path in tmp_path.glob("slaopt.db*"))
    assert token.encode() not in held
    assert b"ann likes long ones" not in held
    assert token_digest(token).encode() in held
    assert b"$argon2id$" in held


def test_disabling_ends_sessions_and_keeps_the_name(ledger):
    token = log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT).token
    disable_user(ledger, "ann", actor=DORA, at=AT)
    assert who(ledger.store, token, at=AT) is None
    with pytest.raises(RefusedError, match="is wrong"):
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)
    enable_user(ledger, "ann", actor=DORA, at=AT)
    assert who(ledger.store, token, at=AT) is None
    assert log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT).user.is_active


def test_another_password_ends_sessions(ledger):
    token = log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT).token
    set_password(ledger, "ann", "another one, longer", actor=ANN, at=AT)
    assert who(ledger.store, token, at=AT) is None
    with pytest.raises(RefusedError):
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)
    set_password(ledger, "ann", "and one from an admin", actor=DORA, at=AT)
    assert log_in(ledger, "ann", "and one from an admin", kind="web", at=AT)
    assert [actor for action, actor, _ in entries(ledger) if action == "set password"] == ["ann", "dora"]


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven char", "12 to 1000 characters, this one 11"),
        ("x" * 1001, "this one 1001"),
        ("Zoë-the-First", "user's name"),
    ],
)
def test_unfit_passwords_are_refused(ledger, password, why):
    with pytest.raises(InputError, match=why):
        add_user(ledger, "zoe\u0308-the-first", role="viewer", password=password, actor=DORA, at=AT)


def test_a_password_is_the_same_however_its_accents_are_typed(ledger):
    set_password(ledger, "dora", "crème brûlée!", actor=DORA, at=AT)
    assert log_in(ledger, "dora", "cre\u0300me bru\u0302le\u0301e!", kind="web", at=AT).user.name == "dora"


@pytest.mark.parametrize("given", ["\ud800", "\x00", "", " ", "x" * 100_000, "'; DROP TABLE sla_users; --"])
def test_odd_names_passwords_and_codes_are_only_wrong(ledger, given):
    for name, password, code in (("dora", given, None), (given, PASSWORD, None), (given, given, given)):
        with pytest.raises(RefusedError, match="is wrong"):
            log_in(ledger, name, password, kind="web", at=AT, code=code)


def test_a_password_that_is_changed_while_it_is_checked_opens_nothing(ledger, monkeypatch):
    def slow(kept, password):
        with ledger.store.begin() as transaction:
            transaction.people.set_password("ann", passwords.hashed("another long password", name="ann"))
        return True

    monkeypatch.setattr("slaopt.apply.people.logins.matches", slow)
    with pytest.raises(RefusedError, match="is wrong"):
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)


def test_sessions_that_have_expired_are_forgotten_at_the_next_login(ledger, tmp_path):
    for at in (AT, AT + timedelta(hours=13)):
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=at)
    assert len(place("sqlite", tmp_path).rows("SELECT 1 FROM sla_sessions")) == 1


def test_all_refused_logins_look_alike(ledger):
    add_user(ledger, "hub", role="viewer", password=None, actor=DORA, at=AT)
    disable_user(ledger, "ann", actor=DORA, at=AT)
    told = set()
    for name, password in (("dora", "wrong"), ("nobody", PASSWORD), ("ann", "ann likes long ones"), ("hub", "")):
        with pytest.raises(RefusedError) as refused:
            log_in(ledger, name, password, kind="web", at=AT)
        told.add((type(refused.value), str(refused.value)))
    assert len(told) == 1
    refusals = [actor for action, actor, _ in entries(ledger) if action == "refuse login"]
    assert refusals == ["dora", "unknown", "ann", "hub"]  # a name that is no user's may be a password


def test_an_unknown_name_costs_as_much_as_a_known_one(ledger, monkeypatch):
    """As many hashes are computed, of the same cost; how long each takes is the machine's affair."""
    verified = []
    hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", lambda: verified.append(hasher()) or verified[-1])
    for name in ("dora", "nobody"):
        verified.clear()
        with pytest.raises(RefusedError):
            log_in(ledger, name, "wrong", kind="web", at=AT)
        assert len(verified) == 1
    assert not hasher().check_needs_rehash(passwords.NOBODY)


def test_five_failures_lock_a_name_for_a_quarter_of_an_hour(ledger):
    for _ in range(5):
        with pytest.raises(RefusedError, match="after 5 failures in a row a name is locked for 15 minutes"):
            log_in(ledger, "ann", "wrong", kind="web", at=AT)
    for minutes in (0, 14):
        with pytest.raises(RefusedError):
            log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT + timedelta(minutes=minutes))
    assert log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT + timedelta(minutes=15))
    assert [action for action, _, _ in entries(ledger)].count("lock") == 1


def test_a_success_forgets_failures_and_an_admin_unlocks(ledger):
    for attempts in (4, 4):
        for _ in range(attempts):
            with pytest.raises(RefusedError):
                log_in(ledger, "ann", "wrong", kind="web", at=AT)
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)
    for _ in range(5):
        with pytest.raises(RefusedError):
            log_in(ledger, "ann", "wrong", kind="web", at=AT)
    assert user(ledger, "ann").locked_until == AT + timedelta(minutes=15)
    enable_user(ledger, "ann", actor=DORA, at=AT)
    assert log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)


def test_attempts_at_once_are_counted_one_by_one(ledger):
    """Twelve wrong passwords at once, and then the right one: the name is locked."""

    def attempt():
        with pytest.raises(RefusedError):
            log_in(ledger, "ann", "wrong", kind="web", at=AT)

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.raises(RefusedError):
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)
    actions = [action for action, _, _ in entries(ledger)]
    assert (actions.count("refuse login"), actions.count("lock"), actions.count("log in")) == (13, 1, 0)


def test_a_second_factor_is_asked_for_and_taken_once(ledger):
    totp = second_factor_of(ledger, ANN)
    assert user(ledger, "ann").has_second_factor
    with pytest.raises(CodeNeededError, match="has a second factor"):
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)
    with pytest.raises(RefusedError, match="is wrong"):
        log_in(ledger, "ann", "wrong", kind="web", at=AT, code=totp.at(AT))
    with pytest.raises(RefusedError, match="is wrong"):  # it showed that the app has the secret, and is used up
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT, code=totp.at(AT))
    later = AT + timedelta(seconds=30)
    spaced = f"{totp.at(later)[:3]} {totp.at(later)[3:]}"
    assert log_in(ledger, "ann", "ann likes long ones", kind="web", at=later, code=spaced)
    with pytest.raises(RefusedError, match="is wrong"):
        log_in(ledger, "ann", "ann likes long ones", kind="web", at=later, code=totp.at(later))


def test_a_missing_code_is_no_failed_attempt(ledger):
    totp = second_factor_of(ledger, ANN)
    for _ in range(6):
        with pytest.raises(CodeNeededError):
            log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)
    later = AT + timedelta(minutes=1)
    assert log_in(ledger, "ann", "ann likes long ones", kind="web", at=later, code=totp.at(later))


@pytest.mark.parametrize(("seconds", "right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_clocks_may_differ_by_half_a_minute(ledger, seconds, right):
    totp = second_factor_of(ledger, ANN)
    at = AT + timedelta(minutes=10)
    with ledger.store.begin() as transaction:
        assert check_code(transaction, "ann", totp.at(at + timedelta(seconds=seconds)), at=at) is right


def test_an_older_code_is_not_right_after_a_newer_one(ledger):
    totp = second_factor_of(ledger, ANN)
    at = AT + timedelta(minutes=10)
    with ledger.store.begin() as transaction:
        assert check_code(transaction, "ann", totp.at(at), at=at)
        assert not check_code(transaction, "ann", totp.at(at - timedelta(seconds=30)), at=at)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\x00", "6" * 10_000])
def test_what_is_no_code_is_wrong_and_counts(ledger, code):
    totp = second_factor_of(ledger, ANN)
    at = AT + timedelta(minutes=10)
    with ledger.store.begin() as transaction:
        for _ in range(5):
            assert check_code(transaction, "ann", code, at=at) is False
        assert check_code(transaction, "ann", totp.at(at), at=at) is False, "the name is locked by now"


def test_a_user_without_second_factor_has_no_right_code(ledger):
    with ledger.store.begin() as transaction:
        assert check_code(transaction, "ann", "000000", at=AT) is False
        assert check_code(transaction, "nobody", "000000", at=AT) is False


def test_a_second_factor_is_set_by_its_user_alone(ledger):
    uri = enroll("ann")
    totp = pyotp.parse_uri(uri)
    assert (totp.name, totp.issuer, len(totp.secret)) == ("ann", "slaopt", 32)
    with pytest.raises(RefusedError, match="by its user alone"):
        confirm_enrollment(ledger, "ann", uri, totp.at(AT), actor=DORA, at=AT)
    wrong = str((int(totp.at(AT)) + 1) % 1_000_000).zfill(6)
    with pytest.raises(RefusedError, match="check the clock"):
        confirm_enrollment(ledger, "ann", uri, wrong, actor=ANN, at=AT + timedelta(days=1))
    assert not user(ledger, "ann").has_second_factor
    confirm_enrollment(ledger, "ann", uri, totp.at(AT), actor=ANN, at=AT)
    with pytest.raises(RefusedError, match="has a second factor already"):
        second_factor_of(ledger, ANN)


@pytest.mark.parametrize(
    "uri",
    ["", "https://example.org", "otpauth://totp/ann?secret=AAAA", "otpauth://hotp/ann?secret=" + "A" * 32, "\x00"],
)
def test_only_addresses_that_slaopt_gives_are_taken(ledger, uri):
    with pytest.raises(InputError, match="no address of a second factor"):
        confirm_enrollment(ledger, "ann", uri, "000000", actor=ANN, at=AT)


def test_ones_own_second_factor_goes_with_a_code_and_anothers_by_an_admin(ledger):
    totp = second_factor_of(ledger, ANN)
    at = AT + timedelta(minutes=1)
    with pytest.raises(CodeNeededError):
        remove_second_factor(ledger, "ann", actor=ANN, at=at)
    with pytest.raises(RefusedError, match="wrong or was used"):
        remove_second_factor(ledger, "ann", actor=ANN, at=at, code=totp.at(AT))
    assert not remove_second_factor(ledger, "ann", actor=ANN, at=at, code=totp.at(at)).has_second_factor
    second_factor_of(ledger, ANN, at=AT + timedelta(minutes=2))
    assert not remove_second_factor(ledger, "ann", actor=DORA, at=at).has_second_factor
    with pytest.raises(ForbiddenError):
        remove_second_factor(ledger, "dora", actor=ANN, at=at)
    assert [(actor, details["on"]) for action, actor, details in entries(ledger) if action == "set second factor"] == [
        ("ann", True),
        ("ann", False),
        ("ann", True),
        ("dora", False),
    ]


def test_a_name_that_looks_the_same_is_not_the_same_user(ledger, tmp_path):
    twin = "ｄｏｒａ"  # noqa: RUF001  # of full width; `add` takes none that is there already
    with pytest.raises(InputError, match="there is a user dora already"):
        add_user(ledger, twin, role="viewer", password=None, actor=DORA, at=AT)
    add_user(ledger, "twin", role="viewer", password=None, actor=DORA, at=AT)
    place("sqlite", tmp_path).run(f"UPDATE sla_users SET name = '{twin}' WHERE name = 'twin'")
    actor = Actor(twin, "viewer")
    with pytest.raises(ForbiddenError, match="takes an admin"):
        set_password(ledger, "dora", PASSWORD, actor=actor, at=AT)
    uri = enroll("dora")
    with pytest.raises(RefusedError, match="by its user alone"):
        confirm_enrollment(ledger, "dora", uri, pyotp.parse_uri(uri).at(AT), actor=actor, at=AT)
    with pytest.raises(ForbiddenError, match="takes an admin"):
        remove_second_factor(ledger, "dora", actor=actor, at=AT)


def test_wrong_codes_for_taking_a_second_factor_away_are_in_the_audit_log(ledger):
    second_factor_of(ledger, ANN)
    for _ in range(5):
        with pytest.raises(RefusedError, match="wrong or was used"):
            remove_second_factor(ledger, "ann", actor=ANN, at=AT, code="x")
    actions = [action for action, actor, _ in entries(ledger) if actor == "ann"]
    assert actions == ["set second factor", *["refuse code"] * 5, "lock"]


@pytest.mark.parametrize(("name", "known"), [("ANN", True), ("\u017fam", False), ("Strasse", False), ("nobody", False)])
def test_another_system_vouches_for_the_name_that_it_says_and_no_other(ledger, name, known):
    for one in ("sam", "straße"):
        add_user(ledger, one, role="approver", password=None, actor=DORA, at=AT)
    if known:
        assert log_in_vouched(ledger, name, voucher="JupyterHub", at=AT).user.name == "ann"
    else:
        with pytest.raises(ForbiddenError, match="no active user here"):
            log_in_vouched(ledger, name, voucher="JupyterHub", at=AT)


def test_solo_mode_is_for_one_alone_and_every_entry_says_so(empty):
    assert set_solo(empty, True, actor=None, os_user="lone", at=AT)
    assert not set_solo(empty, True, actor=None, os_user="lone", at=AT)
    with empty.store.reading() as transaction:
        assert is_solo(transaction)
    lone = Actor("lone", "admin", os_user="lone", solo=True)
    add_user(empty, "ann", role="analyst", password=None, actor=lone, at=AT)
    assert all(details["solo"] and details["os_user"] == "lone" for _, _, details in entries(empty))
    with pytest.raises(RefusedError, match="no admin could log in afterwards"):
        set_solo(empty, False, actor=lone, os_user="lone", at=AT)
    add_user(empty, "dora", role="admin", password=PASSWORD, actor=lone, at=AT)
    assert set_solo(empty, False, actor=lone, os_user="lone", at=AT)
    with pytest.raises(ForbiddenError, match="not in solo mode"):
        add_user(empty, "eve", role="admin", password=None, actor=lone, at=AT)


def test_users_lose_four_eyes_to_nobody(ledger):
    with pytest.raises(ForbiddenError, match="the store has users: log in as an admin first"):
        set_solo(ledger, True, actor=None, os_user="root", at=AT)
    assert set_solo(ledger, True, actor=DORA, os_user="root", at=AT)


def test_sessions_of_the_terminal_are_readable_by_their_owner_alone(ledger, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    session = log_in(ledger, "ann", "ann likes long ones", kind="terminal", at=AT)
    assert terminal_session(ledger.store.label) is None
    keep_terminal_session(ledger.store.label, session)
    keep_terminal_session("postgresql://sla@db/ops", session)
    assert terminal_session(ledger.store.label) == session.token
    assert stat.S_IMODE(sessions_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(sessions_file().parent.stat().st_mode) == 0o700
    forget_terminal_session(ledger.store.label)
    assert terminal_session(ledger.store.label) is None
    assert terminal_session("postgresql://sla@db/ops") == session.token
    assert [path.name for path in sessions_file().parent.iterdir()] == ["sessions.json"]


def test_a_file_store_has_one_session_whatever_folder_one_is_in(ledger, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    keep_terminal_session(ledger.store.label, log_in(ledger, "ann", "ann likes long ones", kind="terminal", at=AT))
    monkeypatch.chdir(tmp_path)
    assert terminal_session("sqlite:///slaopt.db") is not None
    monkeypatch.chdir("/")
    assert terminal_session("sqlite:///slaopt.db") is None


@pytest.mark.parametrize("content", ["", "[]", "{", "\xff"])
def test_a_broken_file_of_sessions_is_named(tmp_path, monkeypatch, content):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    sessions_file().parent.mkdir()
    sessions_file().write_text(content, encoding="latin-1")
    with pytest.raises(InputError, match=r"sessions\.json: holds no sessions of slaopt"):
        terminal_session("sqlite:////x")


def test_what_is_stored_about_people_is_listed_and_nothing_else_is(ledger):
    """Every table with a name of an actor is on the list, and every row of it is counted."""
    log_in(ledger, "ann", "ann likes long ones", kind="web", at=AT)
    told = {place.place: place.rows for place in stored_about_people(ledger.store)}
    assert (told["sla_users"], told["sla_sessions"], told["sla_audit_log"]) == (2, 1, len(entries(ledger)))
    with ledger.store.reading() as transaction:
        counts = transaction.row_counts()
    without = set(counts) - set(told)
    assert without == {
        "sla_answers", "sla_experiment_looks", "sla_ml_model_performance", "sla_performance_analysis", "sla_runs",
        "sla_settings", "sla_threshold_impact_predictions",
    }  # fmt: skip


def test_switched_off_one_can_log_in_to_look_and_nothing_else(ledger):
    off = Ledger(store=ledger.store, book=ParamsBook(default=Params(enabled=False), services={}))
    session = log_in(off, "ann", "ann likes long ones", kind="web", at=AT)
    with pytest.raises(RefusedError, match="switched off"):
        set_password(off, "ann", "another one, longer", actor=ANN, at=AT)
    log_out(off, session.token, at=AT)
    assert [action for action, _, _ in entries(ledger)][-2:] == ["log in", "log out"]
