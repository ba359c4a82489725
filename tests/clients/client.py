"""Makes the calls of one client in all shapes. `run` starts it with the Python that has the clients."""

import argparse
import importlib
import os
import sys

import bmc
import checks


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client")
    parser.add_argument("--fauxmetal", required=True)
    options = parser.parse_args()
    os.environ["FAUXMETAL"] = options.fauxmetal
    module = importlib.import_module(f"calls.{options.client}")
    results = checks.Checks(options.client)
    for shape in bmc.SHAPES:
        with bmc.Bmc(shape) as one:
            before = one.untouched()
            module.run(results, one)
            results.check(shape, "the other nodes are unchanged", lambda: _same(before, one.untouched()), covers=[])
    results.compare(module.known())
    print("{}: {passed} passed, {failed} failed, {skipped} skipped".format(options.client, **results.counts))
    sys.exit(1 if results.counts["failed"] or not results.counts["passed"] else 0)


def _same(before, after):
    assert before == after, f"other nodes have changed: {before}, now {after}"


main()
