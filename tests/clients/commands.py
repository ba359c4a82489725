"""Runs the commands of a client that is a program in Python, in this process: a process each would cost a second."""

import contextlib
import io
import re
import sys
from typing import NamedTuple


# The longest wait for a value that is expected not to come, because of a fault of the client or a missing part.
EXPECTED_FAILURE_MAX_S = 2


class Call(NamedTuple):
    """A command with the result that it must have. {NAMES} in texts are those of `Bmc.words`."""

    arguments: list
    # A regular expression that the output must contain, or a function of the BMC and the output that raises AssertionError.
    shows: object = ""
    code: int = 0
    # Values that the service must show afterwards, by their places.
    after: dict = {}
    # Prepares the service: a function of the BMC.
    before: object = None
    # What happens while the command runs: a function of the BMC that returns a context.
    around: object = None
    # What to wait for afterwards: a function of the BMC.
    then: object = None
    needs: str = None
    fault: object = None
    # The shape that the call is for, if it is for one alone: "shared" or "own".
    shape: str = None


def filled(text, words):
    """The text with the words in their places. Other braces, such as those of JSON, stay."""
    for name, word in words.items():
        text = text.replace("{" + name + "}", word)
    return text


def outcome(run, arguments):
    """The exit code and the output of a program that `run` starts with these arguments."""
    output, before = io.StringIO(), sys.argv
    sys.argv = arguments
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            run()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
    return code, output.getvalue()


def expect(bmc, call, words, code, output):
    """Raises AssertionError if a call had another result than the one it must have."""
    assert code == call.code, f"exit code {code}: {output[-600:]}"
    if callable(call.shows):
        call.shows(bmc, output)
    else:
        assert re.search(filled(call.shows, {name: re.escape(word) for name, word in words.items()}), output), \
            f"no {call.shows!r} in: {output[-600:]}"
    limit = {"max_s": EXPECTED_FAILURE_MAX_S} if call.fault or call.needs else {}
    for place, wanted in call.after.items():
        bmc.wait(filled(place, words), filled(wanted, words) if isinstance(wanted, str) else wanted, **limit)
    if call.then:
        call.then(bmc)
