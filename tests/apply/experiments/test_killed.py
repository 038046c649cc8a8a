"""Killed on the way, or many at once: a test is started once and each look is made once, wholly or not at all."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGKILL

import pytest

from slaopt.apply import approve, verify_audit
from slaopt.experiment.simulating import simulate
from slaopt.store import open_store
from tests.apply.builders import AT, BOB, NOW, SERVICE, Grounds
from tests.apply.crashing import Crashing, Job
from tests.apply.experiments.builders import BEGIN, DAYS, looked_at, planned

AT_ONCE = 6
STEPS = 7  # of those that an act takes, each so manieth is one at which it is killed


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crashing]:
    started = Crashing(tmp_path_factory.mktemp("killed"))
    yield started
    started.stop()


@pytest.fixture
def job(ground: Grounds) -> Job:
    """The approval that starts a test which was proposed."""
    filed = planned(ground)
    assert filed.proposal is not None
    with ground.store.begin() as transaction:
        for number in range(AT_ONCE):
            transaction.people.add(f"p{number}", role="approver", at=AT)
    return Job(
        ground.place.address, str(ground.ledger.reports), str(ground.ledger.heads), "approve", filed.proposal.id
    )  # fmt: skip


@pytest.fixture
def harm(ground: Grounds, job: Job, tmp_path: Path) -> Job:
    """The look at a running test that finds harm."""
    approve(ground.ledger, job.what, actor=BOB, at=AT)
    with ground.store.reading() as transaction:
        (record,) = transaction.experiments.running()
    rows = simulate(
        seed=1, units=40, per_unit=300, days=DAYS, start=BEGIN, threshold=NOW, control_rate=0.05, test_rate=0.3,
        salt=record.salt,
    )  # fmt: skip
    path = tmp_path / "measured.csv"
    rows.drop(columns="arm").assign(service=SERVICE).to_csv(path, index=False)
    return replace(job, act="look", what=[str(path), "tenant", looked_at(1).isoformat()])


def copies(ground: Grounds, job: Job, folder: Path, dies: range) -> Iterator[tuple[Job, Grounds]]:
    """The same store as often as an act is to be killed."""
    kept = Path(job.address.removeprefix("sqlite:///"))
    for die in dies:
        path = folder / f"{die}.db"
        shutil.copy(kept, path)
        address, heads = f"sqlite:///{path}", folder / f"{die}.jsonl"
        place = replace(ground.place, address=address)
        ledger = replace(ground.ledger, store=open_store(address), heads=heads)
        yield replace(job, address=address, heads=str(heads), die=die), Grounds(ledger, place)


def statuses(ground: Grounds) -> tuple[str, str, bool, int]:
    """Of the test and of its proposal, whether units of the test arm may have its threshold, and the looks made."""
    with ground.store.reading() as transaction:
        (record,) = transaction.experiments.list()
        assert record.proposal_id is not None
        proposal = transaction.proposals.get(record.proposal_id)
        assert proposal is not None
        looks = transaction.experiments.looks(record)
        return record.status, proposal.state, bool(transaction.running_experiments(SERVICE)), len(looks)


@pytest.mark.parametrize(
    ("act", "before", "after"),
    [
        ("approve", ("planning", "proposed", False, 0), ("running", "committed", True, 0)),
        ("look", ("running", "committed", True, 0), ("stopped", "rolled_back", False, 1)),
    ],
)
def test_killed_anywhere_all_of_a_step_is_there_or_nothing(
    ground: Grounds, processes: Crashing, tmp_path: Path, request: pytest.FixtureRequest, act: str,
    before: tuple[str, str, bool, int], after: tuple[str, str, bool, int],
) -> None:  # fmt: skip
    wanted: Job = request.getfixturevalue({"approve": "job", "look": "harm"}[act])
    whole = tmp_path / "whole"
    whole.mkdir()
    ((undisturbed, there),) = copies(ground, wanted, whole, range(1))
    done = processes.run(undisturbed)
    assert done.signal == 0
    assert statuses(there) == after
    seen = set()
    for killed, at in copies(ground, wanted, tmp_path, range(done.points, 0, -max(done.points // STEPS, 1))):
        assert processes.run(killed).signal == SIGKILL
        seen.add(statuses(at))
        assert statuses(at) in (before, after)
        again = processes.run(replace(killed, die=None))
        assert again.signal == 0
        assert statuses(at) == after
        assert verify_audit(at.ledger).status == "intact"
    assert seen == {before, after}


def test_many_approvals_at_once_start_one_test(ground: Grounds, processes: Crashing, job: Job) -> None:
    begin = time.time() + 0.5
    started = [processes.start(replace(job, actor=f"p{number}", begin=begin)) for number in range(AT_ONCE)]
    done = [processes.wait(pid) for pid in started]
    assert [one.signal for one in done] == [0] * AT_ONCE
    assert sorted(one.answer[0] for one in done) == [False] + [True] * (AT_ONCE - 1)
    assert statuses(ground) == ("running", "committed", True, 0)
    assert [action for _, action in ground.actions()].count("start experiment") == 1


def test_passes_at_once_make_one_look_and_one_stop(ground: Grounds, processes: Crashing, harm: Job) -> None:
    begin = time.time() + 0.5
    started = [processes.start(replace(harm, begin=begin)) for _ in range(3)]
    done = [processes.wait(pid) for pid in started]
    assert [one.signal for one in done] == [0, 0, 0]
    assert [state for one in done for state in one.answer] == ["stopped"]
    assert statuses(ground) == ("stopped", "rolled_back", False, 1)
    assert [action for _, action in ground.actions()].count("stop experiment") == 1
