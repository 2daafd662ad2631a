# SPDX-License-Identifier: GPL-3.0-or-later
"""For each flowgraph (.grc) on the command line one line of JSON: what the editor says of each faulty block."""

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
    faulty = [block for block in flowgraph.blocks if not block.is_valid()]
    print(json.dumps({block.name: block.get_error_messages() for block in faulty}), flush=True)
