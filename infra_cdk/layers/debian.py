"""Debian's packages of Lambda's Python, unpacked into a folder: nothing of the machine is changed, no rights needed.

The mirror is the machine's own: its sources lists are read, and asked for the suite that has this Python.
"""

from __future__ import annotations

import platform
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from infra_cdk.layers.commands import run
from infra_cdk.layers.errors import BuildFailed, PythonNotAtHand
from infra_cdk.layers.rules import PYTHON_VERSION

ROOT = Path(__file__).parents[2] / "build" / f"python{PYTHON_VERSION}"
_SUITE = "trixie"  # the release whose Python is 3.13
_PACKAGES = (f"python{PYTHON_VERSION}-minimal", f"libpython{PYTHON_VERSION}-stdlib", "libstdc++6")
_MERGED = ("bin", "lib", "lib64")  # links into usr that a package of their own makes on an installed Debian
_SHELLS_AND_TEXTS = ("usr/share",)
_APT = Path("/etc/apt")
_OS_RELEASE = Path("/etc/os-release")


def unpacked(root: Path = ROOT) -> Path:
    """Return a folder with Python, its standard library and the libraries they link to, fetched if it is not there.

    About 15 MB are downloaded.

    Raises:
        PythonNotAtHand: this machine is no Debian on x86_64, or its mirror does not answer.
    """
    if root.is_dir():
        return root
    if platform.machine() != "x86_64":
        raise PythonNotAtHand(PYTHON_VERSION, f"install python{PYTHON_VERSION}; Debian's is fetched on x86_64 only")
    making = root.with_name(f"{root.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    try:
        for package in _downloaded(making / "apt"):
            run(["dpkg-deb", "-x", str(package), str(making / "root")])
    except BuildFailed as error:
        raise PythonNotAtHand(PYTHON_VERSION, f"install python{PYTHON_VERSION}; Debian's: {error}") from error
    for name in _MERGED:
        if not (making / "root" / name).exists():
            (making / "root" / name).symlink_to(f"usr/{name}")
    for name in _SHELLS_AND_TEXTS:
        shutil.rmtree(making / "root" / name)
    (making / "root").rename(root)
    shutil.rmtree(making)
    return root


def sources(listed: str, codename: str) -> Iterator[str]:
    """Yield what a sources list says of Debian's own suites, asked for another release's.

    Args:
        listed: the text of a file in `/etc/apt`, in either of the two formats.
        codename: the release that the machine runs.
    """
    suites = rf"(?<![\w/-]){codename}((?:-updates|-security)?)(?![\w-])"
    for stanza in re.split(r"\n\s*\n", listed):
        if re.search(rf"^Suites:.*{suites}", stanza, re.MULTILINE):
            yield re.sub(r"(?m)^(Suites:.*)$", lambda line: re.sub(suites, rf"{_SUITE}\1", line[0]), stanza)
        for line in stanza.splitlines():
            if re.match(rf"deb\s.*\s{suites}\s", line):
                yield re.sub(rf"(?<=\s){suites}(?=\s)", rf"{_SUITE}\1", line)


def _downloaded(apt: Path) -> list[Path]:
    for name in ("lists/partial", "archives/partial", "parts"):
        (apt / name).mkdir(parents=True)
    (apt / "status").touch()
    _write_sources(apt / "parts")
    run(["apt-get", *_options(apt), "update"])
    run(["apt-get", *_options(apt), "install", "--yes", "--download-only", "--no-install-recommends", *_PACKAGES])
    return sorted((apt / "archives").glob("*.deb"))


def _options(apt: Path) -> list[str]:
    said = {
        "Dir::Etc::SourceList": "/dev/null",
        "Dir::Etc::SourceParts": apt / "parts",
        "Dir::State": apt,
        "Dir::State::Lists": apt / "lists",
        "Dir::State::Status": apt / "status",
        "Dir::Cache": apt,
        "Dir::Cache::Archives": apt / "archives",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Sandbox::User": "",  # the folders are ours, not those of the user that apt would become
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": 2,
    }
    return ["-q", *(f"--option={name}={value}" for name, value in said.items())]


def _write_sources(parts: Path) -> None:
    codename = re.search(r"^VERSION_CODENAME=(\w+)$", _text(_OS_RELEASE), re.MULTILINE)
    if codename is None:
        raise BuildFailed("this machine is no Debian")
    lists = [_APT / "sources.list", *sorted((_APT / "sources.list.d").glob("*"))]
    for number, path in enumerate(lists):
        found = list(sources(_text(path), codename[1]))
        if found:
            suffix = ".sources" if path.suffix == ".sources" else ".list"
            (parts / f"{number}{suffix}").write_text("\n\n".join(found) + "\n", encoding="utf-8")
    if not any(parts.iterdir()):
        raise BuildFailed("this machine's sources lists name no Debian mirror")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
