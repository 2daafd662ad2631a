# SPDX-License-Identifier: GPL-3.0-or-later
"""Transmitter and receiver as hier blocks, the simulation as a top block; CLI, GRC and tests use these classes."""
