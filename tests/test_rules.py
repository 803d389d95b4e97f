"""Every rule has a code of its own, a text, and a test that compares its message.

A message begins ``error[CODE]: what the rule says``. A rule counts as tested when both stand in the
strings of one test module, or of what it imports from others of the tests. Strings are read from
the syntax tree: comments and docstrings do not count, and neither does this module.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from snnc.compiler import rules
from snnc.compiler.diagnostics import Rule

TESTS = Path(__file__).resolve().parent
RULES = [rule for rule in vars(rules).values() if isinstance(rule, Rule)]


def strings_of(*nodes: ast.AST) -> str:
    """Give the string constants of syntax trees, one to a line, without docstrings."""
    found = [n for node in nodes for n in ast.walk(node)]
    statements = [n.value for n in found if isinstance(n, ast.Expr)]
    return "\n".join(
        n.value
        for n in found
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and n not in statements
    )


def texts_of(path: Path) -> str:
    """Give the strings of a test module, and of what it imports from others of the tests."""
    tree = ast.parse(path.read_text())
    imports = [n for n in tree.body if isinstance(n, ast.ImportFrom)]
    imported = [
        node
        for n in imports
        if n.module is not None and n.module.startswith("tests.")
        for node in named(f"{n.module.replace('.', '/')}.py", {alias.name for alias in n.names})
    ]
    return strings_of(tree, *imported)


@cache
def defined(file: str) -> dict[str, ast.AST]:
    """Give by its name what stands in a module on its own."""
    path = TESTS.parent / file
    body = ast.parse(path.read_text()).body if path.exists() else []
    found: dict[str, ast.AST] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            found |= {t.id: node for t in node.targets if isinstance(t, ast.Name)}
    return found


def named(file: str, names: set[str]) -> Iterator[ast.AST]:
    """Yield what has these names in a module, and what that uses there."""
    there, seen = defined(file), set[str]()
    while waiting := (names - seen) & there.keys():
        seen |= waiting
        for name in waiting:
            yield there[name]
            names = names | {n.id for n in ast.walk(there[name]) if isinstance(n, ast.Name)}


def untested(codes: Iterable[Rule], texts: Collection[str]) -> list[str]:
    """Give the codes of the rules whose message none of the texts has."""
    return [r.code for r in codes if not any(r.code in text and r.says in text for text in texts)]


def test_every_rule_is_tested() -> None:
    texts = [texts_of(p) for p in TESTS.rglob("test_*.py") if p != Path(__file__).resolve()]
    assert untested(RULES, texts) == []


def test_codes_are_unique() -> None:
    assert [code for code, n in Counter(rule.code for rule in RULES).items() if n > 1] == []


def test_all_rules_gives_every_rule() -> None:
    assert rules.all_rules() == {rule.code: rule for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_form(rule: Rule) -> None:
    assert re.fullmatch(r"SNN[0-69]\d\d", rule.code)
    assert not rule.says.endswith("."), "a statement of what holds, as a part of a line"
    assert rule.explain.endswith("."), "sentences"


def test_a_rule_without_a_test_is_found() -> None:
    one, two = Rule("SNN801", "one holds", ""), Rule("SNN802", "two holds", "")
    in_string = 'X = "error[SNN801]: one holds\\n  --> x"'
    in_docstring = 'def f():\n    """error[SNN802]: two holds"""\n    # SNN802 two holds'
    code_alone = 'X = "SNN802"'
    texts = [strings_of(ast.parse(text)) for text in (in_string, in_docstring, code_alone)]
    assert untested([one, two], texts) == ["SNN802"]


def test_only_what_is_imported_counts() -> None:
    """And what that uses: ``text`` looks the code up in ``SAYS``, ``said`` does not."""
    text, said = (strings_of(*named("tests/compiler/checked.py", {n})) for n in ("text", "said"))
    assert "SNN104" in text
    assert "SNN104" not in said
