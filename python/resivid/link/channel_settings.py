# SPDX-License-Identifier: GPL-3.0-or-later
"""What a simulated channel does to the symbols beside white noise, and which of it a receiver can bear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal

from ..errors import SettingsError


@dataclass(frozen=True)
class ChannelSettings:
    """Settings of the block `channel`, in the order in which they act; the defaults do nothing.

    Attributes:
        fading: flat, of mean power 1; "none", "rayleigh" or "rician".
        rician_k_db: power of the steady path over that of the others, in dB.
        doppler_hz: largest Doppler shift; 0: one gain for each packet, independent.
        csi: genie: the receiver knows the gains of the fading.
        clipping_db: limiter of the transmitter, dB over RMS; None for none.
        frequency_offset_hz: of the receiver's oscillator.
        phase_noise: Wiener, rad^2 a symbol.
        clock_offset_ppm: of the receiver's sampling clock.
        loss_rate: share of packets of which nothing but noise arrives.
        burst_length: mean losses in a row, at least 1; 0: losses are independent.
        dc_offset: complex, relative to RMS 1.
        iq_gain_db, iq_phase_deg: amplitude of I over that of Q, and the axes' distance from a right angle.
        quantiser_bits: of each axis; 0 for none.
        continuous: packets are pieces of one signal: a clock offset runs through them.
    """

    fading: Literal["none", "rayleigh", "rician"] = "none"
    rician_k_db: float = 10.0
    doppler_hz: float = 0.0
    csi: bool = True
    clipping_db: float | None = None
    frequency_offset_hz: float = 0.0
    phase_noise: float = 0.0
    clock_offset_ppm: float = 0.0
    loss_rate: float = 0.0
    burst_length: float = 0.0
    dc_offset: complex = 0.0
    iq_gain_db: float = 0.0
    iq_phase_deg: float = 0.0
    quantiser_bits: int = 0
    continuous: bool = False

    def as_arguments(self, symbol_rate: float) -> dict[str, Any]:
        """Keyword arguments of the block `channel` and of `phy.channel_model`.

        Args:
            symbol_rate: symbols a second, the unit of time of what is in Hz.
        """
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"symbol_rate": symbol_rate}

    def check_samples(self) -> None:
        """Refuse what has no meaning for the samples of a framed link.

        Raises:
            SettingsError: a genie that knows gains, or whole packets that are lost.
        """
        if self.fading != "none" and self.csi:
            raise SettingsError("--phy framed: no genie tells the receiver the gains, so it needs --csi none")

    def warnings_without_synchroniser(self) -> list[str]:
        """What a receiver that knows packets, but has no synchroniser, cannot undo: one line each.

        Raises:
            SettingsError: it cannot even tell the symbols of a packet.
        """
        if self.clock_offset_ppm:
            raise SettingsError(
                "clock-offset changes the number of symbols, which only a burst synchroniser finds again: it needs "
                "a framed link; the block `channel` has it"
            )
        lines = []
        if self.frequency_offset_hz:
            lines.append("frequency-offset: no synchroniser is there to undo it, blocks will fail")
        if self.phase_noise:
            lines.append("phase-noise: no synchroniser follows it, blocks fail once the phase has walked off")
        if self.fading != "none" and not self.csi:
            lines.append("--csi none: nothing finds the phase of the gain without pilots, blocks will fail")
        return lines


# What `--impair` takes: its name, the setting, how its text is read, and what it means.
IMPAIRMENTS = {
    "clipping": ("clipping_db", float, "dB over RMS"),
    "frequency-offset": ("frequency_offset_hz", float, "Hz"),
    "phase-noise": ("phase_noise", float, "rad^2 a symbol"),
    "clock-offset": ("clock_offset_ppm", float, "ppm"),
    "dc": ("dc_offset", complex, "such as 0.1+0.05j, RMS is 1"),
    "iq-gain": ("iq_gain_db", float, "dB"),
    "iq-phase": ("iq_phase_deg", float, "degrees"),
    "bits": ("quantiser_bits", int, "of each axis"),
}


def parse_impairments(texts: Iterable[str]) -> dict[str, Any]:
    """Settings from NAME=VALUE.

    Raises:
        SettingsError: an unknown name, a value that is no number, or a name twice.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in IMPAIRMENTS:
            known = ", ".join(f"{key}=({unit})" for key, (_, _, unit) in IMPAIRMENTS.items())
            raise SettingsError(f"--impair: expected NAME=VALUE of {known}, got {text!r}")
        setting, kind, unit = IMPAIRMENTS[name]
        if setting in settings:
            raise SettingsError(f"--impair: {name} stands twice")
        try:
            settings[setting] = kind(value)
        except ValueError as error:
            raise SettingsError(f"--impair {name}: expected a number ({unit}), got {value!r}") from error
    return settings
