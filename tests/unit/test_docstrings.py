# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module, public class and public function says what it does."""

import ast

from conftest import ROOT

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def silent(node, name):
    """Names without a docstring, below a module or class; what is inside a function is its own business."""
    if ast.get_docstring(node) is None and node.__class__ is not ast.FunctionDef:
        yield name
    for child in node.body:
        if not isinstance(child, DEFINITIONS) or child.name.startswith("_"):
            continue
        if isinstance(child, ast.ClassDef):
            yield from silent(child, f"{name}.{child.name}")
        elif ast.get_docstring(child) is None:
            yield f"{name}.{child.name}"


def test_what_is_public_has_a_docstring():
    folder = ROOT / "python" / "resivid"
    found = [
        name
        for path in sorted(folder.rglob("*.py"))
        for name in silent(ast.parse(path.read_text(encoding="utf-8")), str(path.relative_to(folder)))
    ]
    assert found == []
