"""What can go wrong with the local cloud.

::

    SerinusError
    └── LocalCloudError
        ├── PortTaken
        ├── LocalCloudDidNotStart
        ├── AlreadyRunning
        ├── NotRunning
        ├── WrongMinistack
        ├── MendRefused
        ├── NodeMissing
        ├── SynthesisFailed
        ├── AssemblyUnreadable
        └── StackFailed
"""

from __future__ import annotations

from pathlib import Path

from serinus.errors import SerinusError


class LocalCloudError(SerinusError):
    """Anything that is wrong with the local cloud itself."""


class PortTaken(LocalCloudError):
    """The port asked for is in use."""

    def __init__(self, port: int, holder: str | None = None) -> None:
        self.port = port
        self.holder = holder
        by = f" by {holder}" if holder else ""
        super().__init__(f"Port {port} is taken{by}: choose another port.")


class KeptStateIncomplete(LocalCloudError):
    """The local cloud that kept its state was killed."""

    def __init__(self) -> None:
        super().__init__(
            "The local cloud that kept its state was killed before it could save all of it: remove what it kept with "
            "`serinus local reset`, or start without --keep."
        )


class LocalCloudDidNotStart(LocalCloudError):
    """The process ended, or did not answer within its deadline."""

    def __init__(self, reason: str, log_tail: str) -> None:
        self.reason = reason
        self.log_tail = log_tail
        super().__init__(f"The local cloud did not start: {reason}.\n{log_tail}".rstrip())


class AlreadyRunning(LocalCloudError):
    """A local cloud runs on this state directory already."""

    def __init__(self, pid: int, endpoint_url: str) -> None:
        self.pid = pid
        self.endpoint_url = endpoint_url
        super().__init__(f"The local cloud is already running at {endpoint_url} (process {pid}).")


class NotRunning(LocalCloudError):
    """There is no local cloud to talk to."""

    def __init__(self) -> None:
        super().__init__("The local cloud is not running: start it with `serinus local up`.")


class WrongMinistack(LocalCloudError):
    """Another ministack than the one that the mends are written against is installed."""

    def __init__(self, wanted: str, found: str | None) -> None:
        self.wanted = wanted
        self.found = found
        has = f"{found} is installed" if found else "none is installed"
        super().__init__(f"The local cloud runs on ministack {wanted} exactly, and {has}: install `serinus[local]`.")


class MendRefused(LocalCloudError):
    """What a mend replaces is not where, or not what, it was."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"ministack is not as the mends expect: {what}.")


class NodeMissing(LocalCloudError):
    """The CDK needs Node.js, and there is none on the path."""

    def __init__(self) -> None:
        super().__init__("The CDK runs on Node.js, and `node` is not on the PATH: install Node.js 20 or newer.")


class SynthesisFailed(LocalCloudError):
    """The CDK app ended with an error."""

    def __init__(self, output: str) -> None:
        self.output = output
        super().__init__(f"The CDK app could not be synthesised.\n{output}".rstrip())


class AssemblyUnreadable(LocalCloudError):
    """A directory is not a cloud assembly that can be deployed here."""

    def __init__(self, directory: Path, reason: str) -> None:
        self.directory = directory
        self.reason = reason
        super().__init__(f"{directory} cannot be deployed: {reason}.")


class StackFailed(LocalCloudError):
    """A stack did not reach the state that was asked for."""

    def __init__(self, stack: str, status: str, reasons: dict[str, str]) -> None:
        self.stack = stack
        self.status = status
        self.reasons = reasons
        lines = "".join(f"\n  {resource}: {reason}" for resource, reason in reasons.items())
        super().__init__(f"Stack {stack} ended as {status}.{lines}")
