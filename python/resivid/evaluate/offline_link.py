# SPDX-License-Identifier: GPL-3.0-or-later
"""Both ends of a codec with lost blocks instead of a radio, frame by frame."""

from __future__ import annotations

from collections import deque

import numpy as np

from ..codec.base import CodecDecoder, CodecEncoder
from ..codec.registry import load_codec
from ..errors import SettingsError
from ..models.registry import load_interpolator
from ..models.tokenizers.base import Tokenizer


class OfflineLink:
    """Packs, loses or delivers, unpacks; reports come late, as in `token_packer`'s lock-step.

    Key frame n is packed with the same number of bits as every other, after the report on n - d.

    Args:
        encoder, decoder: both ends; the encoder plans single units.
        budget_bits: payload bits of a key frame.
        feedback_delay: d in key frames, at least 1.
    Raises:
        SettingsError: the encoder plans whole GOPs, or the delay is below 1.
    """

    def __init__(
        self, encoder: CodecEncoder, decoder: CodecDecoder, budget_bits: int, feedback_delay: int = 1
    ):
        if feedback_delay < 1:
            raise SettingsError(f"feedback delay must be at least 1 key frame, got {feedback_delay}")
        if encoder.units_to_plan > 1:
            raise SettingsError("a codec that plans whole GOPs cannot be evaluated frame by frame")
        self._encoder, self.decoder = encoder, decoder
        self._budget_bits, self._delay = budget_bits, feedback_delay
        self._reports: deque[tuple[int, bool, bool]] = deque()

    def send(self, frame: np.ndarray, arrives: bool = True, show: bool = True) -> np.ndarray | None:
        """Take the next frame of the video.

        Args:
            frame: uint8 (size, size, 3) RGB.
            arrives: whether the block of this key frame arrives.
            show: whether the picture is wanted; without it the receiver's network rests.
        Returns:
            The receiver's picture of a key frame, uint8 (size, size, 3); None between key frames.
        """
        unit = self._encoder.analyse(frame)
        if unit is None:
            return None
        while len(self._reports) >= self._delay:
            self._encoder.report(*self._reports.popleft())
        payload = self._encoder.pack(unit, self._budget_bits)
        state = self.decoder.unpack(payload if arrives else None)
        self._reports.append((unit.first_frame, arrives, self.decoder.wants_restart))
        return list(self.decoder.render(state))[-1] if show else None


class LinkMaker:
    """Makes both ends of a codec, time and again, around one tokenizer.

    Args:
        codec: name in the codec registry.
        tokenizer: for both ends.
        options: of the codec's settings, beside stride and GOP.
    Raises:
        SettingsError: no such codec, or an option that it does not take.
    """

    def __init__(self, codec: str, tokenizer: Tokenizer, **options: object):
        self.codec, self.options = codec, options
        self._module, self._tokenizer = load_codec(codec), tokenizer

    @property
    def size(self) -> int:
        """Side of the pictures in pixels."""
        return self._tokenizer.size

    @property
    def weights(self) -> dict[str, str]:
        """File name to SHA-256 of the tokenizer's weights."""
        return self._tokenizer.weights_sha256

    @property
    def has_memory(self) -> bool:
        """Whether the codec knows several ways to outlive losses."""
        return "memory" in self._module.OPTIONS

    def link(
        self, stride: int, budget_bits: int, gop: int = 32, feedback_delay: int = 1, **options: object
    ) -> OfflineLink:
        """A new link with empty states; `options` are added to those of the constructor."""
        settings = self._settings(stride, gop, options)
        encoder = self._module.make_encoder(self._tokenizer, settings)
        return OfflineLink(encoder, self.receiver(stride, gop, **options), budget_bits, feedback_delay)

    def receiver(self, stride: int, gop: int = 32, **options: object) -> CodecDecoder:
        """A receiver that has heard nothing yet; its pictures between key frames are those before."""
        settings = self._settings(stride, gop, options)
        return self._module.make_decoder(self._tokenizer, load_interpolator("hold"), settings)

    def _settings(self, stride: int, gop: int, options: dict[str, object]) -> object:
        return self._module.make_settings(stride=stride, gop=gop, **self.options, **options)
