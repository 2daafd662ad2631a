# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports from unpacker to packer in lock-step, over a stub of a link that fails blocks it is told to."""

from __future__ import annotations

import pmt
import pytest
from clips import read_frames, write_clip
from gnuradio import gr
from gnuradio.resivid.blocks import pdus
from gnuradio.resivid.blocks.token_packer import token_packer
from gnuradio.resivid.blocks.token_source import token_source
from gnuradio.resivid.blocks.token_unpacker import token_unpacker
from gnuradio.resivid.blocks.video_sink import video_sink
from gnuradio.resivid.codec.closed_loop import ClosedLoopSettings
from loop import ends, exchange, same
from packet_run import from_pdu, run_to_end

BUDGET = 200
FRAMES = 9


class lossy_link(gr.basic_block):
    """Payload in, payload with the decoder's metadata out, and one `mcs` message a payload."""

    def __init__(self, lost):
        gr.basic_block.__init__(self, name="lossy_link", in_sig=None, out_sig=None)
        self.lost, self.sent = lost, []
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self.on_payload)
        for port in ("payload", "mcs"):
            self.message_port_register_out(pmt.intern(port))

    def on_payload(self, pdu):
        metadata, bits = from_pdu(pdu)
        if not metadata.get("end"):
            crc_ok = len(self.sent) not in self.lost
            self.sent.append((metadata, bits))
            metadata = {**metadata, "crc_ok": crc_ok, "snr_db": 6.0, "iterations": 1, "symbols": 629}
            self.message_port_pub(pmt.intern("mcs"), pmt.from_long(0))
        self.message_port_pub(pmt.intern("payload"), pdus.from_parts(metadata, bits))


class Link:
    """Source, packer, stub, unpacker and sink with a closed loop; logs what the encoder is told and when."""

    def __init__(self, path, lost=(), delay=1, memory="feedback", output=None):
        self.encoder, self.decoder = ends(ClosedLoopSettings(stride=1, memory=memory, motion=False))
        self.reports, self.known = [], []  # and how many of them were known when each unit was packed
        self._report, self._pack = self.encoder.report, self.encoder.pack
        self.encoder.report, self.encoder.pack = self.on_report, self.on_pack
        self.top = gr.top_block()
        # Kept, as all blocks here: GNU Radio holds no reference to a Python block, and one that the garbage collector finds
        # while its thread runs ends the process.
        self.source = source = token_source(path, self.encoder, 4)
        self.packer = token_packer(self.encoder, [BUDGET], delay)
        self.link = lossy_link(lost)
        self.unpacker = unpacker = token_unpacker(self.decoder)
        self.sink = sink = video_sink(output, self.decoder, 30)
        for sender, out, receiver, into in (
            (source, "tokens", self.packer, "tokens"),
            (self.packer, "payload", self.link, "in"),
            (self.link, "mcs", self.packer, "mcs"),
            (self.link, "payload", unpacker, "payload"),
            (unpacker, "report", self.packer, "report"),
            (unpacker, "tokens", sink, "tokens"),
            (sink, "credit", source, "credit"),
            (sink, "done", source, "system"),
        ):
            self.top.msg_connect(sender, out, receiver, into)

    def on_report(self, *report):
        self.reports.append(report)
        self._report(*report)

    def on_pack(self, *arguments):
        self.known.append(len(self.reports))
        return self._pack(*arguments)

    def run(self):
        run_to_end(self.top)
        return self


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", FRAMES)


@pytest.mark.parametrize("delay", [1, 3])
@pytest.mark.parametrize("lost", [(), (0,), (2, 3), (0, 1, 4, 8), tuple(range(FRAMES))], ids=str)
def test_in_lock_step_the_mirror_is_the_receiver(clip, lost, delay):
    link = Link(clip, lost, delay).run()
    assert link.sink.num_frames == FRAMES
    assert link.packer.error is None
    # Unit n knows the fate of the units up to n - d and no more, however early reports came.
    assert link.known == [max(0, n - delay + 1) for n in range(FRAMES)]
    assert [r[:2] for r in link.reports] == [(n, n not in lost) for n in range(FRAMES - delay)]
    for n in range(FRAMES - delay, FRAMES):  # those that came after the last unit was packed
        link.encoder.report(n, n not in lost)
    assert same(link.encoder.state, link.decoder.state)


@pytest.mark.parametrize("delay", [1, 3])
def test_the_flowgraph_sends_what_the_codec_alone_does(clip, delay):
    lost = (0, 4)
    link = Link(clip, lost, delay).run()
    encoder, decoder = ends(link.encoder.settings)
    frames = read_frames(clip)
    starts = list(exchange(encoder, decoder, frames, [n in lost for n in range(FRAMES)], delay, BUDGET))
    assert [metadata["gop_start"] for metadata, _ in link.link.sent] == starts
    assert same(link.decoder.state, decoder.state)


@pytest.mark.parametrize("memory", ["gop", "refresh"])
def test_a_codec_that_wants_no_reports_waits_for_none(clip, memory):
    link = Link(clip, (3,), memory=memory)
    link.top.msg_disconnect(link.unpacker, "report", link.packer, "report")
    link.run()
    assert len(link.link.sent) == FRAMES == link.sink.num_frames


def test_a_live_packer_takes_reports_as_they_come():
    encoder, _ = ends(ClosedLoopSettings(stride=1))
    told = []
    encoder.report = lambda *report: told.append(report)
    packer = token_packer(encoder, [BUDGET], lock_step=False)
    for n in range(3):
        packer.on_report(pdus.from_report(n, n != 1, False))
    assert told == [(0, True, False), (1, False, False), (2, True, False)]


def test_an_error_in_report_ends_the_flowgraph_and_leaves_no_file(clip, tmp_path):
    link = Link(clip, output=tmp_path / "out.mp4")

    def failing(*_):
        raise RuntimeError("the codec cannot go on")

    link.encoder.report = failing
    link.run()
    assert str(link.packer.error) == "the codec cannot go on"
    assert list(tmp_path.iterdir()) == []
