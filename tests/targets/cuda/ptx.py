"""PTX as text: split into kernels and their statements, each with its line. Nothing is passed over.

The grammar is that of NVIDIA's "Parallel Thread Execution ISA" as far as kernels of integers need
it; what it does not know is an error with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

BYTES = {f"{kind}{bits}": bits // 8 for kind in "sub" for bits in (8, 16, 32, 64)}
"""Size of each integer type."""

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
HEAD = re.compile(
    r"\.version (?P<version>\d+\.\d+)\n\.target (?P<target>sm_\d+a?)\n\.address_size 64\n"
)
VARIABLE = re.compile(
    r"\.global \.align \d+ \.[su]\d+ (?P<name>[\w$]+)(?: = -?\d+)?;|"
    r"\.global \.align \d+ \.b8 (?P<array>[\w$]+)(?:\[\d*\])?(?: = \{[^}]*\})?;"
)
ENTRY = re.compile(
    r"\.visible \.entry (?P<name>\w+)\s*\((?P<parameters>[^)]*)\)\s*"
    r"(?:\.maxntid (?P<threads>\d+(?:, ?\d+){0,2})\s*)?(?:\.minnctapersm \d+\s*)?\{"
)
PARAMETER = re.compile(
    r"\.param \.(?P<type>[sub]\d+)(?: \.ptr(?: \.global)?(?: \.align \d+)?)? (?P<name>\w+)"
)
STATEMENT = re.compile(
    r"(?P<label>[$\w]+):(?!:)"
    r"|(?P<open>\{)|(?P<close>\})"
    r"|(?P<text>[^\s;{}][^;{}]*(?:\{[^{}]*\}[^;{}]*)*);"
)
GUARD = re.compile(r"@(?P<unless>!?)(?P<register>%\w+)\s+(?P<rest>.*)", re.DOTALL)
OPERANDS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|[^,{}\[\]\s](?:[^,{}\[\]]*[^,{}\[\]\s])?")


class PtxError(Exception):
    """There is something in the PTX that is not known, or must not be there."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line


@dataclass(frozen=True)
class Instruction:
    """One instruction, or a directive.

    Attributes:
        line: From 1.
        opcode: With all that follows its points, ``ld.global.nc.u32``.
        operands: Texts; a vector and an address keep their brackets.
        guard: Register that decides whether it is executed, or "".
        unless: Whether it is executed where the guard is false.
    """

    line: int
    opcode: str
    operands: tuple[str, ...]
    guard: str = ""
    unless: bool = False


@dataclass(frozen=True)
class Label:
    """A place to branch to."""

    line: int
    name: str


@dataclass(frozen=True)
class Parameter:
    """What a kernel is given."""

    name: str
    bytes: int


@dataclass(frozen=True)
class Entry:
    """A kernel.

    Attributes:
        name: As the driver finds it.
        line: Where it begins.
        parameters: In their order.
        max_threads: Of a block, 0 where nothing is said.
        body: Statements in their order.
    """

    name: str
    line: int
    parameters: tuple[Parameter, ...]
    max_threads: int
    body: tuple[Instruction | Label, ...]


@dataclass(frozen=True)
class Module:
    """A text of PTX.

    Attributes:
        version: Of the language, (9, 5).
        target: Compute capability times ten: 75.
        entries: The kernels by name.
    """

    version: tuple[int, int]
    target: int
    entries: dict[str, Entry]


def parsed(text: str) -> Module:
    """Split PTX.

    Raises:
        PtxError: Something is not known.
    """
    plain = COMMENT.sub(lambda m: "\n" * m[0].count("\n"), text.rstrip("\0 "))
    place = _after_space(plain, 0)
    head = HEAD.match(plain, place)
    if head is None:
        raise PtxError(_line(plain, place), "no .version, .target and .address_size 64")
    major, minor = head["version"].split(".")
    entries: dict[str, Entry] = {}
    place = _after_space(plain, head.end())
    while place < len(plain):
        if variable := VARIABLE.match(plain, place):
            place = _after_space(plain, variable.end())
            continue
        entry, place = _entry(plain, place)
        entries[entry.name] = entry
        place = _after_space(plain, place)
    return Module((int(major), int(minor)), int(head["target"][3:].rstrip("a")), entries)


def _entry(text: str, place: int) -> tuple[Entry, int]:
    """Read the kernel that begins at ``place``, and give the place behind it."""
    head = ENTRY.match(text, place)
    line = _line(text, place)
    if head is None:
        raise PtxError(line, f"not known: {text[place:].splitlines()[0]}")
    parameters: list[Parameter] = []
    for given in filter(None, (p.strip() for p in head["parameters"].split(","))):
        parameter = PARAMETER.fullmatch(given)
        if parameter is None:
            raise PtxError(line, f"a parameter that is not known: {given}")
        parameters.append(Parameter(parameter["name"], BYTES[parameter["type"]]))
    threads = 1 if head["threads"] else 0
    for axis in (head["threads"] or "").split(","):
        threads *= int(axis or 1)
    *statements, (_, end) = _statements(text, head.end())
    body = tuple(statement for statement, _ in statements if statement is not None)
    return Entry(head["name"], line, tuple(parameters), threads, body), end


def _statements(text: str, place: int) -> Iterator[tuple[Instruction | Label | None, int]]:
    """Give the statements of a body with the place behind each; None is its end."""
    line, seen = _line(text, place), place
    while True:
        place = _after_space(text, place)
        line, seen = line + text.count("\n", seen, place), place
        found = STATEMENT.match(text, place)
        if found is None or found["open"]:
            raise PtxError(
                line, f"not known: {text[place:].splitlines()[0] if text[place:] else ''}"
            )
        place = found.end()
        if found["close"]:
            yield None, place
            return
        yield (
            Label(line, found["label"]) if found["label"] else _instruction(line, found["text"]),
            place,
        )


def _instruction(line: int, text: str) -> Instruction:
    guard = GUARD.match(text)
    rest = guard["rest"] if guard else text
    opcode, _, operands = rest.replace("\t", " ").partition(" ")
    return Instruction(
        line,
        opcode,
        tuple(o.strip() for o in OPERANDS.findall(operands))
        if not opcode.startswith(".")
        else (operands.strip(),),
        guard["register"] if guard else "",
        bool(guard and guard["unless"]),
    )


def _after_space(text: str, place: int) -> int:
    while place < len(text) and text[place].isspace():
        place += 1
    return place


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
