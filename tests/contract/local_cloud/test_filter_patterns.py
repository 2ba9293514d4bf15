"""Filter patterns: which lines they admit."""

import json

import pytest

from serinus.local_cloud.mends.filter_patterns import PatternRefused, compile_pattern

pytestmark = pytest.mark.e2e

EVENT = json.dumps(
    {
        "type": "platform.report",
        "record": {"release": "r-1", "status": "success", "rows": 3, "ok": True, "none": None},
        "list": [{"id": 7}],
        "ip": "123.123.0.1",
    }
)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "  ",
        "{ $.record.release = * }",
        '{ $.record.release = "*" }',
        '{ ($.type = "platform.report") || ($.record.nothing = *) }',
        '{ $.type = "platform.*" && $.record.rows > 2 }',
        '{ $.type = "nothing" || $.type = "platform.report" && $.record.rows = 3 }',
        "{ $.record.rows >= 3.0 && $.record.rows < 4 && $.record.rows != 5 }",
        "{ $.record.ok IS TRUE }",
        "{ $.record.none IS NULL }",
        "{ $.record EXISTS }",
        "{ $.nothing NOT EXISTS }",
        "{ $.list[0].id = 7 }",
        "{ $.ip != 10.0.* }",
        "platform report",
        '"platform.report"',
        "platform -failure",
    ],
)
def test_admits(pattern: str) -> None:
    """Patterns that the event matches."""
    assert compile_pattern(pattern)(EVENT)


@pytest.mark.parametrize(
    "pattern",
    [
        "{ $.nothing = * }",
        "{ $.record = * }",
        "{ $.record.none = * }",
        '{ $.type = "platform.start" }',
        "{ $.record.rows > 3 }",
        "{ $.record.release > 3 }",
        "{ ($.record.rows = 3 || $.record.rows = 4) && $.record.ok IS FALSE }",
        "{ $.list[1].id = 7 }",
        "platform failure",
        "platform -report",
    ],
)
def test_leaves_out(pattern: str) -> None:
    """Patterns that it does not match; a selector that leads to an object never does."""
    assert not compile_pattern(pattern)(EVENT)


@pytest.mark.parametrize("line", ["not json", "", "{broken", "[1]", "START RequestId: 1"])
def test_lines_that_are_no_json_objects_never_match_json_patterns(line: str) -> None:
    """Nor do they raise."""
    assert not compile_pattern("{ $.type NOT EXISTS }")(line)


@pytest.mark.parametrize(
    "pattern",
    ["{ $.a = }", "{ $.a = 1", "{ ($.a = 1 }", "{ $.a > word }", "{ a = 1 }", "[w1, w2]", "{ $.a = %x% }"],
)
def test_refuses(pattern: str) -> None:
    """What is no pattern, or outside the subset, is refused rather than ignored."""
    with pytest.raises(PatternRefused):
        compile_pattern(pattern)
