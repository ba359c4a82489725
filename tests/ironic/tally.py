"""Results: passed and failed checks with reasons, and the time of each stage."""

import collections
import statistics
import threading


# An error of Ironic can hold a whole HTML page. The logs have the full text.
PROBLEM_CHARS_MAX = 800


class Tally:
    """Counts checks from many threads."""

    def __init__(self):
        self._lock = threading.Lock()
        self.passed = 0
        self.failures = []
        self._seconds = collections.defaultdict(list)

    def check(self, what, problem):
        """Counts one check and returns whether it passed. `problem` is empty if it did."""
        with self._lock:
            if problem:
                self.failures.append(what)
                print(f"FAILED {what}: {problem[:PROBLEM_CHARS_MAX]}", flush=True)
            else:
                self.passed += 1
        return not problem

    def took(self, stage, seconds):
        with self._lock:
            self._seconds[stage].append(seconds)

    def times(self):
        """A table of the stages in the order in which they were first passed."""
        yield f"{'stage':<22} {'nodes':>5} {'median s':>9} {'longest s':>9}"
        for stage, seconds in self._seconds.items():
            yield f"{stage:<22} {len(seconds):>5} {statistics.median(seconds):>9.1f} {max(seconds):>9.1f}"

    def closing(self):
        return f"{self.passed} passed, {len(self.failures)} failed"
