# SPDX-License-Identifier: GPL-3.0-or-later
"""GNU Radio blocks in Python: thin, each over objects of the codec and of the ground floor."""
