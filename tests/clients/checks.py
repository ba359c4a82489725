"""Runs the calls of one client, and compares them with the list of all that the client can do."""

import fnmatch
import pathlib
import traceback
from typing import NamedTuple

from features import MISSING

FOLDER = pathlib.Path(__file__).resolve().parent


class Fault(NamedTuple):
    """A line of the client's code that is wrong. The check of such a call is expected to fail."""

    file: pathlib.Path
    line: int
    # Text that the line contains, so that a new version of the client cannot leave the number out of date.
    text: str
    why: str
    # Text of the error that follows from the fault, so that no other error is taken for it.
    error: str

    def __str__(self):
        return f"{'/'.join(self.file.parts[-2:])}:{self.line}: {self.why}"


class Checks:
    """The results of one client."""

    def __init__(self, client):
        self.client = client
        self.called = set()
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def check(self, shape, name, run, covers=None, needs=None, fault=None):
        """Calls `run`, which raises if the client or the service does something wrong.

        `covers` are the names of the client's list that the call is a call of: by default `name`. With `needs`, a key of
        `MISSING`, or with `fault` the check is expected to fail.
        """
        self.called.update([name] if covers is None else covers)
        try:
            run()
            problem = None
        except (Exception, SystemExit) as error:
            problem = _text(error)
        missing = MISSING.get(needs) and f"needs {needs}: {MISSING[needs]}"
        expected = missing or (fault and f"fault of the client: {fault}")
        if fault and fault.text not in (fault.file.read_text().splitlines()[fault.line - 1:fault.line] or [""])[0]:
            self.failed(shape, name, f"{fault.file} has no {fault.text!r} in line {fault.line}; update the fault")
        elif problem and expected and (missing or fault.error in problem):
            self._line("skipped", shape, name, f"fails as expected, {expected}; {' '.join(problem.split())[:160]}")
        elif problem:
            self.failed(shape, name, problem)
        elif expected:
            self.failed(shape, name, f"passes, so its mark is out of date: {expected}")
        else:
            self._line("passed", shape, name, "ok")

    def failed(self, shape, name, problem):
        self._line("failed", shape, name, f"FAILED: {problem}")

    def _line(self, kind, shape, name, text):
        self.counts[kind] += 1
        print(f"{self.client} [{shape}] {name}: {text}", flush=True)

    def compare(self, known):
        """Fails if something that the client can do has neither a call nor a reason, or if a reason is out of date."""
        reasons = left_out(self.client)
        for name in sorted(self.called - set(known)):
            self.failed("list", name, f"is called, but {self.client} has no such name")
        for name in sorted(set(known) - self.called):
            if not any(fnmatch.fnmatchcase(name, pattern) for pattern in reasons):
                self.failed("list", name, "has neither a call nor a line in left-out.txt")
        for pattern in reasons:
            matches = fnmatch.filter(known, pattern)
            if not matches:
                self.failed("list", pattern, "left-out.txt has this line, but the client has no such name any more")
            for name in sorted(self.called.intersection(matches)):
                self.failed("list", name, f"is called, and left-out.txt has the line {pattern}")
        left = {name for name in known for pattern in reasons if fnmatch.fnmatchcase(name, pattern)}
        print(f"{self.client}: {len(known)} names, {len(self.called)} with calls, {len(left)} left out", flush=True)


def left_out(client):
    """The patterns of left-out.txt for a client, each with its reason."""
    found = {}
    for line in (FOLDER / "left-out.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            owner, pattern, reason = (part.strip() for part in line.split(" | ", 2))
            if owner == client:
                found[pattern] = reason
    return found


def _text(error):
    last = traceback.extract_tb(error.__traceback__)[-1:] or [None]
    place = f" (at {pathlib.Path(last[0].filename).name}:{last[0].lineno})" if last[0] else ""
    return f"{type(error).__name__}: {error}{place}".replace("\n", "\n    ")
