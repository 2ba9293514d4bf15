"""CSV and JSON Lines files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from itertools import islice

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json

from serinus.adapters.tables.refusals import refuse_headers
from serinus.errors import DataRefused

_CSV_ROW = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_JSON_ROW = re.compile(r"(?P<what>.*?)\.? in row (?P<row>\d+)$", re.DOTALL)


def read_csv(name: str, body: bytes) -> pa.Table:
    """Return the columns of a CSV file with a header; a blank cell is a missing value.

    Raises:
        DataRefused: it is no UTF-8, a row has too many or too few cells, or a column has no name or another's.
    """
    text = _decoded(name, body)
    try:
        headers = next(filter(None, csv.reader(io.StringIO(text, newline=""))), [])
        refuse_headers(name, headers)
        return _texts_as_written(lambda texts: _parsed_csv(body, len(headers), texts))
    except (pa.ArrowInvalid, csv.Error) as error:
        raise DataRefused(_csv_fault(name, text, str(error))) from error


def read_json_lines(name: str, body: bytes) -> pa.Table:
    """Return the columns of a file with one JSON object a line; a key that a line lacks is a missing value.

    Raises:
        DataRefused: it is no UTF-8, a line is no JSON object, or a column changes its type.
    """
    text = _decoded(name, body)
    try:
        found = _texts_as_written(lambda texts: _parsed_json(body, texts))
    except pa.ArrowInvalid as error:
        raise DataRefused(_json_fault(name, text, str(error))) from error
    refuse_headers(name, found.column_names)
    return found


def _decoded(name: str, body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        message = f"{name}, line {line} is not UTF-8 (byte {error.start} of the file): save it as UTF-8"
        raise DataRefused(message) from error


def _texts_as_written(parse: Callable[[list[str]], pa.Table]) -> pa.Table:
    """Parse twice where Arrow took texts for dates or times: what serves later will see the texts as written."""
    found = parse([])
    temporal = [field.name for field in found.schema if pa.types.is_temporal(field.type)]
    return parse(temporal) if temporal else found


def _parsed_csv(body: bytes, width: int, texts: list[str]) -> pa.Table:
    return arrow_csv.read_csv(
        io.BytesIO(body),
        # One block, so that a column's type is told by all its cells; one thread, so that errors name their row.
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=width > 1),
        convert_options=arrow_csv.ConvertOptions(
            null_values=[""], strings_can_be_null=True, column_types=dict.fromkeys(texts, pa.string())
        ),
    )


def _parsed_json(body: bytes, texts: list[str]) -> pa.Table:
    schema = pa.schema([(name, pa.string()) for name in texts]) if texts else None
    return arrow_json.read_json(
        io.BytesIO(body),
        read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema),
    )


def _csv_fault(name: str, text: str, said: str) -> str:
    ragged = _CSV_ROW.search(said)
    if ragged is None:
        return f"{name} is no CSV file that can be read ({said.splitlines()[0]}): write it again"
    row, expected, got = map(int, ragged.groups())
    return (
        f"{name}, line {_line_of_row(text, row)} has {got} cells, but the header has {expected}: "
        "quote cells that hold commas, and leave a missing cell blank"
    )


def _line_of_row(text: str, row: int) -> int:
    """Return the line that a row ends on: blank lines are no rows, and a quoted cell may span lines."""
    reader = csv.reader(io.StringIO(text, newline=""))
    try:
        next(islice(filter(None, reader), row - 1, None), None)
    except csv.Error:
        return row
    return reader.line_num


def _json_fault(name: str, text: str, said: str) -> str:
    found = _JSON_ROW.match(said.removeprefix("JSON parse error: "))
    if found is None:
        return f"{name} is no JSON Lines file that can be read ({said.splitlines()[0]}): write one JSON object a line"
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    row = int(found["row"])
    where = f"line {lines[row]}" if row < len(lines) else f"row {row + 1}"
    return f"{name}, {where}: {found['what']}: write one JSON object a line, each column of one type throughout"
