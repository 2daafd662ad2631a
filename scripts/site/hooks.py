# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks of MkDocs: pages that are made from the sources, and links that leave the documentation."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import block_pages  # MkDocs puts this folder into the path while it loads hooks
import command_pages
import python_pages
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    """Add the reference."""
    sys.path.insert(0, str(ROOT / "python"))
    pages = {
        "reference/commands.md": command_pages.page(),
        "reference/blocks.md": block_pages.page(ROOT / "grc"),
        "reference/python.md": python_pages.index(ROOT / "python/resivid"),
        **python_pages.pages(ROOT / "python/resivid"),
    }
    for path, text in pages.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Name files of the repository that are not part of the site instead of linking to them."""
    here = Path(config["docs_dir"]) / Path(page.file.src_uri).parent

    def named(match: re.Match[str]) -> str:
        picture, text, target, _ = match.groups()
        path = (here / target).resolve()
        inside = path.is_relative_to(Path(config["docs_dir"]).resolve())
        if picture or inside or "://" in target or not path.exists():
            return match.group(0)
        name = path.relative_to(ROOT)
        return f"`{name}`" if text.strip("`") == name.name else f"{text} (`{name}`)"

    return LINK.sub(named, markdown)
