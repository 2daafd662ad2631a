# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluation: quality metrics and the report."""
