# SPDX-License-Identifier: GPL-3.0-or-later
"""Interpolators: the frames between two key frames (section III-F)."""
