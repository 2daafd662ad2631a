# SPDX-License-Identifier: GPL-3.0-or-later
"""The live page of `simulate` and `rx`: `Monitor` takes what the stages report, `WebServer` shows it."""
