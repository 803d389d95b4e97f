"""PTX becomes C++, so that the very instructions that the compiler of NVIDIA made run here.

An instruction is known by its whole opcode, with its types taken out: ``mul.wide.s32`` is the form
``mul.wide.T`` with ``s32``. What stands in no table is an error; nothing is guessed. The functions
that instructions become are in ``opcodes.h``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.targets.cuda.ptx import BYTES, Entry, Instruction, Label, PtxError

FORMS = {
    **dict.fromkeys(("add.T", "sub.T", "mul.lo.T", "mul.wide.T", "mul.hi.T", "div.T", "rem.T"), 2),
    **dict.fromkeys(("min.T", "max.T", "and.T", "or.T", "xor.T", "shl.T", "shr.T"), 2),
    **dict.fromkeys(("mad.lo.T", "mad.wide.T", "mad.hi.T", "selp.T", "bfe.T", "dp4a.T.T"), 3),
    **dict.fromkeys(("neg.T", "abs.T", "not.T", "mov.T", "cvt.T.T"), 1),
    **{f"setp.{test}.T": 2 for test in ("eq", "ne", "lt", "le", "gt", "ge")},
    "cvta.to.global.u64": 1,
    "popc.b32": 1,
    "clz.b32": 1,
    "prmt.b32": 3,
    "lop3.b32": 4,
}
"""Of instructions that compute: how many values they take."""
WITHOUT_TYPE = ("cvta.to.global.u64", "popc.b32", "clz.b32", "prmt.b32", "lop3.b32")
RESERVED = ("and", "or", "xor", "not")
"""Words of C++, so ``opcodes.h`` has them with an underscore."""
ACCESS = re.compile(
    r"(?P<kind>ld|st)\.(?P<space>global|shared)(?P<constant>\.nc)?(?:\.v(?P<count>[24]))?\.(?P<type>[sub]\d+)"
)
ATOMIC = re.compile(
    r"(?P<kind>atom|red)(?:\.relaxed)?(?:\.gpu)?\.(?P<space>global|shared)\."
    r"(?P<operation>add|min|max|and|or|xor|exch)\.(?P<type>[sub]\d+)"
)
BARRIERS = ("bar.sync", "barrier.sync")
SPECIAL = {
    f"%{register}.{axis}": f"t.{field_}.{axis}"
    for register, field_ in (
        ("tid", "index"),
        ("ctaid", "block"),
        ("ntid", "block_dim"),
        ("nctaid", "grid_dim"),
    )
    for axis in "xyz"
}
REGISTERS = re.compile(r"\.(?P<type>pred|b16|b32|b64) \t?%(?P<prefix>[a-z]+)<(?P<count>\d+)>")
SHARED = re.compile(
    r"\.align (?P<align>\d+) \.(?P<type>\w+) (?P<name>[\w$]+)(?:\[(?P<count>\d+)\])?"
)
ADDRESS = re.compile(r"\[(?P<base>[%\w$]+)(?:\+(?P<offset>-?\d+))?\]")
NUMBER = re.compile(r"-?\d+|0[xX][0-9a-fA-F]+")
POISON = "0xA5A5A5A5A5A5A5A5ull"
"""What registers hold before they are written."""


@dataclass(frozen=True)
class Translated:
    """The C++ of a kernel.

    Attributes:
        name: Of the kernel.
        text: A function and its record, ``machine_NAME``; texts of several kernels may follow one
            another.
        parameter_bytes: Size of each parameter.
        together: Whether the threads of a block share memory or wait for each other.
    """

    name: str
    text: str
    parameter_bytes: tuple[int, ...]
    together: bool


def translated(entry: Entry) -> Translated:
    """Give the C++ of a kernel.

    Raises:
        PtxError: An instruction or a form of it is not known.
    """
    return _Translation(entry).result()


def form(opcode: str) -> tuple[str, tuple[str, ...]]:
    """Take the types of integers out of an opcode: ``mul.wide.s32`` is ``mul.wide.T``, (s32,)."""
    if opcode in WITHOUT_TYPE:
        return opcode, ()
    parts = opcode.split(".")
    types = tuple(p for p in parts if p in BYTES or p == "pred")
    return ".".join("T" if p in BYTES or p == "pred" else p for p in parts), types


@dataclass
class _Translation:
    """A kernel on its way."""

    entry: Entry
    registers: dict[str, str] = field(default_factory=dict[str, str])
    shared: dict[str, int] = field(default_factory=dict[str, int])
    shared_bytes: int = 0
    together: bool = False
    places: dict[str, int] = field(default_factory=dict[str, int])

    def result(self) -> Translated:
        entry = self.entry
        self.places = {s.name: k for k, s in enumerate(entry.body) if isinstance(s, Label)}
        lines = list(self.lines())
        declared = [
            f"  {'bool' if kind == 'pred' else kind} {name} = "
            f"{'true' if kind == 'pred' else f'static_cast<{kind}>({POISON})'};"
            for name, kind in self.registers.items()
        ]
        sizes = ", ".join(str(p.bytes) for p in entry.parameters) or "0"
        name = entry.name
        record = (
            f'"{name}", body_{name}, {len(entry.parameters)}, sizes_{name}, {self.shared_bytes}, '
            f"{int(self.together)}, {entry.max_threads}"
        )
        text = "\n".join(
            [
                '#include "opcodes.h"',
                "using namespace ptx;",
                f"static void body_{name}(Thread& t) {{",
                *declared,
                *lines,
                "}",
                f"static const int32_t sizes_{name}[] = {{{sizes}}};",
                f'extern "C" const Kernel machine_{name} = {{{record}}};',
                "",
            ]
        )
        return Translated(entry.name, text, tuple(p.bytes for p in entry.parameters), self.together)

    def lines(self) -> Iterator[str]:
        """Give the C++ of each statement."""
        for k, statement in enumerate(self.entry.body):
            if isinstance(statement, Label):
                yield f"{label(statement.name)}:;"
            elif statement.opcode.startswith("."):
                self.directive(statement)
            else:
                code = self.instruction(statement, k)
                if statement.guard:
                    guard = self.value(statement, statement.guard, "pred")
                    code = f"if ({'!' * statement.unless}{guard}) {{ {code} }}"
                yield f"  {code}"

    def directive(self, i: Instruction) -> None:
        """Take a declaration."""
        (rest,) = i.operands
        match i.opcode:
            case ".reg":
                found = REGISTERS.fullmatch(rest.replace("\t", " ").replace("  ", " "))
                if found is None:
                    raise PtxError(i.line, f"registers that are not known: {rest}")
                for n in range(int(found["count"])):
                    self.registers[f"{found['prefix']}{n}"] = found["type"]
            case ".shared":
                found = SHARED.fullmatch(rest)
                if found is None or found["type"] not in BYTES:
                    raise PtxError(i.line, f"shared memory that is not known: {rest}")
                align = int(found["align"])
                offset = -(-self.shared_bytes // align) * align
                self.shared[found["name"]] = offset
                self.shared_bytes = offset + BYTES[found["type"]] * int(found["count"] or 1)
                self.together = True
            case ".pragma" if rest == '"nounroll"':
                pass
            case _:
                raise PtxError(i.line, f"a directive that is not known: {i.opcode} {rest}")

    def instruction(self, i: Instruction, place: int) -> str:
        """Give the C++ of an instruction, without its guard."""
        if i.opcode in {"ret", "exit"} and not i.operands:
            return "return;"
        if i.opcode in {"bra", "bra.uni"}:
            return self.branch(i, i.operands[0], place)
        if i.opcode in BARRIERS and i.operands == ("0",):
            self.together = True
            return f"barrier(t, {i.line});"
        if i.opcode.startswith("ld.param."):
            return self.parameter(i)
        if access := ACCESS.fullmatch(i.opcode):
            return self.access(i, access)
        if atomic := ATOMIC.fullmatch(i.opcode):
            return self.atomic(i, atomic)
        return self.computed(i)

    def computed(self, i: Instruction) -> str:
        """Give what is one function of values."""
        shape, types = form(i.opcode)
        count = FORMS.get(shape)
        if count is None or len(i.operands) != count + 1:
            raise PtxError(
                i.line, f"an instruction that is not known: {i.opcode} {', '.join(i.operands)}"
            )
        name = "_".join(p for p in shape.split(".") if p not in {"T", "b32", "u64"})
        name += "_" * (name in RESERVED)
        template = f"<{', '.join(types)}>" if types else ""
        values = ", ".join(self.value(i, o) for o in i.operands[1:])
        return f"{self.register(i, i.operands[0])} = {name}{template}({values});"

    def branch(self, i: Instruction, target: str, place: int) -> str:
        """Give a branch; one that goes back takes fuel, so that all ends."""
        if target not in self.places:
            raise PtxError(i.line, f"a branch to nowhere: {target}")
        back = f"t.back({i.line}); " if self.places[target] < place else ""
        return f"{back}goto {label(target)};"

    def parameter(self, i: Instruction) -> str:
        """Give what reads a parameter."""
        kind = i.opcode.removeprefix("ld.param.")
        found = ADDRESS.fullmatch(i.operands[1])
        names = [p.name for p in self.entry.parameters]
        if kind not in BYTES or found is None or found["base"] not in names:
            raise PtxError(i.line, f"a parameter that is not known: {i.opcode} {i.operands[1]}")
        number, offset = names.index(found["base"]), int(found["offset"] or 0)
        if offset + BYTES[kind] > self.entry.parameters[number].bytes:
            raise PtxError(i.line, f"behind the parameter: {i.operands[1]}")
        return f"{self.register(i, i.operands[0])} = t.parameter<{kind}>({number}, {offset});"

    def access(self, i: Instruction, found: re.Match[str]) -> str:
        """Give a load or a store."""
        load, count = found["kind"] == "ld", int(found["count"] or 1)
        values, address = i.operands if load else i.operands[::-1]
        names = [v.strip() for v in values.strip("{}").split(",")]
        if len(names) != count or (found["constant"] and (not load or found["space"] != "global")):
            raise PtxError(
                i.line, f"an access that is not known: {i.opcode} {', '.join(i.operands)}"
            )
        take = self.register if load else self.value
        given = ", ".join(take(i, name) for name in names)
        what = "load" if load else "store"
        space = f"k{found['space'].capitalize()}"
        return (
            f"{what}<{space}, {found['type']}>(t, {i.line}, {self.address(i, address)}, {given});"
        )

    def atomic(self, i: Instruction, found: re.Match[str]) -> str:
        """Give a change of memory that no other thread comes in between."""
        kind, space = found["type"], f"k{found['space'].capitalize()}"
        into, (address, given) = (
            ("", i.operands) if found["kind"] == "red" else (i.operands[0], i.operands[1:])
        )
        call = (
            f"atomic<{space}, {kind}>(t, {i.line}, {self.address(i, address)}, "
            f"atomic_{found['operation']}<{kind}>, {self.value(i, given)});"
        )
        return f"{self.register(i, into)} = {call}" if into not in {"", "_"} else call

    def address(self, i: Instruction, text: str) -> str:
        found = ADDRESS.fullmatch(text)
        if found is None:
            raise PtxError(i.line, f"an address that is not known: {text}")
        return f"add<u64>({self.value(i, found['base'])}, {found['offset'] or 0}ll)"

    def register(self, i: Instruction, name: str) -> str:
        """Give what is written to."""
        if name[:1] != "%" or name[1:] not in self.registers:
            raise PtxError(i.line, f"a register that is not known: {name}")
        return name[1:]

    def value(self, i: Instruction, text: str, kind: str = "") -> str:
        """Give what is read: a register, a number, or the place of shared memory."""
        if text in SPECIAL:
            return SPECIAL[text]
        if text in self.shared:
            return f"{self.shared[text]}u"
        if NUMBER.fullmatch(text):
            return f"{text}{'ull' if int(text, 0) >= 2**63 else 'll'}"
        name = self.register(i, text)
        if kind and self.registers[name] != kind:
            raise PtxError(i.line, f"{text} is no {kind}")
        return name


def label(name: str) -> str:
    """Give the name of a place in C++."""
    return "at_" + name.replace("$", "S")
