# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of the Python package, read from its sources; nothing is imported."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PACKAGES = {
    "": "Blocks by name, errors, extensions",
    "video": "Reading, sampling, writing video",
    "link": "Budget, MCS tables, air interface, statistics",
    "models": "Tokenizers, interpolators, weights",
    "codec": "The codec contract and the codecs",
    "blocks": "GNU Radio blocks in Python",
    "radio": "Radios and recordings",
    "flowgraphs": "Transmitter, receiver, simulation",
    "evaluate": "Metrics, sweeps, reports",
    "train": "Training",
    "web": "The live page",
}
SECTION = re.compile(r"(Args|Returns|Raises|Attributes|Yields):$")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def index(package: Path) -> str:
    """The page that lists the packages."""
    lines = ["# Python", "", "Made from the sources. The package is `gnuradio.resivid`.", ""]
    lines += ["| package | holds |", "|---|---|"]
    lines += [f"| [{_name(key)}](python/{_slug(key)}.md) | {what} |" for key, what in PACKAGES.items()]
    return "\n".join(lines) + "\n"


def pages(package: Path) -> dict[str, str]:
    """Path in the site to Markdown, one page a package."""
    return {f"reference/python/{_slug(key)}.md": _page(package, key, what) for key, what in PACKAGES.items()}


def _name(key: str) -> str:
    return f"gnuradio.resivid.{key}".rstrip(".")


def _slug(key: str) -> str:
    return key or "resivid"


def _page(package: Path, key: str, what: str) -> str:
    folder = package / key
    files = sorted(folder.rglob("*.py") if key else folder.glob("*.py"))
    lines = [f"# {_name(key)}", "", f"{what}.", ""]
    for file in files:
        lines += _module(file, package)
    return "\n".join(lines)


def _module(file: Path, package: Path) -> list[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parts = [*file.relative_to(package).with_suffix("").parts]
    name = ".".join(part for part in parts if part != "__init__") or "resivid"
    members = [node for node in tree.body if isinstance(node, Definition) and not node.name.startswith("_")]
    if not members:
        return []
    lines = [f"## {name}", "", *_docstring(tree)]
    for node in members:
        lines += _definition(node)
    return lines


def _definition(node: Definition) -> list[str]:
    if not isinstance(node, ast.ClassDef):
        return [f"### {node.name}", "", "```python", _signature(node), "```", "", *_docstring(node)]
    methods = [item for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)]
    made = next((item for item in methods if item.name == "__init__"), None)
    call = _signature(made, node.name) if made else _fields(node)
    lines = [f"### {node.name}", "", "```python", f"class {call}", "```", "", *_docstring(node)]
    for method in methods:
        if not method.name.startswith("_") and ast.get_docstring(method):
            lines += [f"`{_signature(method).removeprefix('def ')}`{{ .method }}", "", *_docstring(method)]
    return lines


def _fields(node: ast.ClassDef) -> str:
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    fields = [ast.unparse(item) for item in node.body if isinstance(item, ast.AnnAssign)]
    head = f"{node.name}({bases})" if bases else node.name
    return "\n    ".join([head + ":", *fields]) if fields else head


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str | None = None) -> str:
    arguments = ast.unparse(node.args)
    if name or arguments.startswith("self"):
        arguments = arguments.removeprefix("self").removeprefix(", ")
    returns = f" -> {ast.unparse(node.returns)}" if node.returns and not name else ""
    text = f"{name or 'def ' + node.name}({arguments}){returns}"
    if len(text) > 90 and name:
        text = text.replace(", ", ",\n    ")
    return text


def _docstring(node: ast.AST) -> list[str]:
    """Markdown of a docstring whose sections are Args, Returns, Raises."""
    text = ast.get_docstring(node)  # type: ignore[arg-type]
    lines: list[str] = []
    in_section = False
    for line in (text or "").splitlines():
        section = SECTION.match(line)
        if section:
            in_section = True
            lines += ["", f"**{section[1]}**", ""]
        elif in_section and re.match(r"    \S", line):
            found = re.match(r"    ([\w, *.]+): (.*)", line)
            lines.append(f"- `{found[1]}`: {_escape(found[2])}" if found else f"- {_escape(line.strip())}")
        elif in_section and line.startswith("     "):
            lines[-1] += " " + _escape(line.strip())
        else:
            in_section = in_section and not line.strip()
            lines.append(_escape(line))
    return [*lines, ""]


def _escape(text: str) -> str:
    """Text with nothing but its code spans as markup."""
    parts = text.split("`")
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(r"([*_\[\]])", r"\\\1", parts[i].replace("<", "&lt;"))
    return "`".join(parts)
