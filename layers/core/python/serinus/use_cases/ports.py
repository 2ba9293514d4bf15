"""What the use cases need of the world, as Protocols. `wiring.py` alone chooses who provides it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from serinus.domain.batch import Batch, PartSummary
from serinus.domain.composition import Composition, Deployment
from serinus.domain.data_scan import DataScan, Questions
from serinus.domain.figures import Figures
from serinus.domain.footprint import Footprint
from serinus.domain.label_files import FoldedLabels, Joined, LabelsRead
from serinus.domain.layout import Layout
from serinus.domain.ledger import LedgerEntry
from serinus.domain.model_version import Manifest, ModelVersion, Upload
from serinus.domain.policy import EndpointName, Policy
from serinus.domain.profile import Profile, ProfilePart
from serinus.domain.quality import ScoreTable
from serinus.domain.rollout import Decision, Release, Rollout, Split
from serinus.domain.rollout_plan import HardAlarm
from serinus.domain.row_batch import ANYTHING, Expected, RowBatch
from serinus.domain.signature import Signature
from serinus.domain.snapshot import Snapshot
from serinus.domain.table import Table
from serinus.domain.task import BINARY_TARGET, Target, Task
from serinus.domain.token import Token

Clock = Callable[[], datetime]
ReadManifest = Callable[[bytes], Manifest]
WriteManifest = Callable[[Manifest], bytes]


@dataclass(frozen=True)
class Document:
    """A stored JSON text and the revision that a replacement must name."""

    body: str
    revision: int


class Documents(Protocol):
    """Small mutable JSON documents with compare-and-set; DynamoDB on AWS. Keys sort within a partition."""

    def get(self, partition: str, key: str) -> Document | None:
        """Return the document, or `None`. Reads are consistent."""

    def put_all(self, partition: str, changes: Sequence[Change]) -> None:
        """Make all changes or none.

        Raises:
            AlreadyExists: a change with revision `None` found a document there.
            RevisionChanged: a document is no longer at the revision that its change names.
        """

    def list(self, partition: str, prefix: str) -> Sequence[tuple[str, Document]]:
        """Return (key, document) of every key with that prefix, in the order of keys."""


@dataclass(frozen=True)
class Change:
    """A write: `revision` is what is replaced, `None` where nothing may be there; `body` is `None` to delete."""

    key: str
    body: str | None
    revision: int | None


class Objects(Protocol):
    """Immutable blobs by key; an S3 bucket on AWS."""

    def get(self, key: str) -> bytes:
        """Return the object.

        Raises:
            ObjectNotFound: there is none.
            SourceFailed: the store does not answer.
        """

    def put(self, key: str, body: bytes) -> None:
        """Write the object; writing the same again is harmless."""

    def create(self, key: str, body: bytes) -> None:
        """Write the object where there is none.

        Raises:
            AlreadyExists: there is one.
        """

    def delete(self, key: str) -> None:
        """Remove the object; removing none is harmless."""

    def size(self, key: str) -> int:
        """Return its length in bytes.

        Raises:
            ObjectNotFound: there is none.
        """

    def list(self, prefix: str) -> Sequence[str]:
        """Return every key with that prefix, sorted.

        Raises:
            SourceFailed: the store does not answer.
        """

    def modified(self, prefix: str) -> Sequence[tuple[str, datetime]]:
        """Return every key with that prefix and when it was last written, oldest first; ties are in order of keys."""


class Policies(Protocol):
    """The policies of the deployed endpoints."""

    def get(self, endpoint: str) -> Policy:
        """Return the endpoint's policy as it is now.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """

    def names(self) -> Sequence[EndpointName]:
        """Return the deployed endpoints, sorted."""


class Deployments(Protocol):
    """What the endpoints' stacks have deployed of what serves."""

    def current(self, endpoint: str) -> Deployment:
        """Return the latest deploy.

        Raises:
            EndpointNotFound: no such endpoint is deployed.
        """


class Executions(Protocol):
    """Executions of the rollout state machine."""

    def start(self, name: str, payload: Mapping[str, object]) -> str | None:
        """Start one, and return its id; the same again is the same one for as long as it runs.

        Returns:
            `None`, and nothing is started, where one of that name has ended, or was started with something else.
        """


class ModelVersions(Protocol):
    """The model registry."""

    def claim(self, upload: Upload) -> Upload:
        """Record that an execution takes an upload on; return the record of whoever did so first."""

    def refuse(self, upload: Upload, reason: str) -> None:
        """Record why an upload was refused."""

    def register(self, upload: Upload, manifest: Manifest, size_bytes: int) -> ModelVersion:
        """Give the content its number, or return the version that has the same content already.

        Where that one was rejected, a new upload of it has no verdict until it is judged anew.
        """

    def get(self, endpoint: str, number: int) -> ModelVersion:
        """Return a version.

        Raises:
            ModelVersionNotFound: there is none of that number.
        """

    def record_validation(self, version: ModelVersion) -> None:
        """Store what validation found."""

    def upload(self, endpoint: str, upload: str) -> Upload | None:
        """Return the record of an upload, or `None` while nobody has taken it on."""

    def list(self, endpoint: str) -> Sequence[ModelVersion]:
        """Return every version, by number."""


@dataclass(frozen=True)
class RollBackWish:
    """What a person wants of `roll_back`.

    Attributes:
        actor: who asks, by the name AWS verified.
        rollout: the rollout that is to end; `None` for whatever is live.
        to: a release to return to.
        leaving: the live release that is to go; nothing is done where it is not live.
    """

    endpoint: EndpointName
    actor: str
    reason: str
    rollout: str | None = None
    to: int | None = None
    leaving: int | None = None


@dataclass(frozen=True)
class ReturnedTraffic:
    """Where traffic goes now, the rollout that this ended, and whether there was anything to do."""

    split: Split
    rollout: str | None
    changed: bool
    reason: str


class Rollouts(Protocol):
    """Rollouts, their lock, and the releases they publish."""

    def start(self, rollout: Rollout) -> Rollout:
        """Take the endpoint's lock and store the rollout; return the stored one if it is the same rollout again.

        Raises:
            RolloutInProgress: another rollout holds the lock.
        """

    def end_early(self, ended: Rollout) -> None:
        """Store a rollout that ended before it began, and free the lock where it has it; again is harmless."""

    def get(self, endpoint: str, rollout: str) -> Rollout:
        """Return a rollout.

        Raises:
            RolloutNotFound: there is none of that id.
        """

    def active(self, endpoint: str) -> Rollout | None:
        """Return the rollout that holds the endpoint's lock."""

    def save(self, rollout: Rollout, replaced: Rollout, looks: Sequence[Decision] = ()) -> None:
        """Store a rollout's new state, and the looks that led to it; free the lock where it has ended.

        Raises:
            RevisionChanged: the stored state is not `replaced`, or a look at the same tick is stored already.
        """

    def change(self, endpoint: str, rollout: str, decide: Callable[[Rollout], Rollout]) -> Rollout:
        """Store what `decide` makes of the stored state, and return it; where a race is lost, it decides again.

        Raises:
            RolloutNotFound: there is none of that id.
        """

    def decisions(self, endpoint: str, rollout: str) -> Sequence[Decision]:
        """Return every look at a rollout, in order."""

    def list(self, endpoint: str) -> Sequence[Rollout]:
        """Return every rollout, by start."""

    def record_release(self, release: Release) -> None:
        """Keep a published release; recording it again is harmless."""

    def save_release(self, release: Release, replaced: Release) -> None:
        """Store what has become of a release.

        Raises:
            RevisionChanged: the stored one is not `replaced`.
        """

    def release(self, endpoint: str, number: int) -> Release | None:
        """Return a release, or `None` where that Lambda version is none (such as the first, which answers 503)."""

    def releases(self, endpoint: str) -> Sequence[Release]:
        """Return every release, by number."""


class RollBacks(Protocol):
    """Has the function `roll_back` move traffic, which alone may do so at once."""

    def ask(self, wanted: RollBackWish) -> ReturnedTraffic:
        """Return all traffic to stable, or to an earlier release.

        Raises:
            NotFound: there is no release to return to.
            Conflict: somebody else changed the rollout in the meantime; traffic is safe, ask again.
        """


class Ledger(Protocol):
    """The append-only record."""

    def append(self, entry: LedgerEntry) -> LedgerEntry:
        """Chain the entry to the last one; return the stored entry, which is the earlier one if its id is known."""

    def find(self, endpoint: str, entry: str) -> LedgerEntry | None:
        """Return the entry of that id, or `None` while the deed is not recorded."""

    def entries(self, endpoint: str) -> Sequence[LedgerEntry]:
        """Return every entry, in order."""


class Events(Protocol):
    """The `serinus` event bus: it tells of what goes on record."""

    def publish(self, name: str, entry: LedgerEntry) -> None:
        """Publish an event such as `DriftDetected`; of the same deed it is the same event, however often it comes."""


class Metrics(Protocol):
    """Series of figures over time, which dashboards draw and alarms watch."""

    def put(self, endpoint: str, release: int, figures: Figures) -> None:
        """Publish the figures of one look."""


class Releases(Protocol):
    """Turns a model version into a published, immutable Lambda version."""

    def publish(
        self, version: ModelVersion, model: bytes, layout: Layout, composition: Composition, *, rollout: str
    ) -> Release:
        """Publish the model's layer and a Lambda version with it; doing it again returns the same release.

        Args:
            version: what is released.
            model: its ONNX file.
            layout: what profiles count of it; the release bins by it what it may not log.
            composition: what else it is made of.
            rollout: by whose id the release is found again.

        Raises:
            ReleaseFailed: the function does not have the configuration that was asked for.
        """

    def probe(self, release: Release, body: Mapping[str, object]) -> Mapping[str, object]:
        """Send the release an inference request that no alias routes and no profile counts; return its answer.

        Raises:
            ReleaseFailed: it did not answer 200; the message carries what it answered.
        """

    def remove(self, release: Release) -> None:
        """Remove the release's Lambda version; removing none is harmless.

        Raises:
            ReleaseInUse: the alias sends traffic to it.
        """

    def remove_layer(self, endpoint: str, layer: str) -> None:
        """Remove a version of the endpoint's model layer; removing none is harmless.

        Releases that were made with it keep it: Lambda copies layers into versions.
        """


class Traffic(Protocol):
    """The endpoint's alias `live`. Only `publish_release`, `advance_rollout` and `roll_back` may write it."""

    def current(self, endpoint: str) -> Split:
        """Return where traffic goes now."""

    def awake(self, endpoint: str, release: int) -> bool:
        """Whether a release answers at once; one that sleeps is woken hereby, and awake some minutes later.

        Raises:
            ReleaseNotFound: its Lambda version was pruned.
            ReleaseFailed: it cannot be woken.
        """

    def has(self, endpoint: str, release: int) -> bool:
        """Whether the release's Lambda version is there to send traffic to."""

    def shift(self, endpoint: str, split: Split, *, expected: Split | None = None) -> None:
        """Send traffic elsewhere, in one call.

        Raises:
            ReleaseNotFound: a release that is to get traffic is there no more.
            RevisionChanged: `expected` is given and traffic goes elsewhere already.
        """


class Alarms(Protocol):
    """The per-version alarms of a rollout."""

    def create(self, endpoint: str, release: int, alarm: HardAlarm) -> None:
        """Make the candidate's alarms; making them again is harmless."""

    def remove(self, endpoint: str, release: int) -> None:
        """Remove them; removing none is harmless."""

    def firing(self, endpoint: str, release: int) -> tuple[str, ...]:
        """Return the reasons of those that are in alarm.

        Raises:
            SourceFailed: what watches them does not answer.
        """


class Signer(Protocol):
    """Attestations by the asymmetric key."""

    def sign(self, statement: bytes) -> str:
        """Return the signature of a statement, in base64."""

    def verify(self, statement: bytes, signature: str) -> bool:
        """Whether the key signed just this statement."""


class Model(Protocol):
    """A loaded model."""

    def run(self, inputs: Mapping[str, npt.NDArray[np.generic]]) -> Mapping[str, npt.NDArray[np.generic]]:
        """Run the graph on tensors by name.

        Raises:
            ModelFailed: the graph raised an error.
        """

    def score(self, features: Table) -> npt.NDArray[np.float64]:
        """Score rows by the signature's score; the result has the shape [rows].

        Raises:
            ModelFailed: the graph raised an error.
        """

    def columns(self, features: Table) -> npt.NDArray[np.float64]:
        """Return all of the output that the score is taken from, such as every class's chance; [rows, columns].

        Raises:
            ModelFailed: the graph raised an error.
        """


class Models(Protocol):
    """Reads ONNX files."""

    def check(self, model: bytes, signature: Signature) -> Sequence[str]:
        """Return everything that stands against serving the file, each as one sentence; nothing where it is fine.

        Refuses what is no ONNX, custom operators, external data, opsets and sizes out of bounds, and a signature that
        does not match the graph, all before a session is made.
        """

    def load(self, model: bytes, signature: Signature) -> Model:
        """Make a session.

        Raises:
            ModelRefused: ONNX Runtime cannot load it.
        """


@dataclass(frozen=True)
class Encoding:
    """How a model is served.

    Attributes:
        model: the file that is served in place of the uploaded one; `None` where that one is served.
        message: what was found, as one sentence.
        numbers: the figures it was decided by.
    """

    model: bytes | None
    message: str
    numbers: Mapping[str, float] = field(default_factory=dict)


# Looks for a cheaper file that gives the same answers on these rows; `None` where there is nothing to look for.
ChooseEncoding = Callable[[bytes, Signature, Table], Encoding | None]


# Loads and runs a model in a process of its own, on these rows; raises `ModelFailed` where it cannot be run there,
# and returns `None` where nothing is measured.
MeasureFootprint = Callable[[bytes, Signature, Table], Footprint | None]


class Tables(Protocol):
    """Reads and writes data files; the kind is told by the file's name: .csv, .parquet or .jsonl."""

    def read(self, name: str, body: bytes) -> Table:
        """Return the file's columns.

        Raises:
            DataRefused: it is no such file, or is damaged.
        """

    def batches(self, name: str, file: BinaryIO, expected: Expected = ANYTHING) -> Iterator[RowBatch]:
        """Yield the file's rows, some ten thousand at a time, in bounded memory.

        Args:
            name: of the file.
            file: which can seek.
            expected: columns that are known beforehand, which decide what the columns of a text file hold.

        Raises:
            DataRefused: it is no such file, or is damaged, as soon as that is noticed.
        """

    def write(self, table: Table) -> bytes:
        """Return the table as Parquet; the same table gives the same bytes."""


class Scanner(Protocol):
    """Looks through a data file once, in bounded memory; the kind is told by the file's name."""

    def scan(self, name: str, body: bytes, questions: Questions) -> DataScan:
        """Count what is asked.

        Raises:
            DataRefused: it is no such file, or is damaged.
        """


class References(Protocol):
    """What each model version was validated on, by content digest: its held-out rows' profile, and their labels."""

    def get(self, endpoint: str, content_digest: str) -> Profile | None:
        """Return the reference profile, or `None` where the version was never validated."""

    def held_out(self, endpoint: str, content_digest: str) -> ScoreTable | None:
        """Return the held-out rows by score and label, or `None` where none were kept."""

    def put(self, endpoint: str, content_digest: str, profile: Profile, held_out: ScoreTable | None) -> None:
        """Store both."""

    def importance(self, endpoint: str, content_digest: str) -> Mapping[str, float]:
        """Return how much each feature matters to the model; nothing where that was not measured."""

    def put_importance(self, endpoint: str, content_digest: str, importance: Mapping[str, float]) -> None:
        """Store it."""


@dataclass(frozen=True)
class Folded:
    """How many files folding wrote."""

    hours: int
    days: int


class ProfileParts(Protocol):
    """What was counted of live traffic.

    However it is folded, and while it is, the sum of what `read` returns is the same.
    """

    def put(self, endpoint: str, release: int, minute: str, part: ProfilePart) -> None:
        """Store a part under a key derived from what it counts."""

    def read(
        self, endpoint: str, release: int, start: datetime, end: datetime, *, singly: bool = False
    ) -> Iterable[ProfilePart]:
        """Return every part of the minutes that touch [start, end).

        A folded hour in the midst of the window comes as its sum, one contribution at the hour's begin; each of its
        requests comes at its own instant where they are wanted singly.
        """

    def fold(self, endpoint: str, before: datetime) -> Folded:
        """Fold minutes that ended before an instant into hours, and hours into days.

        Two may fold at once, and one may die at any write.
        """


class Records(Protocol):
    """Prediction records, one row a scored row."""

    def put(self, endpoint: str, release: int, minute: str, key: str, rows: Table) -> None:
        """Store the rows of one part."""

    def read(self, endpoint: str, release: int, start: datetime, end: datetime) -> Table:
        """Return the rows asked about in [start, end), each once, in time order.

        Columns: `_request`, `_id`, `_row`, `_row_id` (what the policy's id column said, or missing), `_at` (epoch
        seconds), `_inputs` (1 where the row's inputs were logged), `_score`, `_latency_ms` (of the whole request;
        missing in what was recorded before that was kept), and the logged features by name.
        """


class Labels(Protocol):
    """The truth, as it arrives in files, and joined with the predictions that it is about."""

    def join(
        self,
        endpoint: str,
        releases: Sequence[int],
        start: datetime,
        end: datetime,
        *,
        columns: Sequence[str] | None = None,
        task: Task = Task.BINARY,
        id_column: str | None = None,
        before: datetime | None = None,
    ) -> Joined:
        """Return the records of each release asked about in [start, end), with the labels that have come for them.

        A row is met by what the policy's id column says of it, else by its request's id and its number. Of several
        labels the one with the latest time counts; see `docs/how-to/send-labels.md` for the whole rule. A file of
        which a row says something else than it must counts not at all, and is named in what was read.

        Args:
            endpoint: whose.
            releases: by their numbers.
            start: when the window begins.
            end: when it ends, exclusive.
            columns: which columns of `Records` are wanted, those that no record has left out; `None` for all.
            task: what labels are; names of classes make `_label` a column of texts.
            id_column: the column that names a row, where the policy has one.
            before: only files that were written before this count.

        Raises:
            DataRefused: two features differ in the case of letters alone, which a join cannot tell apart.
        """

    def last_arrival(self, endpoint: str, *, before: datetime) -> datetime | None:
        """Return when the last file was written before an instant; `None` where none was."""

    def fold(
        self, endpoint: str, before: datetime, *, task: Task = Task.BINARY, id_column: str | None = None
    ) -> FoldedLabels:
        """Fold what `record` wrote before an instant into one file a day; the same labels count as before.

        Safe to die anywhere, to run twice at once, and while others read or record. A file of which nothing counts
        stays where it is, and so do files that people put there under names of their own.

        Args:
            endpoint: whose.
            before: later files are left for later.
            task: what labels are.
            id_column: the column that names a row, where the policy has one.
        """

    def check(self, name: str, body: bytes, *, task: Task = Task.BINARY, id_column: str | None = None) -> LabelsRead:
        """Return what a file says that is to be recorded.

        Raises:
            DataRefused: of which nothing would count; the message says what is wrong, and where.
        """

    def record(self, endpoint: str, name: str, body: bytes) -> bool:
        """Keep a file under a name made of its content; return whether it is new.

        What is there already stays as old as it is, so that a repetition does not have the last word.

        Raises:
            DataRefused: the name tells no kind that labels come in.
        """


class Snapshots(Protocol):
    """Immutable datasets."""

    def put(self, snapshot: Snapshot, train: Table, holdout: Table) -> None:
        """Store the tables and then the manifest."""

    def get(self, endpoint: str, digest: str) -> tuple[Snapshot, Table, Table]:
        """Return a snapshot with its train and held-out tables.

        Raises:
            ObjectNotFound: there is none of that digest.
        """

    def files(self, endpoint: str, digest: str) -> tuple[Snapshot, bytes, bytes]:
        """Return a snapshot with its train and held-out tables as the Parquet files that they are.

        Raises:
            ObjectNotFound: there is none of that digest.
        """


@dataclass(frozen=True)
class TrainedModel:
    """What a recipe made.

    Attributes:
        onnx: the file.
        signature: the file's.
        lineage: how it was made.
        predict: the framework's own scores of other rows with the same features, to hold the file's against.
    """

    onnx: bytes
    signature: Signature
    lineage: Mapping[str, str]
    predict: Callable[[Table], npt.NDArray[np.float64]]


class Trainer(Protocol):
    """Runs a training recipe."""

    def train(
        self, recipe: str, features: Table, labels: npt.NDArray[np.float64], target: Target = BINARY_TARGET
    ) -> TrainedModel:
        """Fit the named recipe and convert it to ONNX; the same data give the same bytes.

        Args:
            recipe: its name.
            features: the feature columns, [rows] each.
            labels: 0 or 1, positions of classes, or numbers, as the target's task says; [rows].
            target: what is predicted.

        Raises:
            DataRefused: the recipe is unknown, or the data cannot train it.
        """


class Invocations(Protocol):
    """Asks a published release directly, past the alias."""

    def ask(self, release: Release, event: Mapping[str, object]) -> Mapping[str, object]:
        """Send a release an HTTP event as it is; return its HTTP answer as it is.

        Raises:
            ReleaseNotFound: its Lambda version was pruned.
            ReleaseBusy: Lambda had no room to run it.
            ReleaseFailed: it gave no answer.
        """


class Tokens(Protocol):
    """What is kept of the bearer tokens that open endpoints."""

    def get(self, endpoint: str, token: str) -> Token | None:
        """Return the token of an id, or `None`."""

    def list(self, endpoint: str) -> Sequence[Token]:
        """Return every token, revoked and expired ones too, by when it was made."""

    def change(self, endpoint: str, decide: Callable[[Sequence[Token]], Sequence[Token]]) -> Sequence[Token]:
        """Store the tokens that `decide` returns for the endpoint's; where a race is lost, it decides again."""


class Calls(Protocol):
    """Counts the calls of tokens that are bounded."""

    def admit(self, token: Token, at: datetime, *, at_most: int) -> bool:
        """Count a call within the minute of `at`; `False`, and uncounted, where that minute has had as many."""


class Decisions(Protocol):
    """What the gateway remembers of who may pass."""

    def forget(self) -> bool:
        """Have every caller looked at anew; `False` where we may not, and what is remembered has to run out."""


class Predictor(Protocol):
    """A loaded model that scores tables."""

    def predict(self, features: Table) -> Mapping[str, npt.NDArray[np.generic]]:
        """Return the signature's outputs by name, of shape [rows, …] each.

        Raises:
            DataRefused: a column does not hold what the graph takes.
            ModelFailed: the graph raised an error.
        """


LoadPredictor = Callable[[bytes, Signature], Predictor]


class Batches(Protocol):
    """Batches and their results, by the folder that a batch's results go to."""

    def put(self, batch: Batch) -> None:
        """Store the plan; storing the same again is harmless."""

    def get(self, folder: str) -> Batch:
        """Return the plan.

        Raises:
            ObjectNotFound: no batch was planned there.
        """

    def is_done(self, folder: str, number: int) -> bool:
        """Whether a part's result is there whole."""

    def done(self, folder: str) -> Sequence[int]:
        """Return the numbers of the parts that are done, sorted."""

    def put_part(self, folder: str, summary: PartSummary, rows: Table) -> None:
        """Store a part's result: the summary, then the rows; it is done when the rows are there."""

    def summaries(self, folder: str, numbers: Sequence[int]) -> Sequence[PartSummary]:
        """Return the summaries of parts that are done, in that order."""

    def conclude(self, batch: Batch, summaries: Sequence[PartSummary], profile: Profile) -> str:
        """Store the profile of all rows, then the manifest; return the manifest's key."""
