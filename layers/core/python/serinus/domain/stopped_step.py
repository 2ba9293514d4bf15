"""A step of the release pipeline that ended without a result: out of time or memory, or by an error that stayed."""

from __future__ import annotations

from dataclasses import dataclass

from serinus.domain.gates import Finding

STOPPED = "stopped:"  # what the gates of findings like this begin with

_OUT_OF_TIME = frozenset({"States.Timeout", "Sandbox.Timedout"})
_OUT_OF_MEMORY = "Runtime.OutOfMemory"
_CRASHED = frozenset({"Runtime.ExitError", "Lambda.Unknown"})
_KILLED = "signal: killed"  # which is what the kernel does to a process that takes more memory than there is
_SHOWN = 400  # characters of the error's own words


@dataclass(frozen=True)
class StoppedStep:
    """What is known of the end.

    Attributes:
        step: the function that did not finish, such as `validate_model`.
        error: its kind, by the name that Step Functions and Lambda give it.
        message: its own words; may be empty.
    """

    step: str
    error: str
    message: str = ""

    @property
    def finding(self) -> Finding:
        """What stands against the release, in words that say what to do."""
        return Finding(f"{STOPPED}{self.step}", passed=False, message=self.reason)

    @property
    def reason(self) -> str:
        """What happened, and what to do.

        >>> StoppedStep("validate_model", "Runtime.OutOfMemory").reason
        'validate_model was stopped, as it took more memory than it has (Runtime.OutOfMemory): make the model \
smaller or hold out fewer rows, and push it again'
        """
        words = " ".join(self.message.split())[:_SHOWN]
        said = f"{self.error}: {words}" if words else self.error
        if self.error in _OUT_OF_TIME or "Task timed out" in words:
            return (
                f"{self.step} was stopped, as it took too long ({said}): look how long the model takes for a row and "
                "whether it ends for every row, make it smaller or hold out fewer rows, and push it again"
            )
        if self.error == _OUT_OF_MEMORY or _KILLED in words:
            return (
                f"{self.step} was stopped, as it took more memory than it has ({said}): make the model smaller or "
                "hold out fewer rows, and push it again"
            )
        if self.error in _CRASHED:
            return (
                f"{self.step} crashed ({said}): look whether the model can be loaded and run elsewhere, and how "
                "large it is; make it smaller or export it again, and push it again"
            )
        return (
            f"{self.step} failed, and again each time that it was tried anew ({said}): that says nothing about the "
            f"model; look into the log of {self.step}, mend what it tells, and push the model again"
        )
