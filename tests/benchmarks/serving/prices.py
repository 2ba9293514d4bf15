"""The public prices that the cost table is made of, each with where it was read: `prices.toml`."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Prices:
    """Dollars for one of each; `prices.toml` says what one is."""

    lambda_request: float
    lambda_gb_second: float
    http_api_request: float
    log_gb: float
    log_gb_month: float
    metric_month: float
    alarm_metric_month: float
    dashboard_month: float
    s3_put: float
    s3_get: float
    s3_gb_month: float
    dynamodb_read: float
    dynamodb_write: float
    state_transition: float
    key_month: float
    sagemaker_serverless_gb_second: float
    sagemaker_data_gb: float
    sagemaker_instance_hour: float


@dataclass(frozen=True)
class PriceList:
    """Prices of one region, and what is known of each."""

    region: str
    read: date
    prices: Prices
    sources: Mapping[str, str]


def price_list(file: Path = _FILE) -> PriceList:
    """Read the prices.

    Raises:
        ValueError: one is missing, unknown, negative, or without a source.
    """
    said: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    region, read = said.pop("region"), said.pop("read")
    names = {field.name for field in dataclasses.fields(Prices)}
    if names != said.keys():
        raise ValueError(f"{file.name}: prices that are missing or unknown: {sorted(names ^ said.keys())}")
    for name, price in said.items():
        if price["usd"] < 0 or not price["source"].startswith("https://") or not price["unit"]:
            raise ValueError(f"{file.name}: {name} takes a price, a unit and a source")
    prices = Prices(**{name: float(price["usd"]) for name, price in said.items()})
    return PriceList(region, read, prices, {name: price["source"] for name, price in said.items()})
