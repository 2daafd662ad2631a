# SPDX-License-Identifier: GPL-3.0-or-later
"""Training of tokenizer and decoder (no GNU Radio needed)."""
