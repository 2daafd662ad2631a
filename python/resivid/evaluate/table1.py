# SPDX-License-Identifier: GPL-3.0-or-later
"""Table I beside what this link does: block error rate at the paper's SNR, and the SNR that the target needs."""

from __future__ import annotations

from typing import Any

from .. import phy
from ..link.budget import coded_bits
from ..link.mcs_file import read_mcs_file
from ..link.mcs_table import load_mcs_table

BLOCKS = 2000
CALIBRATED = "calibrated"


def table1(symbols: int, blocks: int = BLOCKS, seed: int = 0) -> list[dict[str, Any]]:
    """One row for each row of Table I.

    Args:
        symbols: k_t, channel symbols of a key frame.
        blocks: random blocks sent for each row.
        seed: of payloads and noise.
    Returns:
        `mcs`, `code_rate`, `paper_snr_db`, the measured `bler` there over `blocks`, and `threshold_db`: Es/N0 for the target
        block error rate as calibrated for this block size, None where it is not.
    """
    table = load_mcs_table("table1", symbols)
    thresholds = {
        entry.label: entry.snr_db(coded_bits(symbols, entry)) for entry in read_mcs_file(CALIBRATED).entries
    }
    rows = []
    for number, row in enumerate(table.rows):
        found = phy.simulate_blocks(
            row.bits_per_symbol, row.rate_1024, symbols, row.snr_db, blocks, seed + number, threads=1
        )
        rows.append(
            {
                "mcs": row.label,
                "code_rate": row.rate_1024 / 1024,
                "paper_snr_db": row.snr_db,
                "bler": found["errors"] / found["blocks"],
                "blocks": found["blocks"],
                "threshold_db": thresholds.get(row.label),
                "target_bler": table.target_bler,
            }
        )
    return rows
