# SPDX-License-Identifier: GPL-3.0-or-later
"""For each flowgraph (.grc) on the command line one line of JSON: names of the blocks that the editor marks as faulty."""

from __future__ import annotations

import json
import logging
import sys

from gnuradio import gr
from gnuradio.grc.core.platform import Platform

logging.disable(logging.CRITICAL)
platform = Platform(
    version=gr.version(),
    version_parts=(gr.major_version(), gr.api_version(), gr.minor_version()),
    prefs=gr.prefs(),
)
platform.build_library()
for path in sys.argv[1:]:
    flowgraph = platform.make_flow_graph(path)
    flowgraph.rewrite()
    flowgraph.validate()
    print(json.dumps(sorted(block.name for block in flowgraph.blocks if not block.is_valid())), flush=True)
