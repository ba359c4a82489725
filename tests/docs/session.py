"""Runs the blocks of one page as a reader does: in order, in one shell, in one directory.

Each page has network and process namespaces of its own. All ports of loopback are free there, nothing else can be
reached, and every process ends with the page.
"""

import dataclasses
import itertools
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile

import pages

# The longest time for all commands of a page, in seconds.
PAGE_TIME_MAX_S = 300
# The longest time until a server is ready, in seconds.
READY_TIME_MAX_S = 90
UNSHARE = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
# Of the checkout: the build, and certificates that another daemon has created.
NOT_LINKED = {".git", "target", "certs"}

# File descriptor 3 takes the time at the start and at the end of each block that has ended well.
START = """\
set -eo pipefail
ip link set lo up
next_ends=
echo "$EPOCHREALTIME" >&3
"""
# Ends the server that the next one replaces, as Ctrl-C does.
STOP = """\
if [ -n "$next_ends" ]; then kill -INT -- "-$next_ends"; wait "$next_ends" || true; next_ends=; fi
"""
RUN = """\
exec >{out} 2>{err}
. {sh}
echo "$EPOCHREALTIME" >&3
"""
# A server is a job with a process group, so that all of its processes can be ended.
KEEP = """\
exec >{out} 2>{err}
set -m; ( set +m; . {sh} ) & kept=$!; set +m
next_ends={next_ends}
for _ in $(seq {tenths}); do
    if grep -qs -e {ready} {out} {err}; then break; fi
    kill -0 "$kept"
    sleep 0.1
done
grep -qs -e {ready} {out} {err}
echo "$EPOCHREALTIME" >&3
"""


@dataclasses.dataclass
class Result:
    """The result of one block of commands."""

    block: pages.Block
    # None: the block was not run.
    passed: bool | None
    seconds: float = 0
    # What went wrong, or why it was not run.
    why: str = ""


def run(found, checkout, binary):
    """Runs the blocks of a page and returns a result for each block of commands."""
    with tempfile.TemporaryDirectory(prefix="fauxmetal-docs-") as folder:
        return _run(found, checkout, binary, pathlib.Path(folder))


def _run(found, checkout, binary, folder):
    clone, work = folder / "fauxmetal", folder / "blocks"
    for new in (clone, work, folder / "bin", folder / "home"):
        new.mkdir()
    for entry in checkout.iterdir():
        if entry.name not in NOT_LINKED:
            (clone / entry.name).symlink_to(entry)
    (folder / "bin/fauxmetal").symlink_to(binary)
    for block in found:
        if block.file:
            file = clone / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)

    commands = [block for block in found if block.is_shell and not block.reason]
    ended, seconds, problem = _shell(commands, clone, work, folder) if commands else (0, [], "")

    def printed(n):
        files = (work / f"{n}.{end}" for end in ("out", "err"))
        return [file.read_text(errors="replace") if file.exists() else "" for file in files]

    results = []
    for n, block in enumerate(commands):
        if n < ended:
            results.append(Result(block, True, seconds[n]))
        elif n == ended:
            results.append(Result(block, False, why="\n".join([problem, *printed(n)])))
        else:
            results.append(Result(block, False, why="the commands before it failed"))
    last = None
    for block in found:
        if block in commands:
            last = commands.index(block)
        elif block.is_output and last < ended:
            if not any(pages.shows(block.text, text) for text in printed(last)):
                results[last].passed = False
                results[last].why = "\n".join([f"{block.place} shows another output than this:", *printed(last)])
    results += [Result(block, None, why=block.reason) for block in found if block.reason]
    return sorted(results, key=lambda result: result.block.line)


def _shell(commands, clone, work, folder):
    """How many of the blocks ended well, the seconds that each of them took, and why the next one did not."""
    script = START
    for n, block in enumerate(commands):
        (work / f"{n}.sh").write_text(block.text)
        fields = {key: shlex.quote(str(work / f"{n}.{key}")) for key in ("out", "err", "sh")}
        if block.ready or block.stops:
            script += STOP
        if block.ready:
            next_ends = "$kept" if block.next_ends else ""
            script += KEEP.format(
                **fields, ready=shlex.quote(block.ready), tenths=READY_TIME_MAX_S * 10, next_ends=next_ends)
        else:
            script += RUN.format(**fields)
    (work / "script").write_text(script)

    environment = {
        "HOME": str(folder / "home"),
        "LANG": "C.UTF-8",
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "PYTHONUNBUFFERED": "1",
    }
    reading, writing = os.pipe()
    with open(work / "messages", "wb") as messages, open(reading) as ends:
        shell = subprocess.Popen(
            ["bash", "-c", 'exec 3>&"$0"; exec "$@"', str(writing), *isolation(), "bash", str(work / "script")],
            cwd=clone, env=environment, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages,
            pass_fds=[writing], start_new_session=True,
            # A job in the background of a shell ignores the signal that ends a server.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        os.close(writing)
        try:
            shell.wait(PAGE_TIME_MAX_S)
            problem = f"it ended with code {shell.returncode}"
        except subprocess.TimeoutExpired:
            problem = f"the page took longer than {PAGE_TIME_MAX_S} s"
            # The namespace ends with its first process, and all processes in it as well.
            shell.kill()
            shell.wait()
        times = [float(line) for line in ends.read().split()]
    problem += "\n" + (work / "messages").read_text(errors="replace")
    seconds = [end - start for start, end in itertools.pairwise(times)]
    return len(seconds), seconds, problem


def isolation():
    """The command that runs another one in namespaces of its own. A user who is not root gets one for users, too."""
    return UNSHARE if os.geteuid() == 0 else [*UNSHARE, "--user", "--map-root-user"]


def problem_with_tools():
    """Which tool is missing, or None."""
    for tool in ("bash", "curl", "ip", "unshare"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    tried = subprocess.run([*isolation(), "true"], capture_output=True, text=True, check=False)
    return f"no network namespace can be made: {tried.stderr.strip()}" if tried.returncode else None
