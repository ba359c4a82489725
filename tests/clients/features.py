"""The parts of the service that some calls need and that are not built yet.

A call with `needs="accounts"` must fail as long as "accounts" is a key here, and must pass afterwards. So remove a
key when its part is built.
"""

MISSING = {
    "settings-result": "the annotation Settings shows no time and no messages of the last change that took effect",
}
