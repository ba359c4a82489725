"""Finds a free port."""

import random
import socket

from errors import RunError


def free_port():
    """A free loopback port.

    It is below the kernel's range of ports for outgoing connections. Therefore no connection of this run
    takes the port in the seconds before Ironic listens on it.
    """
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RunError("100 random ports on 127.0.0.1 from 20000 to 31999 are all in use")
