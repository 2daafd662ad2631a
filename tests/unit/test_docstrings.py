# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module, public class and public function says what it does."""

import ast
import importlib
import inspect
import re

import pytest
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


def unspoken(holder, name):
    """Names below a compiled module or class whose docstring is nothing but the signature that pybind11 writes."""
    for key, member in vars(holder).items():
        if key.startswith("_") or not (callable(member) or isinstance(member, property)):
            continue
        lines = (member.__doc__ or "").splitlines()
        if not any(line.strip() and not re.match(rf"(\d+\. )?{key}\(|Overloaded", line) for line in lines):
            yield f"{name}.{key}"
        if inspect.isclass(member):
            yield from unspoken(member, f"{name}.{key}")


@pytest.mark.parametrize("module", ["phy_python", "resivid_python"])
def test_what_the_compiled_modules_offer_has_a_docstring(module):
    pytest.importorskip("gnuradio.gr")  # base classes of the blocks
    compiled = importlib.import_module(f"gnuradio.resivid.{module}")
    assert list(unspoken(compiled, module)) == []
