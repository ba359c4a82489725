"""Reads the blocks of a Markdown page, with the marks that say how each is checked."""

import dataclasses
import re

SHELL = "sh"
# Blocks that show something, and are no commands.
SHOWN = ("ini", "json", "python", "rust", "text", "toml", "yaml")

# A server that keeps running, and whether the next one ends it.
KEEPS = {
    "keeps running until the page ends, ready at": False,
    "keeps running until the next server, ready at": True,
}

STOPS = "after Ctrl-C in the terminal of the server"

FENCE = re.compile(r"^( {0,3})(`{3,}|~{3,})\s*([^`]*)$")
MARK = re.compile(r"^\s*<!--\s*(.*?)\s*-->\s*$")
LIST_ITEM = re.compile(r"^ {0,3}([-*+]|\d+[.)])\s")
# A reason tells something; a word alone does not.
REASON_WORDS_MIN = 3


class PageError(Exception):
    """A page that cannot be checked as it is."""


@dataclasses.dataclass
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str
    # Why the commands are not run.
    reason: str | None = None
    # The commands are a server, which keeps running. It is ready when it has printed this text.
    ready: str | None = None
    # The server ends when the next one starts, because both need the same ports.
    next_ends: bool = False
    # The server is stopped before the commands run.
    stops: bool = False
    # The block is the content of this file, below the directory in which the commands run.
    file: str | None = None
    # The block is what the commands before it print. The character … stands for any text.
    is_output: bool = False

    @property
    def place(self):
        return f"{self.page}:{self.line}"

    @property
    def is_shell(self):
        return self.language == SHELL


def blocks(page, text):
    """The blocks of a page, in order. PageError names the line of a block that lacks what the check needs."""
    found, marks, lines = [], [], enumerate(text.splitlines(), 1)
    in_list, blank = False, True
    for number, line in lines:
        if mark := MARK.match(line):
            marks.append((number, mark[1]))
        elif fence := FENCE.match(line):
            found.append(_block(page, number, fence, lines, marks))
            marks, blank = [], False
        elif not line.strip():
            blank = True
        else:
            _no_known_mark(page, marks)
            if blank and line.startswith("    ") and not in_list:
                raise PageError(f"{page}:{number}: the block has no fence, so its language is unknown; begin it with ```sh")
            if not line.startswith("  "):
                in_list = bool(LIST_ITEM.match(line)) or (in_list and not blank)
            marks, blank = [], False
    _no_known_mark(page, marks)
    _outputs_follow_commands(found)
    return found


def _block(page, number, fence, lines, marks):
    indent, ticks, info = len(fence[1]), fence[2], fence[3].strip()
    text = []
    for _, line in lines:
        if line.strip().startswith(ticks) and not line.strip().strip(ticks[0]):
            break
        text.append(line[min(indent, len(line) - len(line.lstrip())):])
    else:
        raise PageError(f"{page}:{number}: the block has no end")
    block = Block(page, number, re.split(r"[,\s]", info)[0], "".join(f"{line}\n" for line in text))
    if block.language not in (SHELL, *SHOWN):
        raise PageError(f"{block.place}: '{block.language}' is not one of {', '.join((SHELL, *SHOWN))}")
    for at, mark in marks:
        _apply(block, at, mark)
    return block


def _apply(block, at, mark):
    """Reads one mark. A comment that does not begin as a mark does is a plain comment."""
    name, _, value = (part.strip() for part in mark.partition(":"))
    place = f"{block.page}:{at}"
    if name == "not run":
        _needs(block.is_shell, place, mark, "a block of commands")
        if len(value.split()) < REASON_WORDS_MIN:
            raise PageError(f"{place}: 'not run' needs a reason")
        block.reason = value
    elif name in KEEPS:
        _needs(block.is_shell and value, place, mark, "a block of commands and a text")
        block.ready, block.next_ends = value, KEEPS[name]
    elif mark == STOPS:
        _needs(block.is_shell, place, mark, "a block of commands")
        block.stops = True
    elif name == "file":
        inside = value and not value.startswith("/") and ".." not in value.split("/")
        _needs(not block.is_shell and inside, place, mark, "a block that is no commands, and a relative path")
        block.file = value
    elif name == "output":
        _needs(not block.is_shell, place, mark, "a block that is no commands")
        block.is_output = True
    elif _looks_like_a_mark(mark):
        raise PageError(f"{place}: '{mark}' is no mark")
    if block.reason and block.ready:
        raise PageError(f"{block.place}: a block is run or is not run")


def _needs(holds, place, mark, what):
    if not holds:
        raise PageError(f"{place}: '{mark}' needs {what}")


def _looks_like_a_mark(mark):
    return re.match(r"(not[ -]run|keeps|after|file|output)\b", mark) is not None


def _no_known_mark(page, marks):
    for number, mark in marks:
        if _looks_like_a_mark(mark):
            raise PageError(f"{page}:{number}: '{mark}' stands directly before no block")


def _outputs_follow_commands(found):
    last = None
    for block in found:
        if block.is_shell:
            last = block
        elif block.is_output and (last is None or last.reason):
            raise PageError(f"{block.place}: an output follows commands that are run")


def shows(expected, printed):
    """Whether commands printed what a page shows. Spaces at the ends of lines do not count."""
    plain = lambda text: "\n".join(line.rstrip() for line in text.strip().splitlines())
    pattern = ".*".join(re.escape(part) for part in plain(expected).split("…"))
    return re.fullmatch(pattern, plain(printed), re.DOTALL) is not None
