# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the requirements of pyproject.toml for the named groups, `core` or an optional one, that are this Python's."""

import sys
import tomllib
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement  # a new environment has nothing but pip

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
groups = {"core": project["dependencies"], **project["optional-dependencies"]}

lines = {line for name in sys.argv[1:] for line in groups[name]}
wanted = [line for line in lines if (marker := Requirement(line).marker) is None or marker.evaluate()]
print(*sorted(line.partition(";")[0] for line in wanted), sep="\n")
