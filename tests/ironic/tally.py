"""Counts passed and failed checks, and measures the duration of each stage."""

import collections
import statistics
import threading


# An error message of Ironic can contain a whole page from another program. The logs have the full text.
PROBLEM_CHARS_MAX = 800


class Tally:
    """All threads record their checks here."""

    def __init__(self):
        self._lock = threading.Lock()
        self.passed = 0
        self.failures = []
        self._seconds = collections.defaultdict(list)

    def record(self, check, problem):
        """Counts one check, which passed if `problem` is empty. Returns True if it passed."""
        with self._lock:
            if problem:
                self.failures.append(check)
                print(f"FAILED {check}: {problem[:PROBLEM_CHARS_MAX]}", flush=True)
            else:
                self.passed += 1
        return not problem

    def record_time(self, stage, seconds):
        with self._lock:
            self._seconds[stage].append(seconds)

    def stage_times(self):
        """The lines of a table, with the stages in the order in which nodes first passed them."""
        yield f"{'stage':<22} {'nodes':>5} {'median s':>9} {'longest s':>9}"
        for stage, seconds in self._seconds.items():
            yield f"{stage:<22} {len(seconds):>5} {statistics.median(seconds):>9.1f} {max(seconds):>9.1f}"

    def summary(self):
        return f"{self.passed} passed, {len(self.failures)} failed"
