"""Recording labels: all or none, once, whoever sends them how often."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from serinus.domain.label_files import LABEL, Label
from serinus.domain.policy import LabelJoin
from serinus.domain.task import Task
from serinus.errors import DataRefused, EndpointNotFound, RequestTooLarge
from serinus.use_cases.record_labels import MOST_LABELS, RecordedLabels, Recording, record_labels
from serinus.use_cases.upload_labels import upload_labels
from tests.builders import FRAUD, NOON, Died, World, a_policy

LABELS = [Label(1, "a"), Label(False, "b", 2, time=datetime(2026, 3, 4, 13, tzinfo=timezone(timedelta(hours=1))))]


def record(world: World, labels: list[Label]) -> RecordedLabels:
    """Record labels."""
    return record_labels(FRAUD, labels, recording=Recording(world.policies, world.labels))


def files(world: World) -> dict[str, bytes]:
    """Return what is recorded."""
    return {key: world.data.get(key) for key in world.data.list("labels/")}


def test_labels_become_a_file_that_is_joined() -> None:
    """One line each; a time is in UTC."""
    world = World()
    assert record(world, LABELS) == RecordedLabels(FRAUD, labels=2, predictions=2, new=True)
    (body,) = files(world).values()
    assert body == (
        b'{"id": "a", "label": 1.0, "row": 0}\n'
        b'{"id": "b", "label": 0.0, "row": 2, "time": "2026-03-04T12:00:00+00:00"}\n'
    )
    read = world.labels.check("sent.jsonl", body)
    assert (read.labels, read.findings) == (2, ())


def test_the_same_labels_again_are_the_same_file() -> None:
    """Nothing is written, so that what was said in between keeps the last word."""
    world = World()
    record(world, LABELS)
    before = world.data.modified("labels/")
    world.later(60)
    assert record(world, LABELS) == RecordedLabels(FRAUD, labels=2, predictions=2, new=False)
    assert world.data.modified("labels/") == before


def test_dying_after_the_write_records_them_once() -> None:
    """The retry finds them there."""
    world = World()
    world.fate.die_after(1)
    with pytest.raises(Died):
        record(world, LABELS)
    assert not record(world, LABELS).new
    assert len(files(world)) == 1


def test_rows_may_have_ids_of_their_own() -> None:
    """Where the policy names the column; else the message says what to send."""
    world = World(replace(a_policy(), labels=LabelJoin("order")))
    record(world, [Label(1, row_id="order-17"), Label(0, "a")])
    (body,) = files(world).values()
    assert body.splitlines()[0] == b'{"label": 1.0, "order": "order-17"}'
    read = world.labels.check("sent.jsonl", body, id_column="order")
    assert (read.labels, read.findings) == (2, ())
    with pytest.raises(DataRefused, match=r"labels\.0\.row_id: .* send id and row"):
        record(World(), [Label(1, row_id="order-17")])


@pytest.mark.parametrize("value", [2, -1, 0.5, "1", "fraud"])
def test_one_wrong_label_and_none_is_recorded(value: float | str) -> None:
    """The message says which it is."""
    world = World()
    with pytest.raises(DataRefused, match=r"labels\.1\.label: it must be 0 or 1"):
        record(world, [Label(1, "a"), Label(value, "b")])
    assert files(world) == {}


def test_a_number_beyond_what_models_answer_is_none() -> None:
    """Its square would be infinite, and with it every error that it is part of."""
    world = World(replace(a_policy(), task=Task.REGRESSION))
    with pytest.raises(DataRefused, match=r"labels\.0\.label: it must be a number that FP32 holds"):
        record(world, [Label(-1e308, "a")])
    assert record(world, [Label(-1e38, "a")]).new


def test_there_is_a_limit_and_it_can_be_reached() -> None:
    """One more is refused as too many."""
    world = World()
    labels = [Label(1, f"r{number}") for number in range(MOST_LABELS + 1)]
    with pytest.raises(RequestTooLarge, match="10,001 labels, above 10,000"):
        record(world, labels)
    assert files(world) == {}
    assert record(world, labels[:-1]).labels == MOST_LABELS


def test_an_unknown_endpoint_has_no_labels() -> None:
    """Neither sent nor uploaded."""
    world = World()
    recording = Recording(world.policies, world.labels)
    with pytest.raises(EndpointNotFound):
        record_labels("nobody", LABELS, recording=recording)
    with pytest.raises(EndpointNotFound):
        upload_labels("nobody", "may.csv", b"id,label\na,1\n", recording=recording)
    assert files(world) == {}


def test_an_uploaded_file_is_checked_and_recorded_as_it_is() -> None:
    """A second time it is not new; a damaged one is not recorded at all."""
    world = World()
    recording = Recording(world.policies, world.labels)
    body = b"id,label\na,1\nb,0\n"
    first = upload_labels(FRAUD, "may.csv", body, recording=recording)
    again = upload_labels(FRAUD, "june.csv", body, recording=recording)
    assert (first.read.labels, first.new, again.new) == (2, True, False)
    with pytest.raises(DataRefused, match="row 1: the label must be 0 or 1"):
        upload_labels(FRAUD, "july.csv", b"id,label\na,?\n", recording=recording)
    assert list(files(world).values()) == [body]


def test_a_correction_counts_and_its_repetition_too() -> None:
    """Sent late, out of order and twice: the time of a label decides, or when it was first recorded."""
    world = World()
    world.published()
    world.serve(2, 1)
    request = f"{NOON.timestamp():.0f}-2-0"
    later = datetime(2026, 3, 4, 12, 5, tzinfo=UTC)
    world.later(600)
    record(world, [Label(1, f"id-{request}", time=later)])
    world.later(60)
    record(world, [Label(0, f"id-{request}", time=NOON)])  # an earlier word that comes late
    record(world, [Label(1, f"id-{request}", time=later)])
    joined = world.labels.join(FRAUD, [2], NOON, world.now)
    assert joined.by_release[2].columns[LABEL].tolist() == [1.0]
    assert (joined.read.labels, joined.read.corrected, joined.read.unmet) == (1, 1, 0)
