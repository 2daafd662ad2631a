# SPDX-License-Identifier: GPL-3.0-or-later
"""Leave to transmit: asked for once, kept in the user's configuration."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import SettingsError
from .settings import RadioSettings

FILE = "may-transmit"


def configuration_folder() -> Path:
    """Where this user's settings are kept (XDG base directories)."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "resivid"


def check_may_transmit(radio: RadioSettings, says_so: bool, width_hz: float) -> str:
    """Refuse to radiate before the user said that it is allowed.

    Args:
        says_so: `--i-may-transmit` was given; it is remembered.
        width_hz: of the signal.
    Returns:
        One line that names what will be radiated; empty where nothing will.
    Raises:
        SettingsError: nobody said so, now or before.
    """
    if not radio.radiates:
        return ""
    file = configuration_folder() / FILE
    gain = "the driver's own gain" if radio.gain_db is None else f"gain {radio.gain_db:g} dB"
    where = f"{radio.frequency_hz / 1e6:.6g} MHz, {width_hz / 1e3:.3g} kHz wide"
    what = f"{where}, {gain}, device {radio.device or 'the first radio'}"
    if says_so and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("This user said that transmitting is allowed on the frequencies that are used.\n")
    if not file.exists():
        raise SettingsError(
            f"transmitting on {what}: whether you may is for the law of your country and your licence to say; "
            "give --i-may-transmit once"
        )
    return f"transmitting on {what}"
