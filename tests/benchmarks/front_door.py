"""What `python -m tests.benchmarks.serving` and `.watching` share: parts are chosen, run, printed and judged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.benchmarks.figures import Section
from tests.benchmarks.processes import end_on_termination
from tests.benchmarks.progress import Tell, teller
from tests.benchmarks.report import machine, print_section, write_json

Part = Callable[[Tell, bool, Sequence[Section]], Iterable[Section]]
_WIDTH = 140


@dataclass(frozen=True)
class FrontDoor:
    """A benchmark as it is started.

    Attributes:
        module: what Python is told to run.
        about: what it is and how to call it, for `--help`.
        lasts: how long all parts take, in words.
        parts: by name, in their order; each is given what tells progress, whether to be quick, and the sections
            before it.
    """

    module: str
    about: str | None
    lasts: str
    parts: Mapping[str, Part]

    def run(self, arguments: Sequence[str]) -> int:
        """Run the parts asked for; return 1 where a promise is broken. A goal that is missed is told, and no failure.

        Whatever is started is stopped again, on errors and on Ctrl-C, too.
        """
        asked = self._parsed(arguments)
        end_on_termination()
        console, tell, on = Console(width=_WIDTH), teller(), machine()
        console.print(on, highlight=False)
        console.print(self.lasts, highlight=False)
        sections: list[Section] = []
        try:
            for part in asked.only or self.parts:
                for section in self.parts[part](tell, asked.quick, tuple(sections)):
                    sections.append(section)
                    print_section(section, console)
                    if asked.json:  # after each: what was measured outlives an interruption
                        write_json(sections, on, asked.json)
        except KeyboardInterrupt:
            sys.stderr.write("stopped, and so is everything that was started\n")
            return 130
        return exit_code(sections)

    def _parsed(self, arguments: Sequence[str]) -> argparse.Namespace:
        parser = argparse.ArgumentParser(
            prog=f"python -m {self.module}",
            description=self.about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("--only", choices=list(self.parts), action="append", help="this part; may be given again")
        parser.add_argument(
            "--quick", action="store_true", help="fewer rounds: to see that it runs, not to be quoted"
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures, unrounded, too")
        return parser.parse_args(arguments)


def exit_code(sections: Sequence[Section]) -> int:
    """Return 1 where a promise is broken, 0 where goals are missed at most."""
    return int(any(goal.promised and not goal.reached for section in sections for goal in section.goals))
