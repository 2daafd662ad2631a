# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokenizers: pictures to importance-ordered tokens and back (section III-C1)."""
