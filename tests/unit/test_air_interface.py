# SPDX-License-Identifier: GPL-3.0-or-later
"""The test vectors and numbers of docs/air-interface.md are what the code writes."""

import numpy as np
import pytest
from documents import AIR_INTERFACE, table_after
from gnuradio.resivid.codec.resi_vidtok import packing
from gnuradio.resivid.link.budget import coded_bits, payload_bits, symbols_per_key_frame
from gnuradio.resivid.link.mcs_table import load_mcs_table

TOKENS = np.array([0xABC, 0x123, 0x456, 0x789], np.uint16)


@pytest.mark.parametrize("row", table_after("<!-- vectors -->"), ids=lambda row: row[0])
def test_vectors(row):
    _, mask_text, budget, prefix, header_bits, body_bits, payload = row
    mask = np.array([bit == "1" for bit in mask_text])
    if prefix == "-":
        block = packing.pack(TOKENS, mask, int(budget))
    else:
        block = packing.pack_prefix(TOKENS, mask, int(prefix), int(budget))
    assert np.packbits(block.bits).tobytes().hex() == payload
    assert (block.header_bits, block.body_bits) == (int(header_bits), int(body_bits))
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(payload), np.uint8), count=int(budget))
    update = (packing.parse if prefix == "-" else packing.parse_prefix)(bits, 4)
    assert update.values.tolist() == TOKENS[: update.mask.size][mask[: update.mask.size]].tolist()


def test_operating_points():
    row = load_mcs_table().rows[4]
    rows = table_after("## From symbols to payload bits")
    assert len(rows) == 3
    for stride, symbols, coded, payload in rows:
        k_t = symbols_per_key_frame("4e-4", int(stride), 256, 256)
        assert [k_t, coded_bits(k_t, row), payload_bits(k_t, row)] == [int(symbols), int(coded), int(payload)]


def test_version_is_stated():
    assert f"version **{packing.WIRE_VERSION}**" in AIR_INTERFACE
