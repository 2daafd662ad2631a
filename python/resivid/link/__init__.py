# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground floor of the link: MCS tables, symbol and bit budget, bit packing, statistics (NumPy only)."""
