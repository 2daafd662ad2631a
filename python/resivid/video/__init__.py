# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground floor of the video: reading, writing, choosing key frames."""
