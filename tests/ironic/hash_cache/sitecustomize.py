"""Caches Ironic's one slow hash, so that a small machine can drive many nodes.

Ironic's Redfish driver runs 600,000 rounds of PBKDF2 at each access to a BMC. It needs the result to find
the open session in its session cache (`SessionCache` in ironic/drivers/modules/redfish/utils.py). Equal
inputs always give equal results, so this module stores each result.
Python imports this file at start if its folder is on PYTHONPATH. `run --no-hash-cache` omits the folder.
The cache holds passwords in memory: use it in tests only.
"""

import hashlib

_pbkdf2_hmac = hashlib.pbkdf2_hmac
_cache = {}
# One entry per (password, salt). This is enough for a thousand nodes with a password each.
_ENTRIES_MAX = 4096


def _cached_pbkdf2_hmac(hash_name, password, salt, iterations, dklen=None):
    key = (hash_name, bytes(password), bytes(salt), iterations, dklen)
    derived = _cache.get(key)
    if derived is None:
        derived = _pbkdf2_hmac(hash_name, password, salt, iterations, dklen)
        if len(_cache) < _ENTRIES_MAX:
            _cache[key] = derived
    return derived


hashlib.pbkdf2_hmac = _cached_pbkdf2_hmac
