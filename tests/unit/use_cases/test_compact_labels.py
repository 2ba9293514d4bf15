"""Compacting labels: however files are folded, by whom and while who reads, the label counts that counted before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from serinus.adapters.joins.database import Bounds
from serinus.adapters.joins.label_table import LabelTable
from serinus.adapters.memory.objects import MemoryObjects
from serinus.adapters.schemas.payloads import CompactionDue
from serinus.adapters.stored.labels import StoredLabels
from serinus.adapters.stored.records import StoredRecords
from serinus.domain.label_files import LABEL, Conflict, FoldedLabels, LabelsRead
from serinus.domain.profile import minute_of
from serinus.domain.task import Task
from serinus.errors import DataRefused, EndpointNotFound
from serinus.use_cases.compact_labels import CompactingLabels, compact_labels
from tests.builders import FRAUD, Died, World, acting, die
from tests.contract.builders import some_rows

EVENTS = Path(__file__).parents[3] / "events" / "compact_labels"
EVENING = datetime(2026, 3, 4, 22, tzinfo=UTC)
FAR = EVENING + timedelta(days=30)
IDS = "abcd"

Said = tuple[str, int, int | None]
"""An id, a label, and minutes after the evening began."""

SAID = some.lists(
    some.tuples(some.sampled_from(IDS), some.integers(0, 1), some.none() | some.integers(-30, 300)),
    min_size=1,
    max_size=4,
)


class InterruptedObjects(MemoryObjects):
    """Objects with a clock to set; before any call of one process, others come to act, as the plan says of it."""

    def __init__(self) -> None:
        super().__init__(lambda: self.now)
        self.now = EVENING
        self.calls = 0
        self.writes = 0
        self.plan: dict[int, Callable[[], None]] = {}
        self.dies_after_write: int | None = None

    def _passed(self) -> None:
        self.calls += 1
        self.plan.pop(self.calls, lambda: None)()

    def _written(self) -> None:
        self.writes += 1
        if self.writes == self.dies_after_write:
            raise Died

    def get(self, key: str) -> bytes:
        """Return the object."""
        self._passed()
        return super().get(key)

    def put(self, key: str, body: bytes) -> None:
        """Write the object."""
        self._passed()
        super().put(key, body)
        self._written()

    def create(self, key: str, body: bytes) -> None:
        """Write the object where there is none."""
        self._passed()
        super().create(key, body)
        self._written()

    def delete(self, key: str) -> None:
        """Remove the object."""
        self._passed()
        super().delete(key)
        self._written()

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix."""
        self._passed()
        return super().list(prefix)

    def modified(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """Return every key with that prefix and when it was written."""
        self._passed()
        return super().modified(prefix)


class Truth:
    """Labels of the requests a to d, all asked as the evening began, that are told at several times."""

    def __init__(self, objects: InterruptedObjects) -> None:
        self.objects = objects
        self.labels = StoredLabels(objects, Bounds(memory_mb=64, threads=1), at_once=1)
        rows = some_rows(*((name, 0, 0, 0.5) for name in IDS))
        rows.columns["_at"][:] = EVENING.timestamp()
        StoredRecords(objects).put(FRAUD, 2, minute_of(EVENING), "part", rows)

    def send(self, said: Sequence[Said], minute: int) -> bool:
        """Record labels at a minute of the evening; return whether they are new."""
        self.objects.now = EVENING + timedelta(minutes=minute)
        return self.labels.record(FRAUD, "sent.jsonl", body(said))

    def fold(self, before: datetime = FAR, **asked: object) -> FoldedLabels:
        """Fold what was written before an instant."""
        return self.labels.fold(FRAUD, before, **asked)  # type: ignore[arg-type]  # named by the test

    def counted(self, before: datetime | None = None) -> tuple[Mapping[str, float], LabelsRead]:
        """Return which label counts of each request, of files written before an instant."""
        end = EVENING + timedelta(minutes=1)
        joined = self.labels.join(FRAUD, [2], EVENING, end, columns=("_request",), before=before)
        columns = joined.by_release[2].columns
        pairs = zip(columns["_request"].tolist(), columns[LABEL].tolist(), strict=True)
        return {name: label for name, label in pairs if label == label}, joined.read

    def files(self) -> Sequence[str]:
        """Return what a join would read."""
        return [*self.objects.list(f"labels/{FRAUD}/"), *self.objects.list(f"label-days/{FRAUD}/")]


def body(said: Sequence[Said]) -> bytes:
    """Return a JSON Lines file."""
    lines = [
        {"id": name, "label": float(label)}
        | ({} if minute is None else {"time": (EVENING + timedelta(minutes=minute)).isoformat()})
        for name, label, minute in said
    ]
    return "".join(f"{json.dumps(line)}\n" for line in lines).encode()


def truth() -> Truth:
    """Return labels that nobody has sent yet."""
    return Truth(InterruptedObjects())


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are fetched in turn, so that it is told which call comes between which."""
    monkeypatch.setattr("serinus.adapters.stored.minutes._AT_ONCE", 1)


FILES = some.lists(some.tuples(some.integers(0, 240), SAID), min_size=1, max_size=7)


@settings(deadline=None, max_examples=25)
@given(FILES, some.lists(some.integers(0, 300), max_size=3), some.integers(0, 300) | some.none())
def test_the_same_labels_count_folded_or_not(
    files: list[tuple[int, list[Said]]], folds: list[int], before: int | None
) -> None:
    """Whenever it was folded, across midnight, and for whoever asks what counted at an earlier instant."""
    plain, compacted = truth(), truth()
    for minute, said in files:
        plain.send(said, minute)
        compacted.send(said, minute)
    for minute in folds:
        compacted.fold(EVENING + timedelta(minutes=minute))
    compacted.fold()
    assert compacted.objects.list(f"labels/{FRAUD}/") == []
    cut = FAR if before is None else EVENING + timedelta(minutes=before)
    assert compacted.counted(cut)[0] == plain.counted(cut)[0]
    assert compacted.counted() == plain.counted()
    assert compacted.labels.last_arrival(FRAUD, before=cut) == plain.labels.last_arrival(FRAUD, before=cut)


def test_many_files_become_one_a_day() -> None:
    """And stay so, until more comes; what a run has done is done once."""
    told = truth()
    for minute in range(60, 180):
        assert told.send([("a", minute % 2, None), (f"other {minute}", 1, None)], minute)
    before = told.counted()
    assert told.fold() == FoldedLabels(files=120, days=2)
    assert told.files() == [
        f"label-days/{FRAUD}/2026-03-04/000001.parquet",
        f"label-days/{FRAUD}/2026-03-05/000001.parquet",
    ]
    assert told.counted() == before
    assert told.fold() == FoldedLabels(0, 0)
    told.send([("b", 1, None)], 181)
    assert told.counted()[0] == {"a": 1.0, "b": 1.0}
    assert told.fold() == FoldedLabels(1, 1)
    assert told.files()[1].endswith("/2026-03-05/000002.parquet")
    assert told.counted()[0] == {"a": 1.0, "b": 1.0}


def test_a_file_is_not_folded_while_it_may_still_be_written() -> None:
    """Or sent again by a caller who waits for an answer."""
    world = World()
    compacting = CompactingLabels(world.policies, world.labels, world.clock)
    world.labels.record(FRAUD, "sent.jsonl", body([("a", 1, None)]))
    world.later(15 * 60)
    assert compact_labels(FRAUD, compacting=compacting) == FoldedLabels(0, 0)
    world.later(1)
    assert compact_labels(FRAUD, compacting=compacting) == FoldedLabels(1, 1)


def test_a_run_that_dies_after_any_write_loses_nothing_and_counts_nothing_twice() -> None:
    """What is left over is read once, and cleared away by the next run, which ends where the first would have."""
    number, lived = 0, False
    while not lived:
        number += 1
        told = truth()
        told.send([("a", 1, None)], 1)
        told.fold()
        told.send([("a", 0, -5), ("b", 1, None)], 2)
        told.send([("a", 1, 3), ("c", 0, None)], 4)
        told.send([("d", 0, None)], 150)
        before = told.counted()
        told.objects.dies_after_write = told.objects.writes + number
        try:
            told.fold()
            lived = True
        except Died:
            pass
        assert told.counted() == before, number
        told.fold()
        assert told.counted() == before, number
        assert told.files() == [
            f"label-days/{FRAUD}/2026-03-04/000002.parquet",
            f"label-days/{FRAUD}/2026-03-05/000001.parquet",
        ]
        assert not told.send([("d", 0, None)], 151)
    assert number == 2 + 2 * 3 + 1 + 1  # two days' files, three names and removals, an older generation; then none


class Stream:
    """Callers who label one request each, once or again, and readers who know who has been labelled."""

    def __init__(self) -> None:
        self.told = truth()
        self.sent: set[int] = set()

    def send(self, number: int) -> None:
        """Label a request; some of them after midnight."""
        self.told.send([(f"r{number}", 1, None)], 30 * number)
        self.sent.add(number)

    def check(self) -> None:
        """Every label that was there before is read once, none that was not there afterwards."""
        before = len(self.sent)
        read = self.told.counted()[1]
        assert before <= read.labels <= len(self.sent)
        assert read.rows == read.labels == read.files
        assert read.corrected == 0


ACTIONS = some.lists(
    some.tuples(
        some.sampled_from([1, 2, 3, 5, 8, 20]),
        some.sampled_from(["fold", "send", "again", "read", "die"]),
        some.integers(0, 7),
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(some.sets(some.integers(0, 7), min_size=1, max_size=5), ACTIONS)
def test_whoever_comes_between_whichever_calls_every_label_is_read_once(
    first: set[int], actions: list[tuple[int, str, int]]
) -> None:
    """Folders, readers, late labels, repetitions and deaths, between any two calls of any of them."""
    stream = Stream()
    objects = stream.told.objects
    for number in sorted(first):
        stream.send(number)
    call = objects.calls
    for gap, name, number in actions:
        call += gap
        does = {
            "fold": acting(stream.told.fold),
            "send": acting(partial(stream.send, number)),
            "again": acting(partial(stream.send, min(first))),
            "read": acting(stream.check),
            "die": die,
        }
        objects.plan[call] = does[name]
    for _ in range(2):
        acting(stream.told.fold)()
        acting(stream.check)()
    objects.plan.clear()
    stream.check()
    stream.told.fold()
    stream.told.fold()
    assert objects.list(f"labels/{FRAUD}/") == []
    stream.check()


def test_labels_that_were_folded_are_no_news() -> None:
    """Sent again they change nothing, though their file is gone: what came in between keeps the last word."""
    told = truth()
    assert told.send([("a", 1, None)], 1)
    told.send([("a", 0, None)], 2)
    told.fold()
    assert not told.send([("a", 1, None)], 200)
    assert told.counted()[0] == {"a": 0.0}


def test_a_repetition_that_slipped_in_is_cleared_away() -> None:
    """Recorded by who had looked before the name was written down, and wrote after the file was gone."""
    told = truth()
    told.send([("a", 1, None)], 1)
    (key,) = told.objects.list(f"labels/{FRAUD}/")
    repeated = told.objects.get(key)
    told.send([("a", 0, None)], 2)
    told.fold()
    told.objects.now = EVENING + timedelta(days=1)
    told.objects.put(key, repeated)
    assert told.fold() == FoldedLabels(0, 0)
    assert told.counted()[0] == {"a": 0.0}
    assert told.objects.list(f"labels/{FRAUD}/") == []


def test_of_two_folders_at_one_generation_the_later_leaves_off() -> None:
    """What the earlier has folded besides is not overwritten."""
    told = truth()
    told.send([("a", 1, None)], 1)

    def others() -> None:
        told.send([("b", 1, None)], 2)
        told.fold()

    told.objects.plan[told.objects.calls + 4] = others  # after listing files and generations and looking for its name
    told.fold()
    assert told.counted()[0] == {"a": 1.0, "b": 1.0}


def test_what_people_put_there_stays_theirs() -> None:
    """To be replaced or taken away, under names of their own; so does what does not hold what its name says."""
    told = truth()
    told.objects.put(f"labels/{FRAUD}/may.csv", b"id,label\na,1\n")
    told.objects.put(f"labels/{FRAUD}/{'5e' * 32}.csv", b"id,label\nb,1\n")
    kept = told.files()
    assert told.fold() == FoldedLabels(0, 0)
    assert told.files() == kept
    told.objects.put(f"labels/{FRAUD}/may.csv", b"id,label\na,0\n")
    assert told.counted()[0] == {"a": 0.0, "b": 1.0}


def test_what_counts_not_at_all_stays_and_is_told() -> None:
    """Somebody may still mend it, or the policy."""
    told = truth()
    told.labels.record(FRAUD, "sent.csv", b"order,label\n17,1\n")
    told.send([("a", 1, None)], 2)
    assert told.fold() == FoldedLabels(1, 1)
    (refused,) = told.counted()[1].refused
    assert "has no column 'id'" in refused.reason
    assert told.fold(id_column="order") == FoldedLabels(1, 1)


@pytest.mark.parametrize("limit", ["_LARGE", "_FULL"])
def test_a_day_that_is_large_grows_no_further(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is large already is read as it came, by whoever reads."""
    told = truth()
    told.send([("a", 1, None)], 1)
    told.fold()
    told.send([("a", 0, None)], 2)
    monkeypatch.setattr(f"serinus.adapters.stored.label_folding.{limit}", 8)
    assert told.fold() == FoldedLabels(0, 0)
    assert told.counted()[0] == {"a": 0.0}
    assert len(told.files()) == 2


def test_a_day_grows_no_further_within_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog of a hundred thousand files is stopped at the same size as a day that came hour by hour."""
    monkeypatch.setattr("serinus.adapters.stored.label_folding._FULL", 8)
    monkeypatch.setattr("serinus.adapters.stored.label_folding._AT_A_TIME", 2)
    told = truth()
    for minute in range(5):
        told.send([("a", minute % 2, minute)], minute)
    assert told.fold() == FoldedLabels(files=2, days=1)
    assert told.counted()[0] == {"a": 0.0}
    assert len(told.files()) == 3 + 1


@pytest.mark.parametrize(("limit", "size"), [("_AT_A_TIME", 2), ("_BYTES_AT_A_TIME", 150)])
def test_a_run_does_many_files_a_few_at_a_time(limit: str, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done is kept, though it should not live to the end; and large files are not all held at once."""
    monkeypatch.setattr(f"serinus.adapters.stored.label_folding.{limit}", size)
    told = truth()
    for minute in range(5):
        told.send([("a", 1, minute)], minute)
    assert told.fold() == FoldedLabels(files=5, days=1)
    assert told.files() == [f"label-days/{FRAUD}/2026-03-04/000003.parquet"]


def test_a_contradiction_is_told_folded_or_not() -> None:
    """With its file's name and rows, as when it came."""
    told = truth()
    told.send([("a", 1, None), ("b", 1, None), ("a", 0, None)], 1)
    (key,) = told.objects.list(f"labels/{FRAUD}/")
    told.fold()
    counted, read = told.counted()
    assert (counted, read.conflicts) == ({"a": 0.0, "b": 1.0}, (Conflict(key, 1, (3,)),))


def test_labels_that_the_policy_reads_otherwise_now_do_not_count_and_are_told() -> None:
    """Of rows by another column, or of another task; they are kept, and count where the policy is as it was."""
    told = truth()
    told.labels.record(FRAUD, "sent.csv", b"order,id,label\n17,,1\n,a,1\n")
    told.fold(id_column="order")
    counted, read = told.counted()
    assert counted == {"a": 1.0}
    assert "holds 1 labels that came when the policy's task or labels.id_column was another" in read.findings[0]
    told.labels.record(FRAUD, "sent.csv", b"id,label\nb,a boat\n")
    told.fold(task=Task.MULTICLASS)
    assert told.counted()[0] == {"a": 1.0}
    end = EVENING + timedelta(minutes=1)
    named = told.labels.join(FRAUD, [2], EVENING, end, task=Task.MULTICLASS, id_column="order")
    assert named.by_release[2].columns[LABEL].tolist() == ["1", "a boat", None, None]
    assert named.read.labels == 3


def test_a_label_of_another_task_takes_the_word_from_none_that_counts() -> None:
    """Folded with one of a task that was, a label counts under the task that is; and back, when the task is back."""
    told = truth()
    told.objects.now = EVENING + timedelta(minutes=40)
    told.labels.record(FRAUD, "sent.csv", b"id,label,time\na,a boat,2026-03-04T22:30:00Z\n")
    told.fold(EVENING + timedelta(minutes=45), task=Task.MULTICLASS)
    told.send([("a", 1, 20)], 50)
    told.fold(EVENING + timedelta(minutes=55))
    assert told.counted()[0] == {"a": 1.0}
    told.send([("b", 1, None)], 60)
    told.fold(task=Task.MULTICLASS)
    assert told.counted()[0] == {"a": 1.0, "b": 1.0}
    named = told.labels.join(FRAUD, [2], EVENING, EVENING + timedelta(minutes=1), task=Task.MULTICLASS)
    assert named.by_release[2].columns[LABEL].tolist() == ["a boat", "1", None, None]


def test_a_join_reads_what_may_matter_to_its_window_alone() -> None:
    """A label that came a day before the window is of no prediction in it; a row's own id may be known before."""
    told = truth()
    for day in range(10, 0, -1):
        told.send([("a", 1, None), (f"earlier {day}", 1, None)], -day * 1_440)
    told.fold(EVENING - timedelta(days=5))
    told.send([("a", 0, None)], 5)
    assert told.counted()[1].files == 2  # of the evening and of the evening before
    end = EVENING + timedelta(minutes=1)
    assert told.labels.join(FRAUD, [2], EVENING, end, id_column="order").read.files == 11


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole.replace(b'"ahead":', b'"later":'),
        lambda whole: whole.replace(b"serinus.files", b"another.files"),
        lambda whole: b"PAR1" + bytes(len(whole) - 4),
    ],
)
def test_a_day_that_cannot_be_read_is_told_and_holds_up_no_other(change: Callable[[bytes], bytes]) -> None:
    """Nothing is told of labels without those that it holds, and nothing of it is taken away."""
    told = truth()
    told.send([("a", 1, None)], 1)
    told.fold()
    (day,) = told.objects.list(f"label-days/{FRAUD}/")
    whole = told.objects.get(day)
    told.send([("b", 0, None)], 2)
    told.send([("c", 0, None)], 180)
    told.objects.put(day, change(whole))
    for act in (told.counted, told.fold, lambda: told.labels.last_arrival(FRAUD, before=EVENING)):
        with pytest.raises(DataRefused, match=rf"{day} is damaged, or of a format that this version does not read"):
            act()
    assert len(told.objects.list(f"labels/{FRAUD}/")) == 1
    told.objects.put(day, whole)
    assert told.counted()[0] == {"a": 1.0, "b": 0.0, "c": 0.0}
    assert told.fold() == FoldedLabels(files=1, days=1)


def test_what_else_lies_among_the_days_is_left_alone() -> None:
    """A console makes an object of a folder."""
    told = truth()
    told.objects.put(f"label-days/{FRAUD}/2026-03-04/", b"")
    told.send([("a", 1, None)], 1)
    assert told.fold() == FoldedLabels(files=1, days=1)
    assert told.counted()[0] == {"a": 1.0}


def test_few_days_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may be as large as memory allows: the next are fetched when the database has these."""
    monkeypatch.setattr("serinus.adapters.stored.minutes._AT_ONCE", 16)
    told = truth()
    for day in range(8):
        told.send([("a", day % 2, None), (f"other {day}", 1, None)], day * 1_440)
    told.fold()
    days = told.objects.list(f"label-days/{FRAUD}/")
    fetched, held = list[str](), list[int]()
    get, add_day = told.objects.get, LabelTable.add_day

    def getting(key: str) -> bytes:
        fetched.append(key)
        return get(key)

    def adding(table: LabelTable, name: str, body: bytes, *, before: datetime | None = None) -> None:
        held.append(len(fetched) - days.index(name))
        add_day(table, name, body, before=before)

    monkeypatch.setattr(told.objects, "get", getting)
    monkeypatch.setattr(LabelTable, "add_day", adding)
    assert told.counted()[0] == {"a": 1.0}
    assert len(held) == len(days) == 8
    assert max(held) <= 3


def test_an_endpoint_that_is_not_deployed_is_an_error() -> None:
    """Its schedule should have gone with it."""
    world = World()
    with pytest.raises(EndpointNotFound):
        compact_labels("nowhere", compacting=CompactingLabels(world.policies, world.labels, world.clock))


@pytest.mark.parametrize("event", sorted(EVENTS.glob("*.json")), ids=lambda path: path.stem)
def test_every_sample_event_names_the_endpoint(event: Path) -> None:
    """As the schedule sends it."""
    assert CompactionDue.model_validate(json.loads(event.read_text())).endpoint == FRAUD
