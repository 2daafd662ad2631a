# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the models that are used where none is named."""

TOKENIZER = "multiscale"
INTERPOLATOR = "fusion"
