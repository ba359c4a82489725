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
    requirements, collection = FOLDER / "requirements.txt", FOLDER / "collection.txt"
    venv = work / "python"
    # A virtual environment contains absolute paths, so the stamp includes its location.
    content = f"{sys.version} {sys.executable} {venv}\n{requirements.read_text()}{collection.read_text()}"
    wanted, stamp = hashlib.sha256(content.encode()).hexdigest(), work / "installed.sha256"
    if not (stamp.exists() and stamp.read_text() == wanted):
        for folder in (venv, work / "collections", work / "packages"):
            shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", venv])
        pip = [venv / "bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
        # The list is complete. With --no-deps pip installs only the packages in it.
        _run([*pip, "install", "--no-deps", "--require-hashes", "-r", requirements])
        _run([*pip, "check"])
        _run([*pip, "download", "--no-deps", "--require-hashes", "-d", work / "packages", "-r", collection])
        package, = (work / "packages").iterdir()
        with zipfile.ZipFile(package) as archive:
            members = [name for name in archive.namelist() if name.startswith(COLLECTION) and "/tests/" not in name]
            archive.extractall(work / "collections", members)
        shutil.rmtree(work / "packages")
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
