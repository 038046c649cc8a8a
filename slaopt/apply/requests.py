"""What a call on a proposal answers, and calls that come twice: with the same key a thing is done once."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from slaopt.apply.actor import Actor
from slaopt.errors import InputError, RefusedError
from slaopt.result import Result, plain

if TYPE_CHECKING:
    from slaopt.store import Transaction
    from slaopt.store.records import ChangeRecord, Proposal

__all__ = ["Call", "Outcome", "digest_of", "written"]

LONGEST_KEY, LONGEST_TEXT = 200, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Result):
    """What became of a call: the proposal as it is now, the change that was made, and a sentence for people."""

    proposal: Proposal | None
    change: ChangeRecord | None = None
    repeated: bool = False  # it was done before, and not again
    sentence: str


@dataclass(frozen=True, slots=True)
class Call:
    """What somebody asks for, under a key of their own choice (None: none), so that it can be asked again safely."""

    action: str
    actor: Actor
    key: str | None
    body: Mapping[str, Any]  # all that decides over what is done, so no one-time code

    def answered(self, transaction: Transaction) -> Outcome | None:
        """Give the answer that the same call had before; None where it is new.

        Raises
        ------
        RefusedError
            If something else was asked for under that key.
        InputError
            If the key is blank or too long.
        """
        if self.key is None:
            return None
        written(self.key, "request key", longest=LONGEST_KEY)
        found = transaction.requests.find(self._key_digest)
        if found is None:
            return None
        if found.action != self.action or found.body_digest != self._body_digest:
            raise RefusedError("something else was asked for under this request key before: use a new key")
        answer = found.answer
        number, change = answer["proposal"], answer["change"]
        return Outcome(
            proposal=None if number is None else transaction.proposals.get(number),
            change=None if change is None else transaction.changes.get(change),
            repeated=True,
            sentence=answer["sentence"],
        )

    def keep(self, transaction: Transaction, outcome: Outcome, *, at: datetime) -> Outcome:
        """Keep the answer with what was done, in the same transaction, and give it."""
        if self.key is not None:
            answer = {
                "proposal": None if outcome.proposal is None else outcome.proposal.id,
                "change": None if outcome.change is None else outcome.change.change_id,
                "sentence": outcome.sentence,
            }
            transaction.requests.put(self._key_digest, self.action, self._body_digest, answer, at)
        return outcome

    @property
    def _key_digest(self) -> str:
        return hashlib.sha256(f"{self.actor.name}\0{self.key}".encode()).hexdigest()

    @property
    def _body_digest(self) -> str:
        return digest_of(self.body)


def digest_of(body: Mapping[str, Any]) -> str:
    """Give the SHA-256 of all that is asked for, written in one form."""
    text = json.dumps(plain(body), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def written(text: str, what: str, *, longest: int = LONGEST_TEXT) -> str:
    """Give a text that people wrote, without blanks around it.

    Raises
    ------
    InputError
        If nothing is left, it is too long, or holds what no database keeps.

    >>> written(" too many pages ", "reason")
    'too many pages'
    """
    told = text.strip()
    if not told or len(told) > longest:
        raise InputError(f"the {what} must have 1 to {longest:,} characters")
    if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\r\t" for sign in told):
        raise InputError(f"the {what} holds control characters: leave them out")
    return told
