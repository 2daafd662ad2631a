# SPDX-License-Identifier: GPL-3.0-or-later
"""From CBR to symbols, (1), from symbols and MCS to bits, (9), and what the CRCs leave of them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Protocol

SOURCE_VALUES_PER_PIXEL = 3  # m = H * W * 3 counts RGB values
MAX_PAYLOAD_CRC16 = 3824  # TS 38.212 6.2.1: longer payloads carry a CRC of 24 bits
CODE_BLOCK_CRC_BITS = 24  # TS 38.212 5.2.2
MAX_SYMBOLS = 1 << 20  # of one key frame, as lib/phy takes them
MAX_CODE_BLOCK_BITS = {1: 8448, 2: 3840}  # K_cb of TS 38.212 5.2.2, by base graph


class Mcs(Protocol):
    """What a budget depends on: log2 M and 1024 times the code rate."""

    @property
    def bits_per_symbol(self) -> int:
        """log2 M."""
        ...

    @property
    def rate_1024(self) -> int:
        """Code rate times 1024."""
        ...


def symbols_per_key_frame(cbr: float | str | Decimal | Fraction, stride: int, width: int, height: int) -> int:
    """Channel symbols of one key frame, k_t = floor(R m S).

    Args:
        cbr: R, channel symbols per source value. The decimal number that is written counts, not its
            binary approximation, so 4e-4 is exactly 4/10,000.
        stride: S, frames per key frame, at least 1.
        width: frame width in pixels.
        height: frame height in pixels.
    Returns:
        k_t in symbols; 629 for R = 4e-4, S = 8, 256x256.
    Raises:
        ValueError: cbr is no positive number, stride or size is below 1, or k_t is above MAX_SYMBOLS.
    """
    exact = _exact(cbr)
    for name, value in (("stride", stride), ("width", width), ("height", height)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
    symbols = int(exact * (SOURCE_VALUES_PER_PIXEL * width * height * stride))
    if symbols > MAX_SYMBOLS:
        raise ValueError(f"cbr {cbr} and stride {stride}: more than {MAX_SYMBOLS} symbols a key frame")
    return symbols


def _exact(cbr: float | str | Decimal | Fraction) -> Fraction:
    if isinstance(cbr, Fraction):
        exact = cbr
    else:
        try:
            number = Decimal(str(cbr))
        except InvalidOperation:
            number = Decimal("nan")
        # The fraction of a number such as 1e-999999999 would fill the memory.
        exact = Fraction(number) if number.is_finite() and abs(number.adjusted()) < 100 else Fraction(0)
    if exact <= 0:
        raise ValueError(f"cbr must be a positive number, got {cbr!r}")
    return exact


def coded_bits(symbols: int, row: Mcs) -> int:
    """B_t of (9): bits that enter the LDPC encoder, CRCs included; 1,066 for 629 symbols of 16QAM 434/1024."""
    return (row.rate_1024 * symbols * row.bits_per_symbol) >> 10


def base_graph(payload_bits: int, rate_1024: int) -> int:
    """LDPC base graph, 1 or 2, by payload A and code rate R: TS 38.212 6.2.2."""
    if payload_bits <= 292 or 4 * rate_1024 <= 1024:  # R <= 0.25
        return 2
    if payload_bits <= MAX_PAYLOAD_CRC16 and 100 * rate_1024 <= 67 * 1024:  # R <= 0.67
        return 2
    return 1


def num_code_blocks(payload_bits: int, rate_1024: int) -> int:
    """C of TS 38.212 5.2.2: code blocks that a payload of A bits and its CRC are cut into."""
    total = payload_bits + _transport_crc_bits(payload_bits)
    largest = MAX_CODE_BLOCK_BITS[base_graph(payload_bits, rate_1024)]
    return 1 if total <= largest else -(-total // (largest - CODE_BLOCK_CRC_BITS))


def crc_bits(payload_bits: int, rate_1024: int) -> int:
    """CRC bits that a payload of A bits takes with it: transport block and, from two on, each code block."""
    blocks = num_code_blocks(payload_bits, rate_1024)
    return _transport_crc_bits(payload_bits) + (CODE_BLOCK_CRC_BITS * blocks if blocks > 1 else 0)


def payload_bits(symbols: int, row: Mcs) -> int:
    """Largest payload A whose bits and CRCs fit into B_t, in code blocks of equal length.

    Args:
        symbols: k_t.
        row: the MCS in force.
    Returns:
        A in bits; 1,050 for 629 symbols of 16QAM 434/1024; 0 when nothing fits.
    """
    budget = coded_bits(symbols, row)
    for payload in range(budget - 16, 0, -1):
        total = payload + crc_bits(payload, row.rate_1024)
        if total <= budget and total % num_code_blocks(payload, row.rate_1024) == 0:
            return payload
    return 0


def code_rate(symbols: int, row: Mcs) -> float:
    """True code rate of a key frame: payload and CRC bits per bit on the channel; 0 when nothing fits.

    At most the nominal rate_1024 / 1024, from which the rounding in (9) and equal code blocks take a little.
    """
    payload = payload_bits(symbols, row)
    return (payload + crc_bits(payload, row.rate_1024)) / (symbols * row.bits_per_symbol) if payload else 0.0


def _transport_crc_bits(payload_bits: int) -> int:
    return 16 if payload_bits <= MAX_PAYLOAD_CRC16 else 24
