"""The translator gives what the instructions of PTX mean, and refuses all that it does not know."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.targets.cuda.audit import problems_of_log, problems_of_ptx
from tests.targets.cuda.device import Device, Kernel, kernels_of
from tests.targets.cuda.ptx import BYTES, PtxError, parsed
from tests.targets.cuda.translate import FORMS, form

HEAD = ".version 9.0\n.target sm_75\n.address_size 64\n"
ENTRY = """\
.visible .entry {name}(
\t.param .u64 k_param_0,
\t.param .u32 k_param_1
)
.maxntid 256, 1, 1
{{
\t.reg .pred \t%p<5>;
\t.reg .b16 \t%rs<9>;
\t.reg .b32 \t%r<9>;
\t.reg .b64 \t%rd<9>;
{body}
}}
"""
BODY_LINE = 14
"""Of the first line of the body."""
RNG = np.random.default_rng(1)


def text(body: str) -> str:
    return HEAD + ENTRY.format(name="k", body=body)


def signed(value: int, bits: int) -> int:
    value %= 2**bits
    return value - 2**bits if value >> (bits - 1) else value


def values(kind: str, count: int = 60) -> list[int]:
    """Give values of a type, its limits among them."""
    if kind == "pred":
        return [0, 1] * 4
    bits = 8 * BYTES[kind]
    edges = [0, 1, 2, 3, 7, 2**bits - 1, 2 ** (bits - 1), 2 ** (bits - 1) - 1, 2**bits - 5]
    drawn = RNG.integers(0, 2**63, count - len(edges), np.uint64).tolist()
    some = edges + [int(v) * 3 % 2**bits for v in drawn]
    if kind[0] != "s":
        return some
    return [signed(v, bits) for v in some]


def quotient(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def dp4a(one: str, other: str, a: int, b: int, c: int) -> int:
    def part(value: int, k: int, kind: str) -> int:
        byte = value >> (8 * k) & 255
        return signed(byte, 8) if kind[0] == "s" else byte

    return c + sum(part(a, k, one) * part(b, k, other) for k in range(4))


def permuted(a: int, b: int, select: int) -> int:
    given = [*(a % 2**32).to_bytes(4, "little"), *(b % 2**32).to_bytes(4, "little")]
    chosen = [select >> (4 * k) & 15 for k in range(4)]
    return int.from_bytes(
        bytes((255 if given[c & 7] > 127 else 0) if c & 8 else given[c & 7] for c in chosen),
        "little",
    )


def looked_up(a: int, b: int, c: int, table: int) -> int:
    return sum(
        (table >> (4 * (a >> k & 1) + 2 * (b >> k & 1) + (c >> k & 1)) & 1) << k for k in range(32)
    )


def field_of(kind: str, a: int, start: int, length: int) -> int:
    bits, start, length = 8 * BYTES[kind], start & 255, length & 255
    if length == 0:
        return 0
    part: int = (a % 2**bits) >> start & ((1 << length) - 1)
    last = min(start + length - 1, bits - 1)
    if kind[0] == "s" and (a % 2**bits) >> last & 1:
        kept = max(0, min(length, bits - start))
        part |= -(1 << kept)
    return part


UNARY: dict[str, Callable[[int], int]] = {
    "neg.T": lambda a: -a,
    "abs.T": abs,
    "not.T": lambda a: ~a,
    "mov.T": lambda a: a,
    "cvt.T.T": lambda a: a,
    "cvta.to.global.u64": lambda a: a,
    "popc.b32": lambda a: (a % 2**32).bit_count(),
    "clz.b32": lambda a: 32 - (a % 2**32).bit_length(),
}
BINARY: dict[str, Callable[[int, int], int]] = {
    "add.T": lambda a, b: a + b,
    "sub.T": lambda a, b: a - b,
    "mul.lo.T": lambda a, b: a * b,
    "mul.wide.T": lambda a, b: a * b,
    "mul.hi.T": lambda a, b: a * b,
    "div.T": quotient,
    "rem.T": lambda a, b: a - b * quotient(a, b),
    "min.T": min,
    "max.T": max,
    "and.T": lambda a, b: a & b,
    "or.T": lambda a, b: a | b,
    "xor.T": lambda a, b: a ^ b,
    "shl.T": lambda a, n: a << n,
    "shr.T": lambda a, n: a >> n,
    "setp.eq.T": lambda a, b: a == b,
    "setp.ne.T": lambda a, b: a != b,
    "setp.lt.T": lambda a, b: a < b,
    "setp.le.T": lambda a, b: a <= b,
    "setp.gt.T": lambda a, b: a > b,
    "setp.ge.T": lambda a, b: a >= b,
}
TERNARY: dict[str, Callable[[int, int, int], int]] = {
    "mad.lo.T": lambda a, b, c: a * b + c,
    "mad.wide.T": lambda a, b, c: a * b + c,
    "mad.hi.T": lambda a, b, _: a * b,
    "selp.T": lambda a, b, p: a if p else b,
    "prmt.b32": permuted,
}
MEANINGS: dict[str, Callable[..., int]] = {
    **UNARY,
    **BINARY,
    **TERNARY,
    "lop3.b32": looked_up,
}


BITS = [f"b{bits}" for bits in (16, 32, 64)]
SIGNED, UNSIGNED = ([f"{kind}{bits}" for bits in (16, 32, 64)] for kind in "su")
TYPES = {
    **{f"{name}.T": [*BITS, "pred"] for name in ("and", "or", "xor", "not", "mov")},
    **{f"{name}.T": BITS for name in ("shl", "selp")},
    **{f"{name}.wide.T": [*SIGNED[:2], *UNSIGNED[:2]] for name in ("mul", "mad")},
    **{f"{name}.T": SIGNED for name in ("neg", "abs")},
    "bfe.T": [*SIGNED[1:], *UNSIGNED[1:]],
}
"""Of each form that does not have all of them."""
SMALL = ["s8", "u8"]
PAIRS: dict[str, list[tuple[str, str]]] = {
    "dp4a.T.T": [(a, b) for a in ("s32", "u32") for b in ("s32", "u32")],
    "cvt.T.T": [(a, b) for a in SMALL + SIGNED + UNSIGNED for b in SMALL + SIGNED + UNSIGNED],
}


def opcodes_tested() -> list[str]:
    """Give each form with each type that it may have."""
    one = [
        shape.replace("T", kind)
        for shape in FORMS
        if shape not in PAIRS
        for kind in (TYPES.get(shape, [*SIGNED, *UNSIGNED]) if "T" in shape else [""])
    ]
    two = [f"{shape[:-4]}.{a}.{b}" for shape, pairs in PAIRS.items() for a, b in pairs]
    return one + two


def holder(kind: str) -> str:
    """Give the prefix of the registers that hold a type."""
    if kind == "pred":
        return "p"
    return {1: "rs", 2: "rs", 4: "r", 8: "rd"}[BYTES[kind]]


def operand_kinds(opcode: str) -> tuple[str, list[str]]:
    """Give the type of the result and those of the values."""
    shape, types = form(opcode)
    count = FORMS[shape]
    if not types:
        return ("u64", ["u64"]) if "64" in shape else ("b32", ["b32"] * count)
    result, given = types[0], [types[-1]] * count
    if "wide" in shape:
        result = f"{types[0][0]}{2 * int(types[0][1:])}"
        given[2:] = [result] * (count - 2)
    if shape.startswith("setp"):
        result = "pred"
    if shape in {"shl.T", "shr.T"}:
        given[1] = "u32"
    if shape == "bfe.T":
        given[1:] = ["u32", "u32"]
    if shape == "selp.T":
        given[2] = "pred"
    if shape == "dp4a.T.T":
        result, given = "b32", ["b32"] * 3
    return result, given


def arguments(opcode: str, given: list[str]) -> list[tuple[int, ...]]:
    columns = [values(kind) for kind in given]
    rows = [tuple(c[(k * (n + 1) + n) % len(c)] for n, c in enumerate(columns)) for k in range(60)]
    rows += [
        tuple(c[(k // (n * 9 + 1)) % len(c)] for n, c in enumerate(columns)) for k in range(60)
    ]
    if opcode.startswith(("div", "rem")):
        rows = [row for row in rows if row[1]]
    if opcode.startswith("sh"):
        shifts = [(row[0], k) for k, row in enumerate(rows)]
        return [(x, min(by, 999)) for x, by, *_ in [*rows, *shifts]]
    if opcode.startswith("bfe"):
        rows = [(row[0], row[1] % 70, row[2] % 70) for row in rows]
    return [(*row[:3], 0xCA) for row in rows] if opcode.startswith("lop3") else rows


def instruction_entry(opcode: str) -> str:
    """Give a kernel that reads values, executes one instruction, and writes its result."""
    result, given = operand_kinds(opcode)
    names = [f"%{holder(kind)}{k + 1}" for k, kind in enumerate(given)]
    body = ["\tld.param.u64 %rd8, [k_param_0];"]
    for k, (name, kind) in enumerate(zip(names, given, strict=True)):
        if kind == "pred":
            body += [f"ld.global.u32 %r8, [%rd8+{8 * k}];", f"setp.ne.u32 {name}, %r8, 0;"]
        else:
            body += [f"ld.global.{kind} {name}, [%rd8+{8 * k}];"]
    if opcode.startswith("lop3"):
        names[3] = "0xCA"
    into = f"%{holder(result)}0"
    body += [f"{opcode} {into}, {', '.join(names)};"]
    if result == "pred":
        body += ["selp.u32 %r8, 1, 0, %p0;", "st.global.u32 [%rd8+32], %r8;"]
    else:
        body += [f"st.global.{result} [%rd8+32], {into};"]
    return ENTRY.format(name=opcode.replace(".", "_"), body="\n".join([*body, "ret;"]))


@pytest.fixture(scope="module")
def instructions() -> dict[str, Kernel]:
    return kernels_of(HEAD + "".join(map(instruction_entry, opcodes_tested())), at_once=True)


@pytest.mark.xdist_group("instructions of PTX")
@pytest.mark.parametrize("opcode", opcodes_tested())
def test_an_instruction_means(opcode: str, instructions: dict[str, Kernel]) -> None:
    tested = instructions[opcode.replace(".", "_")]
    result, given = operand_kinds(opcode)
    shape, types = form(opcode)
    bits = 32 if result == "pred" else 8 * BYTES[result]
    for row in arguments(opcode, given):
        device = Device()
        cells = device.array(np.array([v % 2**64 for v in row] + [0] * (5 - len(row)), np.uint64))
        device.run(tested, (1,), (1,), cells, 0)
        assert device.faults == []
        wanted = meaning(shape, types, row)
        assert int(cells[4]) % 2**bits == wanted % 2**bits, row
        device.close()


def meaning(shape: str, types: tuple[str, ...], row: tuple[int, ...]) -> int:
    if shape == "dp4a.T.T":
        one, other = types
        return dp4a(one, other, *row)
    if shape == "bfe.T":
        return field_of(types[0], *row)
    if shape == "cvt.T.T":
        bits = 8 * BYTES[types[0]]
        return signed(row[0], bits) if types[0][0] == "s" else row[0] % 2**bits
    if "pred" in types:
        return MEANINGS[shape](*row) & 1
    plain = MEANINGS[shape](*row)
    if ".hi." in shape:
        plain = (plain >> (8 * BYTES[types[0]])) + (row[2] if shape == "mad.hi.T" else 0)
    return plain


def test_every_form_is_tested() -> None:
    assert {form(opcode)[0] for opcode in opcodes_tested()} == set(FORMS)


UNKNOWN = {
    "vote.sync.ballot.b32 %r1, %p1, -1;": (
        "an instruction that is not known: vote.sync.ballot.b32 %r1, %p1, -1"
    ),
    "brx.idx %r1, $table;": "an instruction that is not known: brx.idx %r1, $table",
    "add.f32 %r1, %r2, %r3;": "an instruction that is not known: add.f32 %r1, %r2, %r3",
    "add.sat.s32 %r1, %r2, %r3;": "an instruction that is not known: add.sat.s32 %r1, %r2, %r3",
    "add.s32 %r1, %r2;": "an instruction that is not known: add.s32 %r1, %r2",
    "add.s32 %r1, %r2, %r99;": "a register that is not known: %r99",
    "add.s32 %r1, %r2, 1.5;": "a register that is not known: 1.5",
    "ld.local.u32 %r1, [%rd1];": "an instruction that is not known: ld.local.u32 %r1, [%rd1]",
    "ld.global.v4.u32 {%r1, %r2}, [%rd1];": (
        "an access that is not known: ld.global.v4.u32 {%r1, %r2}, [%rd1]"
    ),
    "st.global.nc.u32 [%rd1], %r1;": "an access that is not known: st.global.nc.u32 [%rd1], %r1",
    "ld.global.u32 %r1, [%rd1+%rd2];": "an address that is not known: [%rd1+%rd2]",
    "ld.param.u64 %rd1, [k_param_1];": "behind the parameter: [k_param_1]",
    "ld.param.u32 %r1, [k_param_7];": "a parameter that is not known: ld.param.u32 [k_param_7]",
    "bra $away;": "a branch to nowhere: $away",
    "bar.sync 1;": "an instruction that is not known: bar.sync 1",
    "@%r1 ret;": "%r1 is no pred",
    "call f, ();": "an instruction that is not known: call f, ()",
    ".local .align 4 .b8 x[4];": "a directive that is not known: .local .align 4 .b8 x[4]",
    "{ ret; }": "not known: { ret; }",
}


@pytest.mark.parametrize("line", UNKNOWN)
def test_what_is_not_known_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(PtxError) as error:
        kernels_of(text(f"\n\n{line}\nret;"))
    assert str(error.value) == f"line {BODY_LINE + 2}: {UNKNOWN[line]}"


@pytest.mark.parametrize(
    ("ptx", "message"),
    [
        ("add.s32", "line 1: no .version, .target and .address_size 64"),
        (HEAD + ".visible .func f()\n{\n}\n", "line 4: not known: .visible .func f()"),
        (
            HEAD + ".visible .entry k(.param .f32 x)\n{\n}",
            "line 4: a parameter that is not known: .param .f32 x",
        ),
        (HEAD + ".visible .entry k()\n{\nret;\n", "line 7: not known: "),
    ],
)
def test_what_is_no_kernel_is_refused(ptx: str, message: str) -> None:
    with pytest.raises(PtxError) as error:
        parsed(ptx)
    assert str(error.value) == message


AUDITED = {
    "": [],
    "\t.reg .f32 \t%f<2>;": [
        "line 14: a float: .f32",
        "line 14: registers that are not known: .f32  %f<2>",
    ],
    "// cvt.rn.f64.s32": [],
    "mov.b32 %r1, 0f3F800000;": [
        "line 14: a float: 0f3F800000",
        "line 14: a register that is not known: 0f3F800000",
    ],
    "st.local.u32 [%rd1], %r1;": [
        "line 14: local memory",
        "line 14: an instruction that is not known: st.local.u32 [%rd1], %r1",
    ],
}


@pytest.mark.parametrize("line", AUDITED)
def test_audit(line: str) -> None:
    assert list(problems_of_ptx(text(f"{line}\nret;"))) == AUDITED[line]


def test_audit_of_what_ptxas_says() -> None:
    good = (
        "ptxas info    : 0 bytes gmem\n"
        "ptxas         .     0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
    )
    assert list(problems_of_log(good)) == []
    bad = (
        "ptxas         .     8 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
        "kernels.cu(3): warning #177-D: variable declared but never referenced\n"
    )
    assert list(problems_of_log(bad)) == [
        "memory of its own: ptxas         .     8 bytes stack frame, 0 bytes spill stores, "
        "0 bytes spill loads",
        "a warning: kernels.cu(3): warning #177-D: variable declared but never referenced",
    ]


MEMORY = """
ld.param.u64 %rd1, [k_param_0];
ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd1];
st.global.v2.u32 [%rd1+16], {%r4, %r3};
ld.global.s8 %r5, [%rd1+3];
st.global.u32 [%rd1+24], %r5;
atom.global.max.s32 %r6, [%rd1+28], %r5;
st.global.u32 [%rd1+32], %r6;
red.global.exch.b32 [%rd1+36], 9;
ret;
"""


def test_memory() -> None:
    (tested,) = kernels_of(text(MEMORY)).values()
    device = Device()
    cells = device.array(np.array([-16777216, 2, 3, 4, 0, 0, 0, -7, 0, 0], np.int32))
    device.run(tested, (1,), (1,), cells, 0)
    assert device.faults == []
    assert cells[4:].tolist() == [4, 3, -1, -1, -7, 9]
    device.close()


@pytest.mark.parametrize(
    ("offset", "what"),
    [(4, "at an address that is no multiple"), (48, "outside of all allocations")],
)
def test_a_vector_has_its_place(offset: int, what: str) -> None:
    load = f"ld.global.v4.u32 {{%r1, %r2, %r3, %r4}}, [%rd1+{offset}];"
    body = f"ld.param.u64 %rd1, [k_param_0];\n{load}\nret;"
    (tested,) = kernels_of(text(body)).values()
    device = Device()
    device.run(tested, (1,), (1,), device.array(np.zeros(12, np.int32)), 0)
    assert device.faults == [
        f"k, block (0, 0, 0), thread (0, 0, 0), line {BODY_LINE + 1}: a load of 16 bytes {what}"
    ]
    device.close()
