"""The parts of the service that some calls need and that are not built yet.

A call with `needs="accounts"` must fail as long as "accounts" is a key here, and must pass afterwards. So remove a
key when its part is built.
"""

MISSING = {
    "accounts": "accounts and roles are read only",
    "tasks": "work that takes time answers 202 without a task that can be followed",
    "settings-result": "the annotation Settings shows no time and no messages of the last change that took effect",
}
