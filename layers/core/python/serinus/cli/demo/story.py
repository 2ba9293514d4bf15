"""The story: four models, one of them bad, one market that changes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from serinus.adapters.tables.arrow import ArrowTables
from serinus.cli.client import push
from serinus.cli.demo import models
from serinus.cli.demo.market import FIRST_QUARTER, TARGET, VICTORIA_JOINS, Market, load_market
from serinus.cli.demo.timeline import Timeline
from serinus.cli.demo.traffic import LiveTraffic
from serinus.cli.inference_client import InferenceClient, infer_url
from serinus.domain.ledger import Action, LedgerEntry
from serinus.domain.rollout import Outcome
from serinus.domain.table import Table
from serinus.wiring import Client

ENDPOINT = "electricity"
_REQUESTS_PER_SECOND = 45.0
_ROWS_WHEN_TIME_PASSES = 8
_ROWS_ONCE_LABELLED = 3  # a request: enough that models 2 and 4 can be told apart by what each has answered
_NEW_MARKET_ROWS = 6_000  # half-hours, four months: what came before is not to be all that the new model learns from
_LONGEST_SECONDS = 100.0  # that anything is waited for
_COLLECTED_SECONDS = 4.0  # after the last request, until its record has been collected


@dataclass(frozen=True)
class Told:
    """What the summary needs to know of the story.

    Attributes:
        began: the instant of the first push.
        bad_version: the model version that had to be rolled back.
        first_failure_at: when a caller first saw it fail; epoch seconds.
        retrained_version: the model version that Serinus trained itself.
        labels_at: when the labels of the drifted market came.
        requests: how many requests were answered in all.
        failures: how many of them with 5xx.
    """

    began: datetime
    bad_version: int
    first_failure_at: float
    retrained_version: int
    labels_at: datetime
    requests: int
    failures: int


class Story:
    """Tells the story against a deployed endpoint."""

    def __init__(self, client: Client, timeline: Timeline) -> None:
        self._client = client
        self._timeline = timeline
        self._market: Market = load_market()
        self._label_files = 0

    def tell(self, folder: Path) -> Told:
        """Push, serve, roll back, drift, retrain; return what the summary needs.

        Raises:
            TimeoutError: something that should have happened did not.
        """
        began = datetime.now(UTC)
        self._first_model(folder)
        traffic = self._traffic()
        try:
            self._second_model(folder, traffic)
            bad_version, first_failure_at = self._third_model(folder, traffic)
            labels_at = self._victoria_joins(traffic)
            retrained_version = self._fourth_model()
        finally:
            traffic.stop()
        self._upload_labels(traffic)
        time.sleep(_COLLECTED_SECONDS)
        failures = sum(request.status >= 500 for request in traffic.sent)
        return Told(began, bad_version, first_failure_at, retrained_version, labels_at, len(traffic.sent), failures)

    def _first_model(self, folder: Path) -> None:
        self._timeline.say("A first model, a small decision tree trained on the earliest quarter, is pushed")
        self._push(models.first_model(self._market), folder)
        self._ended(1, Outcome.PROMOTED)

    def _traffic(self) -> LiveTraffic:
        self._timeline.say(
            f"Callers begin to ask: {_REQUESTS_PER_SECOND:.0f} requests a second, in the market's own order"
        )
        signature = self._client.versions.get(ENDPOINT, 1).manifest.signature
        inference = InferenceClient(infer_url(self._client.resources.api_url, ENDPOINT))
        traffic = LiveTraffic(self._market, signature, lambda body: inference.infer(body)[0], first_row=FIRST_QUARTER)
        traffic.start(requests_per_second=_REQUESTS_PER_SECOND)
        return traffic

    def _second_model(self, folder: Path, traffic: LiveTraffic) -> None:
        time.sleep(4)
        self._timeline.say("A better model, gradient boosting, is pushed; it goes out by canary")
        self._push(models.second_model(self._market), folder)
        self._ended(2, Outcome.PROMOTED)
        self._upload_labels(traffic)

    def _third_model(self, folder: Path, traffic: LiveTraffic) -> tuple[int, float]:
        self._timeline.say("A third model is pushed; its author tested it on night rows alone")
        path = folder / "third.onnx"
        path.write_bytes(models.third_model(self._market))
        nights = self._market.rows(0, self._market.features.rows).take(models.night_rows(self._market))
        push(ENDPOINT, path, self._data_file(folder, "nights.parquet", nights), target=TARGET, wait=False)
        self._ended(3, Outcome.ROLLED_BACK)
        failed = [request.answered_at for request in traffic.sent if request.status >= 500]
        self._upload_labels(traffic)
        return 3, min(failed)

    def _victoria_joins(self, traffic: LiveTraffic) -> datetime:
        self._timeline.say(
            "Time passes: the Victorian market joins. No labels have come for what is asked from here on"
        )
        traffic.skip_to(VICTORIA_JOINS)
        traffic.pace(requests_per_second=_REQUESTS_PER_SECOND, rows_per_request=_ROWS_WHEN_TIME_PASSES)
        self._timeline.wait_for(
            lambda entry: entry.action is Action.DRIFT_DETECTED,
            seconds=_LONGEST_SECONDS,
            what="the detection of drift",
        )
        traffic.wait_until(VICTORIA_JOINS + _NEW_MARKET_ROWS, seconds=_LONGEST_SECONDS)
        traffic.pace(requests_per_second=_REQUESTS_PER_SECOND, rows_per_request=_ROWS_ONCE_LABELLED)
        self._timeline.say("The labels of the new market come; it trains a model on the old and the new together")
        self._upload_labels(traffic)
        return datetime.now(UTC)

    def _fourth_model(self) -> int:
        self._ended(4, Outcome.PROMOTED)
        return 4

    def _push(self, estimator: object, folder: Path) -> None:
        rows = models.held_out(self._market)
        held_out = self._data_file(folder, "holdout.parquet", self._market.rows(rows.start, rows.stop))
        push(ENDPOINT, estimator, held_out, target=TARGET, wait=False)

    def _ended(self, version: int, outcome: Outcome) -> LedgerEntry:
        """Wait for a version's rollout to end as it should.

        Raises:
            TimeoutError: it ended otherwise, or not at all.
        """
        entry = self._timeline.wait_for(
            lambda entry: entry.action is Action.ROLLOUT_ENDED and entry.details["version"] == version,
            seconds=_LONGEST_SECONDS,
            what=f"the end of the rollout of model version {version}",
        )
        if entry.details["outcome"] != outcome:
            raise TimeoutError(f"model version {version} was to be {outcome}: {entry.details['reason']}")
        return entry

    def _upload_labels(self, traffic: LiveTraffic) -> None:
        self._label_files += 1
        labels = ArrowTables().write(traffic.new_labels())
        self._client.data.put(f"labels/{ENDPOINT}/{self._label_files:04d}.parquet", labels)

    def _data_file(self, folder: Path, name: str, table: Table) -> Path:
        path = folder / name
        path.write_bytes(ArrowTables().write(table))
        return path
