# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and where their weights are found (floor 2: torch, no GNU Radio)."""
