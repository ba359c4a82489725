"""Installs the prerequisites: system tools, and Ironic in a virtual environment."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pathlib
import shutil
import sys

import child
from errors import RunError

# Commands and their Debian packages. Ironic makes boot images with the first three. images.py makes the
# qcow2 image with the fourth.
TOOLS = {
    "mkisofs": "genisoimage",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "qemu-img": "qemu-utils",
}
# The boot loader of BIOS-mode boot images.
ISOLINUX = pathlib.Path("/usr/lib/ISOLINUX/isolinux.bin")
LDLINUX = pathlib.Path("/usr/lib/syslinux/modules/bios/ldlinux.c32")
FILES = {ISOLINUX: "isolinux", LDLINUX: "syslinux-common"}
MARIADB = {"mariadbd": "mariadb-server"}
APT_LIMIT_S = 300
PIP_LIMIT_S = 600


@contextlib.contextmanager
def claim(work):
    """Claims the folder `work` for one run at a time. Yields a new folder for its logs."""
    logs = work / "log"
    work.mkdir(parents=True, exist_ok=True)
    with open(work / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            sys.exit(f"another run uses {work}; choose another folder with --work")
        shutil.rmtree(logs, ignore_errors=True)
        logs.mkdir()
        yield logs


def search_path():
    """PATH with the folders of mkfs.vfat, which are often missing from the PATH of ordinary users."""
    return os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def missing_packages(database):
    tools = TOOLS | (MARIADB if database == "mariadb" else {})
    missing = {package for tool, package in tools.items() if not shutil.which(tool, path=search_path())}
    missing |= {package for file, package in FILES.items() if not file.exists()}
    # Debian packages the module that makes virtual environments separately from Python.
    if not importlib.util.find_spec("ensurepip"):
        missing.add("python3-venv")
    return sorted(missing)


def install_tools(database, log):
    """Installs the missing Debian packages. Without root or apt-get, raises RunError with their names."""
    missing = missing_packages(database)
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RunError("missing system tools; install them as root: apt-get install " + " ".join(missing))
    print("installing system packages:", ", ".join(missing), flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    child.run("apt-get update", ["apt-get", "update", "-qq"], log, APT_LIMIT_S, env)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    child.run("apt-get install", install, log, APT_LIMIT_S, env)
    if missing := missing_packages(database):
        raise RunError("packages still missing after apt-get install: " + ", ".join(missing), log)


def install_ironic(venv, requirements, log):
    """Makes the virtual environment, and makes it anew if `requirements` or Python changes."""
    # A virtual environment contains absolute paths, so the stamp includes its location.
    content = f"{sys.version} {sys.executable} {venv}\n{requirements.read_text()}"
    wanted = hashlib.sha256(content.encode()).hexdigest()
    stamp = venv / "installed.sha256"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"installing Ironic into {venv} (once, about a minute)", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    child.run("venv", [sys.executable, "-m", "venv", venv], log, PIP_LIMIT_S)
    _pip_install(venv, requirements, log)
    stamp.write_text(wanted)


def install_keystone(venv, requirements, log):
    """Adds Keystone to the virtual environment of Ironic, whose packages most of its dependencies are."""
    stamp, wanted = venv / "keystone.txt", requirements.read_text()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"installing Keystone into {venv} (once, about ten seconds)", flush=True)
    _pip_install(venv, requirements, log)
    stamp.write_text(wanted)


def _pip_install(venv, requirements, log):
    pip = [venv / "bin/python", "-m", "pip", "--disable-pip-version-check", "--no-input"]
    # The list is complete. With --no-deps pip installs only the packages in it.
    child.run("pip install", [*pip, "install", "--no-deps", "-r", requirements], log, PIP_LIMIT_S)
    child.run("pip check", [*pip, "check"], log, PIP_LIMIT_S)
