# SPDX-License-Identifier: GPL-3.0-or-later
"""The `resivid` command: one small module a subcommand, each with `register(app)`."""
