# SPDX-License-Identifier: GPL-3.0-or-later
"""Classical video codecs over the same link: what every figure of ours is compared with."""
