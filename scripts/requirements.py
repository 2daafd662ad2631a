# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the requirement lines of pyproject.toml for the named groups: `core` or an optional one."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
groups = {"core": project["dependencies"], **project["optional-dependencies"]}
print(*sorted({line for name in sys.argv[1:] for line in groups[name]}), sep="\n")
