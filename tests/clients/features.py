"""The parts of the service that some calls need and that are not built yet.

A call whose `needs` is a key here must fail, and must pass once the key is removed. So remove a key when its part is built.
"""

MISSING = {}
