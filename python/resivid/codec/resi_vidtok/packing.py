# SPDX-License-Identifier: GPL-3.0-or-later
"""Payload bits of one key frame, (10) to (13): written and read here alone. docs/air-interface.md states it.

Largest prefix (14):  mask of K bits | a one that ends it, where K < L and a bit is left | values | zeros
GOP prefix (15):      K in 9 bits | mask of K bits | values | zeros
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import SettingsError
from ...link.bits import BitReader, BitWriter
from ...models.tokenizers.base import VALUE_BITS, ZERO_FLAG
from .rate import largest_prefix

WIRE_VERSION = 1
PREFIX_FIELD_BITS = 9  # K of the GOP prefix, 0..511
MAX_TOKENS = (1 << PREFIX_FIELD_BITS) - 1


@dataclass(frozen=True)
class Block:
    """A packed payload: uint8 (A,) bits and how many of them are header and body; K and updates."""

    bits: np.ndarray
    header_bits: int
    body_bits: int
    prefix: int
    updates: int


@dataclass(frozen=True)
class Update:
    """A parsed payload: `mask` bool (K,) says which of the first K tokens take `values`, uint16 (updates,)."""

    mask: np.ndarray
    values: np.ndarray


def pack(tokens: np.ndarray, mask: np.ndarray, budget_bits: int) -> Block:
    """The largest prefix (14) that fits.

    Args:
        tokens: uint16 (L,), none of the changed ones the zero flag.
        mask: bool (L,), which of them changed.
        budget_bits: A, bits of the block, without CRC.
    Returns:
        The block, its bits filled up to A with zeros.
    Raises:
        SettingsError: the block cannot carry a single changed token.
        ValueError: a changed token is the zero flag or has more than 12 bits.
    """
    _check_budget(budget_bits, 1 + VALUE_BITS)
    prefix = largest_prefix(mask, budget_bits)
    values = tokens[:prefix][mask[:prefix]]
    writer = BitWriter(budget_bits)
    writer.write_bits(mask[:prefix])
    # Token K + 1 changed and does not fit, else the prefix were longer: 0 to 12 bits are left beside the values.
    if prefix < mask.size and writer.left > VALUE_BITS * values.size:
        writer.write(1, 1)
    return _with_body(writer, values, prefix)


def pack_prefix(tokens: np.ndarray, mask: np.ndarray, prefix: int, budget_bits: int) -> Block:
    """A block of the GOP prefix (15): K in front.

    Args:
        tokens: uint16 (L,).
        mask: bool (L,).
        prefix: K, at most L; made smaller where this block has not the room that was planned.
        budget_bits: A, bits of the block, without CRC.
    Returns, Raises: as `pack`.
    """
    _check_budget(budget_bits, PREFIX_FIELD_BITS + 1 + VALUE_BITS)
    prefix = min(prefix, largest_prefix(mask, budget_bits - PREFIX_FIELD_BITS))
    writer = BitWriter(budget_bits)
    writer.write(prefix, PREFIX_FIELD_BITS)
    writer.write_bits(mask[:prefix])
    return _with_body(writer, tokens[:prefix][mask[:prefix]], prefix)


def parse(bits: np.ndarray, num_tokens: int) -> Update:
    """Inverse of `pack`; takes any bits, even hostile ones, and never raises.

    Args:
        bits: uint8 (A,), one 0 or 1 a byte.
        num_tokens: L.
    Returns:
        What to update; never more than L positions.
    """
    reader = BitReader(bits)
    ahead = reader.bits[:num_tokens].astype(np.bool_)
    prefix = largest_prefix(ahead, reader.bits.size)  # the first position that does not fit ends the mask
    mask = reader.read_bits(prefix).astype(np.bool_)
    if prefix < ahead.size and reader.left > VALUE_BITS * np.count_nonzero(mask):
        reader.read_bits(1)  # the one that did not fit
    return Update(mask, _read_values(reader, mask))


def parse_prefix(bits: np.ndarray, num_tokens: int) -> Update:
    """Inverse of `pack_prefix`; as `parse`. Values that the body is too short for are the zero flag."""
    reader = BitReader(bits)
    field = reader.read(1, PREFIX_FIELD_BITS)
    mask = reader.read_bits(min(int(field[0]) if field.size else 0, num_tokens)).astype(np.bool_)
    return Update(mask, _read_values(reader, mask))


def _check_budget(budget_bits: int, needed_bits: int) -> None:
    if budget_bits < needed_bits:
        raise SettingsError(
            f"a block of {max(budget_bits, 0)} payload bits cannot carry one token ({needed_bits} bits): "
            "raise the CBR, the stride or the MCS"
        )


def _with_body(writer: BitWriter, values: np.ndarray, prefix: int) -> Block:
    if np.any(values >= ZERO_FLAG):
        raise ValueError(f"token values must be below the zero flag {ZERO_FLAG}, got {values.max()}")
    header_bits = writer.position
    writer.write(values, VALUE_BITS)
    return Block(writer.bits, header_bits, writer.position - header_bits, prefix, int(values.size))


def _read_values(reader: BitReader, mask: np.ndarray) -> np.ndarray:
    """One value for each one of the mask; zero-flag padding where the body is short, section III-E."""
    values = np.full(np.count_nonzero(mask), ZERO_FLAG, dtype=np.uint16)
    read = reader.read(values.size, VALUE_BITS)
    values[: read.size] = read
    return values
