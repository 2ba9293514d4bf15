"""Hold a data file against every gate that its endpoint's policy leaves on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from serinus.domain.data_declared import judge_column, judge_expectation
from serinus.domain.data_findings import MOST_NAMED, DataFinding, Evidence, at_rows, named, short
from serinus.domain.data_leakage import FEWEST_OF_A_CLASS, leaks
from serinus.domain.data_limits import ColumnKind, DataGate, DataLimits, Severity
from serinus.domain.data_scan import ColumnScan, Occurrences, overlap

_LIKE_AN_ID = 0.9  # of the rows, that have a text of their own
_FEWEST_FOR_AN_ID = 100


def judge_data(evidence: Evidence, limits: DataLimits) -> tuple[DataFinding, ...]:
    """Hold a file against every gate: one finding each, in the order of `DataGate`, then the policy's own."""
    judges: Mapping[DataGate, Callable[[Evidence, DataLimits], _Found]] = {
        DataGate.SCHEMA: _schema,
        DataGate.EXTRA_COLUMNS: _extra_columns,
        DataGate.ROWS: _rows,
        DataGate.INFINITE: _infinite,
        DataGate.MISSING: _missing,
        DataGate.CONSTANT: _constant,
        DataGate.CARDINALITY: _cardinality,
        DataGate.DUPLICATES: _duplicates,
        DataGate.DUPLICATE_IDS: _duplicate_ids,
        DataGate.BALANCE: _balance,
        DataGate.LEAKAGE: _leakage,
        DataGate.OVERLAP: _overlap,
        DataGate.FRESHNESS: _freshness,
        DataGate.CLOCK: _clock,
        DataGate.SKEW: _skew,
    }
    findings = [
        DataFinding(gate, limits.severity(gate), *judge(evidence, limits))
        for gate, judge in judges.items()
        if limits.looks_for(gate)
    ]
    findings += [
        judge_column(declared, evidence.scan) for declared in limits.columns if declared.severity is not Severity.OFF
    ]
    expected = zip(limits.expectations, evidence.scan.broken, strict=True)
    findings += [
        judge_expectation(one, found, rows=evidence.scan.rows)
        for one, found in expected
        if one.severity is not Severity.OFF
    ]
    return tuple(findings)


_Each = TypeVar("_Each")
_Found = tuple[bool, str, Mapping[str, float], tuple[int, ...]]


def _passed(message: str, numbers: Mapping[str, float] | None = None) -> _Found:
    return True, message, numbers or {}, ()


def _failed(message: str, numbers: Mapping[str, float] | None = None, rows: tuple[int, ...] = ()) -> _Found:
    return False, message, numbers or {}, rows


def _schema(evidence: Evidence, _: DataLimits) -> _Found:
    scan, schema = evidence.scan, evidence.schema
    wanted = dict(schema.features or {}) | ({schema.target: None} if schema.target else {})
    absent = [name for name in wanted if name not in scan.columns]
    texts = [
        name
        for name, kind in wanted.items()
        if kind and name in scan.columns and scan.columns[name].kind not in {None, kind}
    ]
    labels = scan.columns.get(schema.target or "")
    unlabelled = labels.missing if labels else Occurrences()
    faults = [f"there is no column {named(absent)}"] if absent else []
    faults += [f"{named(texts)} must hold numbers, and texts were found"] if texts else []
    faults += [f"the target is missing in {unlabelled.count} rows"] if unlabelled.count else []
    numbers = {"absent": len(absent), "texts": len(texts), "unlabelled": unlabelled.count}
    if faults:
        what = "write the columns that the model's signature names"
        message = f"{scan.file}: {'; '.join(faults)}{at_rows(unlabelled.rows)}: {what}"
        return _failed(message, numbers, unlabelled.rows)
    return _passed(f"the {len(wanted)} columns that are needed are there", numbers)


def _extra_columns(evidence: Evidence, limits: DataLimits) -> _Found:
    schema = evidence.schema
    if schema.features is None:
        return _passed("no model says which columns it takes")
    known = {*schema.features, schema.target, *schema.others, *(declared.column for declared in limits.columns)}
    extra = [name for name in evidence.scan.columns if name not in known]
    if not extra:
        return _passed("no column is there that nothing uses", {"columns": 0})
    return _failed(f"nothing uses {named(extra)}: drop what need not be kept", {"columns": len(extra)})


def _rows(evidence: Evidence, limits: DataLimits) -> _Found:
    numbers = {"rows": evidence.scan.rows, "minimum": limits.minimum_rows}
    if evidence.scan.rows < limits.minimum_rows:
        return _failed(
            f"{evidence.scan.rows} rows are too few: it takes {limits.minimum_rows} ([data] minimum_rows)", numbers
        )
    return _passed(f"{evidence.scan.rows} rows", numbers)


def _infinite(evidence: Evidence, _: DataLimits) -> _Found:
    found = {name: column.infinite for name, column in _features(evidence) if column.infinite.count}
    return _of_columns(found, evidence, "hold infinite numbers, which no request can carry: leave the cells blank")


def _missing(evidence: Evidence, limits: DataLimits) -> _Found:
    own = {declared.column for declared in limits.columns if declared.missing_share is not None}
    found = {
        name: column.missing
        for name, column in _features(evidence)
        if name not in own and column.missing.count > limits.missing_share * evidence.scan.rows
    }
    limit = f"{limits.missing_share:.0%} of the rows ([data] missing_share)"
    return _of_columns(found, evidence, f"are missing in more than {limit}: look at where they come from")


def _constant(evidence: Evidence, _: DataLimits) -> _Found:
    rows = evidence.scan.rows
    found = [name for name, column in _features(evidence) if column.constant or column.missing.count == rows]
    if not found or rows < 2:
        return _passed("every feature varies", {"columns": 0})
    return _failed(f"{named(found)} never vary: a model learns nothing of them", {"columns": len(found)})


def _cardinality(evidence: Evidence, _: DataLimits) -> _Found:
    found = {}
    for name, column in _features(evidence):
        there = evidence.scan.rows - column.missing.count
        if column.kind is ColumnKind.TEXT and there >= _FEWEST_FOR_AN_ID and column.distinct >= _LIKE_AN_ID * there:
            found[name] = column.distinct
    if not found:
        return _passed("no feature names its row", {"columns": 0})
    numbers = {"columns": len(found)} | {f"distinct:{short(name)}": float(count) for name, count in _few(found)}
    return _failed(f"{named(found)} hold a text of its own for nearly every row, as an id does: drop them", numbers)


def _duplicates(evidence: Evidence, limits: DataLimits) -> _Found:
    found = evidence.scan.duplicates
    told = f"{found.share:.1%} of the rows repeat an earlier one in every column"
    if found.looked_at < evidence.scan.rows:
        told += f" (of {found.looked_at} drawn by their hash)"
    numbers = {"share": found.share, "repeated": found.repeated, "looked_at": found.looked_at}
    if found.share > limits.duplicate_share:
        limit = f"more than {limits.duplicate_share:.0%} ([data] duplicate_share)"
        return _failed(f"{told}, {limit}{at_rows(found.rows)}: drop the copies", numbers, found.rows)
    return _passed(told, numbers)


def _duplicate_ids(evidence: Evidence, limits: DataLimits) -> _Found:
    found = evidence.scan.duplicate_ids
    if found is None:
        return _passed("no column names the rows")
    numbers = {"repeated": found.repeated, "looked_at": found.looked_at}
    if found.repeated:
        column = repr(limits.id_column) if limits.id_column else "the id column"
        told = f"{found.repeated} of {found.looked_at} ids in {column} came before"
        message = f"{told}{at_rows(found.rows)}: keep one row of each"
        return _failed(message, numbers, found.rows)
    return _passed(f"{found.looked_at} ids differ", numbers)


def _balance(evidence: Evidence, limits: DataLimits) -> _Found:
    target, classes = evidence.schema.target, evidence.scan.classes
    if target not in evidence.scan.columns or not classes:
        return _passed("the target has no classes")
    if len(classes) == 1:
        return _failed("every row has the same label: no metric can be measured", {"classes": 1})
    rarest, rows = min(classes.values()), sum(classes.values())
    numbers = {"classes": len(classes), "rarest": rarest, "rows": rows}
    told = f"the rarest of {len(classes)} classes has {rarest} of {rows} rows"
    if rarest < limits.minority_share * rows:
        return _failed(f"{told}, below {limits.minority_share:.1%} ([data] minority_share): add rows of it", numbers)
    if rarest < FEWEST_OF_A_CLASS:
        return _failed(f"{told}, too few for a metric to mean much: add rows of it", numbers)
    return _passed(told, numbers)


def _leakage(evidence: Evidence, limits: DataLimits) -> _Found:
    sample, schema = evidence.scan.sample, evidence.schema
    if schema.target is None or schema.target not in sample.columns:
        return _passed("there is no target that could leak")
    features = [name for name in sample.columns if schema.is_feature(name)]
    found = leaks(sample.select([*features, schema.target]), schema.target, limits)
    if isinstance(found, str):
        return _passed(f"not looked for: {found}")
    if not found:
        return _passed("there is no feature that could leak")
    best, leaking = found[0], [leak for leak in found if leak.leaks]
    numbers = {f"value:{short(leak.feature)}": leak.value for leak in found[:MOST_NAMED]} | {
        "rows": float(sample.rows)
    }
    told = f"{short(best.feature)!r} alone has a {best.measure} of {best.value:.3f} of the target"
    if leaking:
        names = named([leak.feature for leak in leaking])
        message = (
            f"{names} alone tell the target: {told} (limit {best.limit:g}): what is only known once the label is "
            "cannot be a feature; drop it, or raise [data] leakage_auc or leakage_information"
        )
        return _failed(message, numbers)
    return _passed(told, numbers)


def _overlap(evidence: Evidence, limits: DataLimits) -> _Found:
    scan, training = evidence.scan, evidence.training
    if training is None:
        return _passed("the rows that trained are not known")
    if scan.columns.keys() != training.columns.keys():
        return _passed(f"not looked for: {scan.file} and {training.file} have different columns")
    found = overlap(scan.hashes, training.hashes)
    usual = training.duplicates.share
    told = f"{found.share:.1%} of the rows are in {training.file} too"
    numbers = {"share": found.share, "usual": usual, "repeated": found.repeated, "looked_at": found.looked_at}
    if found.share - usual > limits.overlap_share:
        message = (
            f"{told}, where {usual:.1%} of those repeat each other and {limits.overlap_share:.0%} more are tolerated "
            f"([data] overlap_share){at_rows(found.rows)}: hold out rows that did not train"
        )
        return _failed(message, numbers, found.rows)
    return _passed(told, numbers)


def _freshness(evidence: Evidence, limits: DataLimits) -> _Found:
    newest = evidence.scan.times.newest if evidence.scan.times else evidence.taken_to
    if newest is None:
        return _passed("nothing says when the rows came to be")
    hours = (evidence.at - newest).total_seconds() / 3_600
    told, numbers = f"the newest row is {hours:.1f} hours old", {"hours": hours}
    if limits.maximum_age_hours is not None and hours > limits.maximum_age_hours:
        limit = f"{limits.maximum_age_hours:g} ([data] maximum_age_hours)"
        return _failed(f"{told}, above {limit}: send newer rows", numbers | {"limit": limits.maximum_age_hours})
    return _passed(told, numbers)


def _clock(evidence: Evidence, limits: DataLimits) -> _Found:
    times = evidence.scan.times
    if times is None:
        return _passed("no column says when a row came to be")
    counts = {"unreadable": times.unreadable, "future": times.future, "ancient": times.ancient}
    numbers = {name: float(found.count) for name, found in counts.items()}
    words = {"unreadable": "are no times", "future": "lie in the future", "ancient": "lie before the year 2000"}
    faults = [f"{found.count} {words[name]}{at_rows(found.rows)}" for name, found in counts.items() if found.count]
    if faults:
        rows = tuple(row for found in counts.values() for row in found.rows)
        message = f"of the times in {limits.time_column!r}, {'; '.join(faults)}: set the clock that wrote them"
        return _failed(message, numbers, rows)
    return _passed("all times are past", numbers)


def _skew(evidence: Evidence, limits: DataLimits) -> _Found:
    if isinstance(evidence.skew, str):
        return _passed(f"not compared: {evidence.skew}")
    moved = sorted((shift for shift in evidence.skew if shift.drifted), key=lambda shift: -shift.psi)
    numbers = {f"psi:{short(shift.name)}": shift.psi for shift in moved[:MOST_NAMED]} | {"columns": float(len(moved))}
    if not moved:
        return _passed(f"{len(evidence.skew)} features are as the endpoint's live traffic is", numbers)
    worst = ", ".join(f"{short(shift.name)!r} (PSI {shift.psi:.2f})" for shift in moved[:MOST_NAMED])
    message = (
        f"{worst} are not as the endpoint's live traffic is: a model of these rows is judged for another traffic"
    )
    return _failed(message, numbers | {"limit": limits.skew_psi})


def _of_columns(found: Mapping[str, Occurrences], evidence: Evidence, what: str) -> _Found:
    """Judge columns of which each counts by itself."""
    numbers = {"columns": float(len(found))} | {
        f"rows:{short(name)}": float(each.count) for name, each in _few(found)
    }
    if not found:
        return _passed("nothing of it in any feature", numbers)
    worst = max(found.values(), key=lambda each: each.count)
    return _failed(f"{named(found)} {what}{at_rows(worst.rows)} of {evidence.scan.rows}", numbers, worst.rows)


def _features(evidence: Evidence) -> Iterator[tuple[str, ColumnScan]]:
    return (item for item in evidence.scan.columns.items() if evidence.schema.is_feature(item[0]))


def _few(found: Mapping[str, _Each]) -> list[tuple[str, _Each]]:
    return list(found.items())[:MOST_NAMED]
