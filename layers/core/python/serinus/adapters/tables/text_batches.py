"""CSV and JSON Lines files in batches. A column's type is told by the first megabytes, and holds for all of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Literal

import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import json as arrow_json

from serinus.adapters.tables.refusals import refuse_headers
from serinus.domain.row_batch import Expected
from serinus.errors import DataRefused

_Others = Literal["ignore", "error", "infer"]

_BLOCK_BYTES = 8 << 20
_LONGEST_LINE_BYTES = 64 << 20
_JSON_ROW = re.compile(r"(?P<what>.*?)\.? in row (?P<row>\d+)$", re.DOTALL)


def csv_batches(name: str, file: BinaryIO, expected: Expected) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a CSV file with a header; a blank cell is a missing value.

    Args:
        name: of the file, for messages.
        file: to read.
        expected: columns that are known beforehand.

    Raises:
        DataRefused: it is no UTF-8, a row has too many or too few cells, a column has no name or another's, or its
            type changes.
    """
    rows = 0
    try:
        types = _csv_types(name, file, expected)
        convert = arrow_csv.ConvertOptions(null_values=[""], strings_can_be_null=True, column_types=types)
        parse = arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(types) > 1)
        read = arrow_csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES)
        file.seek(0)
        opened = arrow_csv.open_csv(file, read_options=read, parse_options=parse, convert_options=convert)
        for batch in opened:
            yield batch
            rows += batch.num_rows
        if rows == 0:
            yield pa.RecordBatch.from_pylist([], schema=opened.schema)
    except (pa.ArrowException, csv.Error, UnicodeDecodeError, OSError) as error:
        raise DataRefused(_csv_fault(name, rows, str(error))) from error


def _csv_types(name: str, file: BinaryIO, expected: Expected) -> dict[str, pa.DataType]:
    """Tell types by the rows of the first megabytes that are whole."""
    head = file.read(_BLOCK_BYTES)
    whole = head if len(head) < _BLOCK_BYTES else head[: _end_of_rows(head)]
    text = whole.decode("utf-8-sig")
    headers = next(filter(None, csv.reader(io.StringIO(text, newline=""))), [])
    refuse_headers(name, headers)
    schema = arrow_csv.read_csv(
        io.BytesIO(whole),
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(whole) + 1),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=len(headers) > 1),
        convert_options=arrow_csv.ConvertOptions(null_values=[""], strings_can_be_null=True),
    ).schema
    return {field.name: _lasting(field.type, as_text=field.name in expected.texts) for field in schema}


def _end_of_rows(head: bytes) -> int:
    """Return where the last row ends that is whole: at a line break outside quotes."""
    for end in (at.end() for at in reversed(list(re.finditer(b"\n", head)))):
        if head.count(b'"', 0, end) % 2 == 0:
            return end
    return len(head)


def _lasting(kind: pa.DataType, *, as_text: bool) -> pa.DataType:
    """Return a type that later rows are likely to fit: whole numbers may be followed by others."""
    if as_text or not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        return pa.string()
    return kind if pa.types.is_boolean(kind) else pa.float64()


def _csv_fault(name: str, rows: int, said: str) -> str:
    first = said.splitlines()[0]
    return (
        f"{name} is no CSV file that can be read after row {rows} ({first}): quote cells that hold commas, leave a "
        "missing cell blank, save it as UTF-8, and keep each column of one type throughout"
    )


def json_batches(name: str, file: BinaryIO, expected: Expected) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file with one JSON object a line; a key that a line lacks is a missing value.

    Args:
        name: of the file, for messages.
        file: to read.
        expected: columns that are known beforehand; where there are any, others are passed over once they come late.

    Raises:
        DataRefused: it is no UTF-8, a line is no JSON object, a column changes its type, or comes late.
    """
    schema: dict[str, pa.DataType] = dict.fromkeys(expected.texts, pa.string())
    lines = 0
    for number, block in enumerate(_blocks_of_lines(name, file)):
        if number == 0:
            for field in _parsed(name, block, lines, schema, others="infer").schema:
                schema.setdefault(field.name, _lasting_json(field.type))
            schema = dict.fromkeys(expected.numbers, pa.float64()) | schema
        yield from _parsed(name, block, lines, schema, others="ignore" if expected else "error").to_batches()
        lines += block.count(b"\n")


def _lasting_json(kind: pa.DataType) -> pa.DataType:
    nested = not (pa.types.is_primitive(kind) or pa.types.is_string(kind) or pa.types.is_null(kind))
    return kind if nested else _lasting(kind, as_text=False)  # nested ones are refused with their type


def _blocks_of_lines(name: str, file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while block := file.read(_BLOCK_BYTES):
        end = block.rfind(b"\n") + 1
        if end == 0:
            rest += block
            if len(rest) > _LONGEST_LINE_BYTES:
                raise DataRefused(f"{name} has a line above {_LONGEST_LINE_BYTES} bytes: write one object a line")
            continue
        whole, rest = rest + block[:end], block[end:]
        if not whole.isspace():
            yield whole
    if rest.strip():
        yield rest


def _parsed(
    name: str,
    block: bytes,
    before: int,
    schema: dict[str, pa.DataType],
    *,
    others: _Others,
) -> pa.Table:
    """Parse some lines; what becomes of other columns is said in pyarrow's words."""
    fields: list[Any] = list(schema.items())
    try:
        return arrow_json.read_json(
            io.BytesIO(block),
            read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=arrow_json.ParseOptions(
                explicit_schema=pa.schema(fields) if fields else None,
                unexpected_field_behavior=others,
            ),
        )
    except pa.ArrowException as error:
        raise DataRefused(_json_fault(name, block, before, str(error))) from error


def _json_fault(name: str, block: bytes, before: int, said: str) -> str:
    found = _JSON_ROW.match(said.removeprefix("JSON parse error: ").splitlines()[0])
    wanted = "write one JSON object a line, each column of one type throughout and named in the first lines"
    if found is None:
        return f"{name}, from line {before + 1} on: {said.splitlines()[0]}: {wanted}"
    filled = [number for number, line in enumerate(block.split(b"\n"), start=before + 1) if line.strip()]
    row = int(found["row"])
    where = f"line {filled[row]}" if row < len(filled) else f"from line {before + 1} on"
    return f"{name}, {where}: {found['what']}: {wanted}"
