# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of GNU Radio: which this module is for, which it was tested with, and what differs between them.

What the module uses is the same from 3.10.5 to 3.10.12, so nothing is switched by version: PDUs hold plain Python
values and uint8 or uint16 arrays only (`pmt.to_pmt` of 3.10.5 raises on NumPy scalars), and no stock block is used whose
behaviour changed (`header_payload_demux` drops long payloads before 3.10.7).
"""

from __future__ import annotations

import re

OLDEST, NEWEST = (3, 10, 5), (3, 10, 12)
TESTED = ((3, 10, 5),)  # Debian 12; the others are expected to work and were not run
NUMPY_2_SINCE = (3, 10, 11)  # bindings built before expect NumPy 1


def numbers(version: str) -> tuple[int, ...]:
    """The first three numbers of a version: (3, 10, 5) of "v3.10.5.1"."""
    return tuple(int(n) for n in re.findall(r"\d+", version.partition("+")[0])[:3])


def verdict(version: str) -> str:
    """ "tested", "untested" (expected to work) or "unsupported" for a version of GNU Radio."""
    known = numbers(version)
    if known[:2] != OLDEST[:2] or known < OLDEST:
        return "unsupported"
    return "tested" if known in TESTED else "untested"
