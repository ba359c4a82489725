"""Installs the clients below a folder of the checkout, once for each version of them."""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import zipfile

FOLDER = pathlib.Path(__file__).resolve().parent
CRATE = FOLDER / "nv_redfish"
INSTALL_MAX_S = 600
COLLECTION = "ansible_collections/community/general/"


def python(work):
    """The Python that has the clients. `work/collections` has the collection."""
    venv = work / "python"
    collection = FOLDER / "collection.txt"

    def unpack(pip):
        _run([*pip, "download", "--no-deps", "--require-hashes", "-d", work / "packages", "-r", collection])
        package, = (work / "packages").iterdir()
        with zipfile.ZipFile(package) as archive:
            members = [name for name in archive.namelist() if name.startswith(COLLECTION) and "/tests/" not in name]
            archive.extractall(work / "collections", members)
        shutil.rmtree(work / "packages")

    folders = (venv, work / "collections", work / "packages")
    return _environment(venv, FOLDER / "requirements.txt", work / "installed.sha256", folders, unpack, collection.read_text())


def ilorest(work):
    """The Python that has HPE's ilorest. Its library has the name of DMTF's."""
    venv = work / "ilorest"
    return _environment(venv, FOLDER / "requirements-ilorest.txt", work / "ilorest.sha256", (venv,), lambda _: None)


def _environment(venv, requirements, stamp, folders, further, more=""):
    # A virtual environment contains absolute paths, so the stamp includes its location.
    content = f"{sys.version} {sys.executable} {venv}\n{requirements.read_text()}{more}"
    wanted = hashlib.sha256(content.encode()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", venv])
        pip = [venv / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        # The list is complete. With --no-deps pip installs only the packages in it.
        _run([*pip, "install", "--no-deps", "--require-hashes", "-r", requirements])
        _run([*pip, "check"])
        further(pip)
        stamp.write_text(wanted)
    return venv / "bin/python"


def crate(work):
    """The program that calls nv-redfish."""
    target = work / "nv_redfish"
    # Also the crates of other systems, which `cargo metadata --offline` reads later.
    _run(["cargo", "fetch", "--quiet", "--locked", "--manifest-path", CRATE / "Cargo.toml"])
    _run(["cargo", "build", "--quiet", "--locked", "--manifest-path", CRATE / "Cargo.toml", "--target-dir", target])
    return target / "debug/fauxmetal-clients-nv-redfish"


def _run(command):
    subprocess.run([str(word) for word in command], check=True, timeout=INSTALL_MAX_S)
