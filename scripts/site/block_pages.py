# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference of the GNU Radio Companion blocks, from their descriptions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml


def page(folder: Path) -> str:
    """Every block in the order of the tree, as Markdown.

    Args:
        folder: of the `.block.yml` files and the tree.
    """
    tree = yaml.safe_load((folder / "resivid.tree.yml").read_text(encoding="utf-8"))["[resivid]"]
    parts = [
        "# Blocks",
        "",
        "Made from the descriptions that GNU Radio Companion shows, in the order of the pipeline. Each heading has the name "
        "in Python beside the editor's, after `from gnuradio import resivid`.",
        "",
    ]
    for entry in tree:
        for name, keys in entry.items():
            parts += [f"## {name}", ""]
            for key in keys:
                parts += _block(yaml.safe_load((folder / f"{key}.block.yml").read_text(encoding="utf-8")))
    return "\n".join(parts)


def _block(block: dict[str, Any]) -> list[str]:
    lines = [
        f"### {block['label']}: `{_name_in_python(block)}`",
        "",
        _documentation(block["documentation"]),
        "",
    ]
    if block.get("parameters"):
        lines += ["| parameter | label | type | default |", "|---|---|---|---|"]
        for p in block["parameters"]:
            default = f"`{p['default']}`" if str(p["default"]) else ""
            values = p.get("options")
            kind = p["dtype"] if not values or p["dtype"] not in ("enum", "bool") else ""
            if values:
                kind += (": " if kind else "") + ", ".join(f"`{value}`" for value in values)
            lines.append(f"| `{p['id']}` | {p['label']} | {kind} | {default} |")
        lines.append("")
    asserts = [text.removeprefix("${ ").removesuffix(" }") for text in block.get("asserts", [])]
    if asserts:
        lines += ["Checked: " + ", ".join(f"`{text}`" for text in asserts) + ".", ""]
    for direction in ("inputs", "outputs"):
        ports = [_port(port) for port in block.get(direction, [])]
        if ports:
            lines += [f"{direction.capitalize()}: " + ", ".join(ports) + ".", ""]
    return lines


def _name_in_python(block: dict[str, Any]) -> str:
    """What the block's template makes; the codec is made by methods of the settings."""
    made = block["templates"].get("make") or block["templates"]["var_make"]
    name = re.search(r"resivid\.(?!or_exit\b)(\w+)", made)
    return name[1] if name else "LinkSettings.make_encoder`, `LinkSettings.make_decoder"


def _documentation(text: str) -> str:
    """The block's text; a line that ends a sentence stays one."""
    return re.sub(r"([.:;])\n(?=\S)", r"\1  \n", text.strip().replace("<", "&lt;"))


def _port(port: dict[str, Any]) -> str:
    name = port.get("label") or port["id"]
    return f"`{name}` ({port['dtype'] if port['domain'] == 'stream' else 'message'})"
