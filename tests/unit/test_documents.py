"""The documents name only what is there."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel
from typer.testing import CliRunner

from serinus.adapters.schemas.policy import PolicyFile
from serinus.cli.main import app

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([_ROOT / "README.md", *(_ROOT / "docs").rglob("*.md")])
_MADE = {"build", "cdk.out", ".venv"}


def _blocks(page: Path) -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_make_target_named_is_there(page: Path) -> None:
    """A newcomer types what the page says."""
    targets = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in re.findall(r"^make ([a-z -]+)", _blocks(page), re.MULTILINE):
        assert set(line.split()) <= targets


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_command_named_is_there(page: Path) -> None:
    """Each `serinus …` line of a shell block is a command, and takes the options given."""
    for line in re.findall(r"^serinus ([^#\n]+)", _blocks(page), re.MULTILINE):
        command = (
            line.split()[:2]
            if line.startswith(("data", "labels", "local", "report", "rollout", "token"))
            else line.split()[:1]
        )
        told = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})  # narrow, it cuts long options
        assert told.exit_code == 0, line
        for option in re.findall(r"--[a-z-]+", line):
            assert option in told.output, line


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_every_file_linked_is_there(page: Path) -> None:
    """Links between pages, and paths in the table of questions, lead somewhere."""
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"`((?:layers|infra_cdk|functions|tests|events|docs)/[\w./-]+)`", text):
        if path.split("/")[0] not in _MADE and "<" not in path:
            assert (_ROOT / path).exists(), path


def test_every_decision_has_a_number_of_its_own_and_stands_in_the_list() -> None:
    """Decisions are cited by number; the list names each by number and title, once."""
    folder = _ROOT / "docs" / "decisions"
    listed = re.findall(
        r"^- \[(\d+)\. (.+)\]\((.+)\)$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    titles = {page.name: page.read_text(encoding="utf-8").splitlines()[0] for page in folder.glob("0*.md")}
    assert {name: f"# {number}. {title}" for number, title, name in listed} == titles
    assert sorted(int(number) for number, _, _ in listed) == sorted(int(name[:4]) for name in titles)
    assert len(listed) == len(titles) == len({name[:4] for name in titles})


def test_every_page_is_linked() -> None:
    """A page that nothing leads to is not read."""
    linked = {
        (page.parent / link).resolve()
        for page in _PAGES
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    }
    assert [page.name for page in _PAGES if page not in linked and page.name != "README.md"] == []


def _policies() -> dict[str, set[str]]:
    """Return the words of the pages' policies, comments included, by table."""
    words: dict[str, set[str]] = {}
    for page in _PAGES:
        for block in re.findall(r"^```toml\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
            table = ""
            for line in block.splitlines():
                header = re.match(r"(?:# )?\[\[?([a-z_.]+)\]", line)
                table = header[1] if header else table
                words.setdefault(table, set()).update(re.findall(r"\w+", line))
    return words


def _schemas(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the tables that a field of this type holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _schemas(inner)


def _tables(schema: type[BaseModel], name: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each table of a policy file with its schema; the file itself has no name."""
    yield name, schema
    for field, told in schema.model_fields.items():
        for inner in _schemas(told.annotation):
            yield from _tables(inner, f"{name}.{field}".strip("."))


def test_every_field_of_a_policy_is_shown() -> None:
    """Each stands in a page's policy, in its table or another of the same schema, with a value or in a comment."""
    words = _policies()
    shown: dict[type[BaseModel], set[str]] = {}
    tables = list(_tables(PolicyFile))
    for name, schema in tables:
        shown.setdefault(schema, set()).update(words.get(name, ()))
    lacking = [f"[{name}] {field}" for name, schema in tables for field in set(schema.model_fields) - shown[schema]]
    parts = {part for table in words for part in table.split(".")}
    assert sorted(field for field in lacking if field.split()[1] not in parts) == []


def test_the_page_about_policies_names_every_table() -> None:
    """What can be declared is found in one place, with a link to where it is explained."""
    text = (_ROOT / "docs" / "how-to" / "add-an-endpoint.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\[\[?([a-z_.]+)\]", text))
    assert {name for name, _ in _tables(PolicyFile) if name} <= named
