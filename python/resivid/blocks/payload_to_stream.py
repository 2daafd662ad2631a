# SPDX-License-Identifier: GPL-3.0-or-later
"""From messages to the stream: GNU Radio's own block, with room for the largest packet."""

from __future__ import annotations

from gnuradio import gr, pdu


def payload_to_stream(
    largest_payload_bits: int, packet_len_key: str = "packet_len"
) -> pdu.pdu_to_tagged_stream:
    """PDU `payload` to a tagged stream of bytes, one bit each.

    Message `done` of `video_sink` on its port `system` ends the flowgraph.

    Args:
        largest_payload_bits: items of the largest packet. The scheduler offers at most half of a buffer, and
            a packet that does not fit would stop the flowgraph.
        packet_len_key: key of the length tag.
    """
    block = pdu.pdu_to_tagged_stream(gr.types.byte_t, packet_len_key)
    block.set_min_output_buffer(2 * largest_payload_bits)
    return block
