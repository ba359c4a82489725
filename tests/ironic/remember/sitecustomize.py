"""Lets a small machine drive many nodes: the slow hash of Ironic is computed once for each password.

Ironic's Redfish driver runs 600,000 rounds of PBKDF2 each time it touches a BMC, to find the open
session in a table of its own. The same inputs always give the same bytes, so this caches the results.
Python imports this file by itself when the folder is on PYTHONPATH; `run --no-remember` leaves it out.
It holds passwords in memory and is for tests alone.
"""

import hashlib

_derive = hashlib.pbkdf2_hmac
_answers = {}
# One entry for each password and salt: enough for a thousand nodes with different passwords.
_ANSWERS_MAX = 4096


def _remembered(hash_name, password, salt, iterations, dklen=None):
    question = (hash_name, bytes(password), bytes(salt), iterations, dklen)
    answer = _answers.get(question)
    if answer is None:
        answer = _derive(hash_name, password, salt, iterations, dklen)
        if len(_answers) < _ANSWERS_MAX:
            _answers[question] = answer
    return answer


hashlib.pbkdf2_hmac = _remembered
