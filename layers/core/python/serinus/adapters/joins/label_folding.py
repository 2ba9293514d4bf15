"""Makes one file of a day's labels, by which the same labels count as by the files that it is made of."""

from __future__ import annotations

from serinus.adapters.joins.database import literal
from serinus.adapters.joins.label_days import metadata_of
from serinus.adapters.joins.label_files import FITS, VALUES
from serinus.adapters.joins.label_table import LabelTable
from serinus.domain.task import Task

_PREDICTION = ", ".join(["row_id", "id", "row", "way", *(f"is_{task}" for task in Task)])


def folded(table: LabelTable) -> bytes:
    """Return the day's file of what was added.

    It holds every label that has, or once had, the last word among files written until then: the one that counts now,
    and those that counted at earlier instants, which a rollout may still ask about. What never counted is left out,
    except that it was there and said something else. A label that one task reads and another does not takes the word
    from none that both read: the policy's task may change, and change back.

    Args:
        table: with labels as they were written.
    """
    table.take_turns()
    database = table.database
    path = database.path("folded.parquet")
    before = "RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
    earlier = f"max(turn) OVER (PARTITION BY {_PREDICTION} ORDER BY place {before})"
    last_of_file = f"row_number() OVER (PARTITION BY {_PREDICTION}, place ORDER BY turn DESC) = 1"
    others = f"FILTER (NOT had_last_word) OVER (PARTITION BY {_PREDICTION})"
    database.connection.execute(
        f"COPY (WITH valued AS (SELECT *, {table.value} AS value FROM {_by_task('told')}), "
        f"judged AS (SELECT *, {last_of_file} AND coalesce(turn > {earlier}, true) AS had_last_word FROM valued), "
        f"compared AS (SELECT *, min(value) {others} AS least, max(value) {others} AS most, "
        f"bool_or(corrected) {others} AS otherwise FROM judged) "
        "SELECT row_id, id, row, label, instant, "
        "corrected OR coalesce(otherwise OR least <> value OR most <> value, false) AS corrected, file "
        f"FROM compared WHERE had_last_word ORDER BY place, position) TO {literal(str(path))} "
        f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {metadata_of(table.counted())})"
    )
    return path.read_bytes()


def _by_task(labels: str) -> str:
    """Return labels with a column for each task: whether it reads them."""
    for task in Task:
        valued = f"(SELECT *, {VALUES[task]} AS value FROM {labels})"
        labels = f"(SELECT * EXCLUDE (value), {FITS[task]} AS is_{task} FROM {valued})"
    return labels
