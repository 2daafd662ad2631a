# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/results.md shows the runs that are published beside it."""

import json
import re
import tarfile
from pathlib import Path

from gnuradio.resivid.evaluate.link_page import page_tables

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_tables_are_those_of_the_published_runs():
    with tarfile.open(DOCS / "runs/eval_public.tar.xz") as archive:
        names = archive.getnames()
        runs = [json.load(archive.extractfile(name)) for name in names if name.startswith("results-")]
    tables: dict[str, str] = {}
    for run in runs:  # Table I is that of the first
        tables = page_tables(run) | tables
    page = (DOCS / "results.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"<!-- evaluate (\w+) -->\n(.*?)<!-- end -->", page, re.DOTALL))
    assert shown and {name: tables.get(name) for name in shown} == shown
    assert all(name.startswith("results-") or name.split("/")[0] in ("points", "cache") for name in names)
    keys = {row["key"] for run in runs for row in run["rows"]}
    assert keys <= {Path(name).stem for name in names if name.startswith("points/")}
