# SPDX-License-Identifier: GPL-3.0-or-later
"""Plug-in of coverage.py: lines of Python blocks count, though GNU Radio runs them in threads that Python did not start.

Python installs a tracer in its own threads only. The handlers and `work` of blocks install it here at each call,
because a foreign thread forgets it when the call returns.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
import threading
from importlib.abc import MetaPathFinder

GATEWAY = "gnuradio.gr.gateway"


def traced(function):
    """The function, with the tracer of this run in whatever thread calls it."""

    @functools.wraps(function)
    def call(*arguments):
        if sys.gettrace() is None:
            sys.settrace(threading.gettrace())
        return function(*arguments)

    return call


def trace_gateway(gateway):
    """Trace what GNU Radio's C++ calls in a Python block."""
    block = gateway.gateway_block
    for name in ("handle_general_work", "handle_forecast"):
        setattr(block, name, traced(getattr(block, name)))
    set_msg_handler = block.set_msg_handler

    def set_traced_handler(self, port, handler):
        set_msg_handler(self, port, handler)
        setattr(self, handler.__name__, traced(handler))  # C++ finds it by this name

    block.set_msg_handler = set_traced_handler


class GatewayFinder(MetaPathFinder):
    """Waits for the import of GNU Radio's gateway to Python blocks."""

    def find_spec(self, name, path, target=None):
        """The usual spec, whose loading ends with `trace_gateway`."""
        if name != GATEWAY:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_trace(module):
            execute(module)
            trace_gateway(module)

        spec.loader.exec_module = execute_and_trace
        return spec


def coverage_init(registry, options):
    """Called by coverage.py once in each process."""
    sys.meta_path.insert(0, GatewayFinder())
