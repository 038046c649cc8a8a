"""What admins decide about services, and that it is in the audit log with both values."""

from __future__ import annotations

import pytest

from slaopt.apply import Actor, ForbiddenError
from slaopt.apply.ledger import Ledger
from slaopt.apply.services import add_service, configure, switch
from slaopt.errors import InputError
from slaopt.store import first_record
from tests.apply.builders import AT, BOB, DORA, NOW, SERVICE, Grounds

SOMEBODY = Actor("somebody", None, os_user="somebody")


def noted(ground: Grounds) -> list[dict[str, object]]:
    with ground.store.reading() as transaction:
        return [dict(entry.details) for entry in transaction.audit.entries()]


def test_what_is_set_is_noted_with_what_was(either):
    configure(either.ledger, SERVICE, actor=DORA, at=AT, auto_adjust=True, min_threshold=0.25)
    set_to = configure(either.ledger, SERVICE, actor=DORA, at=AT, min_threshold=None, max_threshold=2.0)
    assert (set_to.auto_adjust, set_to.min_threshold, set_to.max_threshold) == (True, None, 2.0)
    assert noted(either) == [
        {"now": {"auto_adjust": True, "min_threshold": 0.25}, "before": {"auto_adjust": False, "min_threshold": None}},
        {
            "now": {"min_threshold": None, "max_threshold": 2.0},
            "before": {"min_threshold": 0.25, "max_threshold": None},
        },
    ]


def test_what_is_so_already_is_not_noted(ground):
    configure(ground.ledger, SERVICE, actor=DORA, at=AT, auto_adjust=False)
    switch(ground.ledger, [SERVICE], enabled=True, actor=DORA, at=AT)
    assert noted(ground) == []


def test_services_are_switched_together_or_not_at_all(ground):
    with pytest.raises(InputError, match="nowhere is not in the store"):
        switch(ground.ledger, [SERVICE, "nowhere"], enabled=False, actor=DORA, at=AT)
    with ground.store.reading() as transaction:
        assert transaction.services()[SERVICE].optimization_enabled
    assert noted(ground) == []


def test_bounds_that_contradict_each_other_are_refused(either):
    configure(either.ledger, SERVICE, actor=DORA, at=AT, min_threshold=1.0)
    with pytest.raises(InputError):
        configure(either.ledger, SERVICE, actor=DORA, at=AT, max_threshold=0.5)
    assert len(noted(either)) == 1


def test_once_there_are_users_it_takes_an_admin(ground):
    record = first_record("new", threshold=1.0, objective=0.99)
    for actor, why in ((BOB, "takes an admin"), (SOMEBODY, "the store has users")):
        with pytest.raises(ForbiddenError, match=why):
            add_service(ground.ledger, record, actor=actor, at=AT)
        with pytest.raises(ForbiddenError, match=why):
            configure(ground.ledger, SERVICE, actor=actor, at=AT, auto_adjust=True)
        with pytest.raises(ForbiddenError, match=why):
            switch(ground.ledger, [SERVICE], enabled=False, actor=actor, at=AT)
    assert ground.threshold() == NOW
    assert add_service(ground.ledger, record, actor=DORA, at=AT).threshold == 1.0


def test_until_there_are_users_anyone_sets_up(empty: Ledger):
    record = first_record("new", threshold=1.0, objective=0.99)
    add_service(empty, record, actor=SOMEBODY, at=AT)
    assert configure(empty, "new", actor=SOMEBODY, at=AT, auto_adjust=True).auto_adjust
    with empty.store.reading() as transaction:
        entries = [(entry.action, entry.actor, entry.details["os_user"]) for entry in transaction.audit.entries()]
    assert entries == [("add service", "somebody", "somebody"), ("configure", "somebody", "somebody")]


@pytest.fixture
def empty(tmp_path):
    from slaopt.apply.opening import ledger_around
    from slaopt.params import Params, ParamsBook
    from slaopt.store import default_store, make_store

    ledger = ledger_around(make_store(default_store(tmp_path)), ParamsBook(default=Params(), services={}), None)
    assert (ledger.heads, ledger.reports) == (None, None)
    return ledger
