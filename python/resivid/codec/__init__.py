# SPDX-License-Identifier: GPL-3.0-or-later
"""The codec contract and one folder a codec."""
