"""Proposals that come to nothing: rejected, or withdrawn."""

from __future__ import annotations

import pytest

from slaopt.apply import (
    ForbiddenError,
    TransitionError,
    approve,
    reject,
    withdraw,
)
from slaopt.errors import InputError
from tests.apply.builders import (
    ANN,
    AT,
    BOB,
    CID,
    DORA,
    TWO_ARE_NEEDED,
    Grounds,
    refused,
)


def test_a_rejected_proposal_stays_rejected(ground: Grounds) -> None:
    filed = ground.proposed()
    with pytest.raises(InputError, match="reason"):
        reject(ground.ledger, filed.id, actor=BOB, at=AT, reason="  ")
    with pytest.raises(ForbiddenError, match="takes an approver"):
        reject(ground.ledger, filed.id, actor=ANN, at=AT, reason="no")
    outcome = reject(ground.ledger, filed.id, actor=BOB, at=AT, reason="too loose")
    assert outcome.proposal is not None
    assert outcome.proposal.state == "rejected"
    assert ground.place.rows("SELECT approver, decision, comment FROM sla_approvals") == [
        ("bob", "rejected", "too loose")
    ]
    assert reject(ground.ledger, filed.id, actor=CID, at=AT, reason="me too").repeated
    refused(ground, TransitionError, "rejected cannot be approved", actor=CID)


def test_who_has_approved_may_think_again(ground: Grounds) -> None:
    two = ground.with_rules(TWO_ARE_NEEDED)
    filed = two.proposed()
    approve(two.ledger, filed.id, actor=BOB, at=AT)
    reject(two.ledger, filed.id, actor=BOB, at=AT, reason="on second thoughts")
    refused(two, TransitionError, "rejected", actor=CID)


def test_a_proposal_is_withdrawn_by_the_one_who_proposed_or_an_admin(ground: Grounds) -> None:
    filed = ground.proposed()
    for actor in (BOB, CID):
        with pytest.raises(ForbiddenError, match="who alone or an admin"):
            withdraw(ground.ledger, filed.id, actor=actor, at=AT)
    assert withdraw(ground.ledger, filed.id, actor=DORA, at=AT).proposal.state == "withdrawn"  # type: ignore[union-attr]
    assert withdraw(ground.ledger, filed.id, actor=ANN, at=AT).repeated
    refused(ground, TransitionError, "withdrawn")
