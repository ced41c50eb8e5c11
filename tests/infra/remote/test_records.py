"""Records are written once, are read strictly, and add up."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from infra.errors import RecordUnreadable
from infra.remote.names import remote_name
from infra.remote.provider import Handle
from infra.remote.records import Asker, Closed, Intent, Opened, RemoteRecords
from infra.remote.spending import spending
from tests.rented import SigningStore

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def intent(*, at: datetime = NOON, most: str | None = "1.00") -> Intent:
    flow_run = uuid.uuid4()
    return Intent(
        name=str(remote_name("akash", flow_run, 0)),
        kind="akash",
        flow_run_id=flow_run,
        batch=f"batches/{'0' * 64}/0/",
        deadline=at + timedelta(hours=2),
        most_usd=Decimal(most) if most else None,
        worker="worker one",
        at=at,
        asked_by=uuid.uuid4(),
    )


@pytest.fixture
def records(store: SigningStore) -> RemoteRecords:
    return RemoteRecords(store)


def test_a_record_is_read_as_it_was_written(records: RemoteRecords) -> None:
    asked = intent()
    opened, closed = (
        Opened(id="77", at=NOON),
        Closed(cause="done", sentence="x", cost_usd=Decimal("0.1"), at=NOON),
    )
    assert records.intend(asked)
    records.open(Handle(asked.name, "77"), opened)
    records.close(asked.name, closed)
    found = records.find(asked.name)
    assert found is not None
    assert (found.intent, found.opened, found.closed) == (asked, opened, closed)
    assert found.handle == Handle(asked.name, "77")


def test_a_record_from_before_askers_were_written_is_read(
    records: RemoteRecords, store: SigningStore
) -> None:
    asked = intent()
    members = json.loads(asked.model_dump_json())
    del members["asked_by"]
    store.create(f"remote/{asked.name}/intent.json", json.dumps(members).encode())
    found = records.find(asked.name)
    assert found is not None
    assert found.intent == asked.model_copy(update={"asked_by": None})


@pytest.mark.parametrize("asker", [uuid.uuid4(), "command", None])
def test_who_asked_is_read_as_it_was_written(asker: Asker | None, records: RemoteRecords) -> None:
    asked = intent().model_copy(update={"asked_by": asker})
    records.intend(asked)
    found = records.find(asked.name)
    assert found is not None
    assert found.intent.asked_by == asker


def test_a_name_is_claimed_once(records: RemoteRecords) -> None:
    asked = intent()
    assert records.intend(asked)
    assert not records.intend(asked.model_copy(update={"worker": "worker two"}))


def test_the_first_end_and_the_first_id_stay(records: RemoteRecords) -> None:
    asked = intent()
    records.intend(asked)
    for number in (1, 2):
        records.open(Handle(asked.name, str(number)), Opened(id=str(number), at=NOON))
        records.close(asked.name, Closed(cause="done", sentence=str(number), at=NOON))
    found = records.find(asked.name)
    assert found is not None
    assert found.opened is not None
    assert found.closed is not None
    assert (found.opened.id, found.closed.sentence) == ("1", "1")


def test_a_job_without_an_end_is_open_and_a_lease_alone_is_no_job(
    records: RemoteRecords, store: SigningStore
) -> None:
    open_one, closed_one = intent(), intent()
    for asked in (open_one, closed_one):
        records.intend(asked)
    records.close(closed_one.name, Closed(cause="lost", sentence="", at=NOON))
    store.swap(records.watch_key(intent().name), b"{}", expected=None)
    store.create("remote/readme.txt", b"not a job")
    assert [str(name) for name in records.open_names()] == [open_one.name]
    assert len(list(records.all_jobs())) == 2


def test_a_record_that_was_altered_is_an_error(records: RemoteRecords, store: SigningStore) -> None:
    name = intent().name
    store.create(f"remote/{name}/intent.json", b'{"format": 1, "name": "x"}')
    with pytest.raises(RecordUnreadable, match="is not the record it was"):
        records.find(name)


def test_what_cannot_be_read_is_told_after_all_others_and_only_where_it_belongs(
    records: RemoteRecords, store: SigningStore
) -> None:
    good, bad, lost = intent(), intent(), intent()
    for asked in (good, lost):
        records.intend(asked)
        records.open(Handle(asked.name, "1"), Opened(id="1", at=NOON))
    store.create(f"remote/{bad.name}/intent.json", b"")
    store.delete(f"remote/{lost.name}/intent.json")
    found: list[str] = []
    with pytest.raises(RecordUnreadable) as unreadable:
        found.extend(record.intent.name for record in records.all_jobs())
    assert found == [good.name]
    assert all(f"remote/{asked.name}/intent.json" in str(unreadable.value) for asked in (bad, lost))
    assert f"delete all under 'remote/{bad.name}/'" in str(unreadable.value)
    assert list(records.all_jobs("kaggle")) == []
    assert [record.intent for record in records.jobs_of(good.flow_run_id)] == [good]
    assert {str(name) for name in records.open_names()} == {good.name, bad.name, lost.name}


def test_a_name_of_others_is_never_recorded(records: RemoteRecords) -> None:
    with pytest.raises(ValueError, match="no name of a job of ours"):
        records.close("../champions", Closed(cause="lost", sentence="", at=NOON))


def test_a_month_costs_what_closed_jobs_cost_and_open_ones_may_cost(records: RemoteRecords) -> None:
    quota, earlier = intent(most=None), intent(at=NOON - timedelta(days=40))
    finished, running, untold, unopened = intent(), intent(most="1.50"), intent(most="0.75"), intent()
    for asked in (quota, earlier, finished, running, untold, unopened):
        records.intend(asked)
    for asked, cost in ((finished, Decimal("0.25")), (untold, None)):
        records.open(Handle(asked.name, "1"), Opened(id="1", at=NOON))
        records.close(asked.name, Closed(cause="done", sentence="", cost_usd=cost, at=NOON))
    records.close(unopened.name, Closed(cause="capacity", sentence="", at=NOON))
    month = spending(records.all_jobs(), "akash", month=NOON)
    # 0.25 told; the most that it could where nothing was told; nothing where no machine was opened
    assert (month.spent_usd, month.committed_usd) == (Decimal("1.00"), Decimal("1.50"))
    assert spending(records.all_jobs(), "kaggle", month=NOON).total_usd == 0
    assert spending(records.all_jobs(), "akash", month=NOON, but_for=running.name).committed_usd == 0
