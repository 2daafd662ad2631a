# SPDX-License-Identifier: GPL-3.0-or-later
"""A codec whose receiver shows the last key frame that arrived: what comes of losses is known beforehand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gnuradio.resivid.codec.base import Payload, Unit

OPTIONS = ()


@dataclass(frozen=True)
class Settings:
    """S and N in frames."""

    stride: int
    gop: int


class Encoder:
    """Sends the picture itself, whatever the budget; keeps what it was told."""

    units_to_plan, wants_reports = 1, True

    def __init__(self, settings):
        self.settings, self.count = settings, 0
        self.events = []  # ("pack" or "report", first frame, bits or what the report says)

    def analyse(self, frame):
        index, self.count = self.count, self.count + 1
        return None if index % self.settings.stride else Unit(index, data=frame)

    def pack(self, unit, budget_bits):
        self.events.append(("pack", unit.first_frame, budget_bits))
        return Payload(unit.data, unit.first_frame)

    def report(self, unit_id, crc_ok, restart=False):
        self.events.append(("report", unit_id, crc_ok))


class Decoder:
    """Grey before the first payload."""

    wants_restart = False

    def __init__(self):
        self.picture = None

    def unpack(self, payload):
        if payload is not None:
            self.picture = payload.bits
        return Unit(0)

    def render(self, unit):
        return [np.full((256, 256, 3), 128, np.uint8) if self.picture is None else self.picture]


def make_settings(**options):
    return Settings(**options)


def make_encoder(tokenizer, settings):
    return Encoder(settings)


def make_decoder(tokenizer, interpolator, settings):
    return Decoder()
