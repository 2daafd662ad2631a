# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation site: it builds without a warning, needs nothing from outside, and its reference is complete."""

from __future__ import annotations

import html
import operator
import os
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pytest.importorskip("material", reason="mkdocs-material is not installed: make setup")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": ""}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "WARNING" not in done.stderr, done.stderr
    return folder


def text_of(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def test_no_page_fetches_anything_from_outside(site):
    fetched = re.compile(
        r"<(?:script|img|iframe)[^>]+src=[\"'](?:https?:)?//|<link(?![^>]+canonical)[^>]+href=[\"']https?:"
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    assert not [page.name for page in pages if fetched.search(page.read_text(encoding="utf-8"))]
    styles = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert not re.search(r"@import|url\([\"']?https?:", styles)


def test_the_reference_names_every_command_with_its_options(site):
    from gnuradio.resivid.cli.main import COMMANDS

    text = text_of(site / "reference/commands.html")
    for command in COMMANDS:
        assert f"resivid {command}" in text
    for option in (
        "--impair",
        "--i-may-transmit",
        "--table1",
        "--compare",
        "--channel <awgn|rayleigh|rician>",
    ):
        assert option in text


def test_no_page_shows_the_marks_that_escape_markup(site):
    for page in (site / "reference").rglob("*.html"):
        article = re.search(r"<article.*</article>", page.read_text(encoding="utf-8"), re.DOTALL)[0]
        shown = re.sub(r"<pre.*?</pre>", "", article, flags=re.DOTALL)
        assert "\\" not in shown and "&amp;lt;" not in shown and "&amp;#" not in shown, page.name


def test_the_reference_names_every_block_with_its_parameters(site):
    text = text_of(site / "reference/blocks.html")
    for path in (ROOT / "grc").glob("*.block.yml"):
        block = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert block["label"] in text
        assert all(parameter["id"] in text for parameter in block.get("parameters", []))


def test_the_reference_names_every_block_as_python_does(site):
    from gnuradio import resivid

    headings = re.findall(
        r"<h3[^>]*>(.*?)</h3>", (site / "reference/blocks.html").read_text(encoding="utf-8")
    )
    names = [name for heading in headings for name in re.findall(r"<code>(.*?)</code>", heading)]
    assert len(headings) == len(list((ROOT / "grc").glob("*.block.yml"))) and len(names) >= len(headings)
    assert all(callable(operator.attrgetter(name)(resivid)) for name in names)
    assert {"LinkSettings", "LiveSettings", "LinkSettings.make_encoder"} <= set(names)


def test_the_reference_holds_every_public_name_of_the_package(site):
    from gnuradio import resivid

    text = "".join(text_of(page) for page in (site / "reference/python").glob("*.html"))
    blocks = text_of(site / "reference/blocks.html")
    for name in resivid.__all__:
        assert re.search(rf"\b{name}\b", text + blocks) or name == "__version__", name


def test_what_is_in_the_navigation_of_the_repository_is_no_dead_end(site):
    """Links of the README into the documentation lead to files."""
    for target in re.findall(r"\]\((docs/[^)#]+)", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_commands_are_written_as_after_activating():
    """Once, in getting-started.md, the documentation says how `resivid` becomes a command."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    long_form = re.compile(r"^\s*(?:sudo )?\.venv/bin/", re.MULTILINE)
    assert not [page.name for page in pages if long_form.search(page.read_text(encoding="utf-8"))]
    for page in (ROOT / "README.md", ROOT / "docs/getting-started.md"):
        assert ". .venv/bin/activate" in page.read_text(encoding="utf-8")


def test_every_flowgraph_is_described():
    page = (ROOT / "docs/getting-started.md").read_text(encoding="utf-8")
    flowgraphs = [path.stem for path in (ROOT / "grc/flowgraphs").glob("*.grc")]
    assert len(flowgraphs) == 10  # as the README says
    assert not [name for name in flowgraphs if f"`{name}`" not in page]
