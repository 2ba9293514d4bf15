"""`Metrics`: what is put is a line of the log that CloudWatch, and the local cloud, read series from."""

from __future__ import annotations

import json

import pytest

from serinus.adapters.aws.metrics import EmbeddedMetrics
from serinus.domain.figures import Figures
from serinus.local_cloud.mends.embedded_metrics import embedded_values


def test_each_figure_is_a_series_of_the_release_or_of_the_endpoint(capsys: pytest.CaptureFixture[str]) -> None:
    """As the local cloud parses the lines."""
    EmbeddedMetrics().put("fraud", 3, Figures({"ScorePsi": 0.2, "Drifted": 1.0}, {"Drifted": 1.0}))
    lines = capsys.readouterr().out.splitlines()
    values = [value for line in lines for value in embedded_values(line)]
    found = sorted((value.name, tuple(value.dimensions.items()), value.value) for value in values)
    release, endpoint = (("endpoint", "fraud"), ("release", "3")), (("endpoint", "fraud"),)
    assert found == [("Drifted", endpoint, 1.0), ("Drifted", release, 1.0), ("ScorePsi", release, 0.2)]
    assert {json.loads(line)["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in lines} == {"Serinus"}


def test_no_figures_are_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    """CloudWatch would count a line without metrics as an error."""
    EmbeddedMetrics().put("fraud", 3, Figures({}, {}))
    assert capsys.readouterr().out == ""
