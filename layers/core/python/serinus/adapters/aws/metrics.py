"""Metrics through the log, in CloudWatch's embedded metric format: no call is made, and no permission needed."""

from __future__ import annotations

from collections.abc import Mapping

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from serinus import settings
from serinus.domain.figures import Figures


class EmbeddedMetrics:
    """`Metrics` of a Lambda function, whose log CloudWatch reads them from."""

    def put(self, endpoint: str, release: int, figures: Figures) -> None:
        """Publish the figures of one look."""
        _put({"endpoint": endpoint, "release": str(release)}, figures.of_release)
        _put({"endpoint": endpoint}, figures.of_endpoint)


def _put(dimensions: Mapping[str, str], values: Mapping[str, float]) -> None:
    if not values:
        return
    metrics = EphemeralMetrics(namespace=settings.METRIC_NAMESPACE)
    for name, value in dimensions.items():
        metrics.add_dimension(name, value)
    for name, number in values.items():
        metrics.add_metric(name, MetricUnit.NoUnit, number)
    metrics.flush_metrics()
