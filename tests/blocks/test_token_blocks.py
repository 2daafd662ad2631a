# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python blocks in a flowgraph of messages alone: a stub stands for coding, channel and MCS selection."""

from __future__ import annotations

import time

import numpy as np
import pmt
import pytest
from clips import read_frames, write_clip
from gnuradio import gr
from gnuradio.resivid.blocks import pdus
from gnuradio.resivid.blocks.token_packer import token_packer
from gnuradio.resivid.blocks.token_source import token_source
from gnuradio.resivid.blocks.token_unpacker import token_unpacker
from gnuradio.resivid.blocks.video_sink import video_sink
from gnuradio.resivid.codec.base import Payload, Unit
from gnuradio.resivid.codec.resi_vidtok import ResiVidTokSettings, make_codec
from gnuradio.resivid.errors import FormatError, ResividError, VideoError
from packet_run import Collector, from_pdu, post, run_to_end
from toy import ToyInterpolator, ToyTokenizer

BUDGETS = [300, 500, 1050]


class perfect_link(gr.basic_block):
    """Payload in, payload with the decoder's metadata out, and one `mcs` message a payload, row n % 3."""

    def __init__(self):
        gr.basic_block.__init__(self, name="perfect_link", in_sig=None, out_sig=None)
        self.sent = []
        self.message_port_register_in(pmt.intern("in"))
        self.set_msg_handler(pmt.intern("in"), self.on_payload)
        for port in ("payload", "mcs"):
            self.message_port_register_out(pmt.intern(port))

    def on_payload(self, pdu):
        metadata, bits = from_pdu(pdu)
        self.sent.append((metadata, bits))
        if not metadata.get("end"):
            metadata = {**metadata, "crc_ok": True, "snr_db": 6.0, "iterations": 1, "symbols": 629}
            self.message_port_pub(pmt.intern("mcs"), pmt.from_long((len(self.sent) - 1) % 3))
        self.message_port_pub(pmt.intern("payload"), pdus.from_parts(metadata, bits))


class Link:
    """Source, packer, stub, unpacker and sink, connected; `run` runs it to its end."""

    def __init__(self, path, output, stride=8, gop=32, gop_prefix=False, feedback_delay=1, credits=8):
        settings = ResiVidTokSettings(stride=stride, gop=gop, gop_prefix=gop_prefix)
        encoder, decoder = make_codec(ToyTokenizer(), ToyInterpolator(), settings)
        self.top = gr.top_block()
        self.source = token_source(path, encoder, credits)
        self.packer = token_packer(encoder, BUDGETS, feedback_delay)
        self.link = perfect_link()
        self.unpacker = token_unpacker(decoder)
        self.sink = video_sink(output, decoder, 30)
        for source, out, sink, into in (
            (self.source, "tokens", self.packer, "tokens"),
            (self.packer, "payload", self.link, "in"),
            (self.link, "mcs", self.packer, "mcs"),
            (self.link, "payload", self.unpacker, "payload"),
            (self.unpacker, "tokens", self.sink, "tokens"),
            (self.sink, "credit", self.source, "credit"),
            (self.sink, "done", self.source, "system"),
        ):
            self.top.msg_connect(source, out, sink, into)

    def run(self):
        run_to_end(self.top)
        return [metadata for metadata, _ in self.link.sent]


@pytest.mark.parametrize("num_frames", [1, 3, 8, 9, 33])
def test_every_frame_arrives_and_the_flowgraph_ends_by_itself(tmp_path, num_frames):
    link = Link(write_clip(tmp_path / "in.mp4", num_frames), tmp_path / "out.mp4")
    sent = link.run()
    assert [m["frame"] for m in sent[:-1]] == list(range(0, num_frames, 8))
    assert sent[-1] == {"end": True, "frames": num_frames}
    assert len(read_frames(tmp_path / "out.mp4")) == num_frames


@pytest.mark.parametrize(
    "feedback_delay, rows", [(1, [0, 0, 1, 2, 0, 1]), (2, [0, 0, 0, 1, 2, 0]), (4, [0, 0, 0, 0, 0, 1])]
)
def test_lock_step_uses_the_answer_to_the_unit_d_before(tmp_path, feedback_delay, rows):
    link = Link(
        write_clip(tmp_path / "in.mp4", 6), tmp_path / "out.mp4", stride=1, feedback_delay=feedback_delay
    )
    assert [m["mcs"] for m in link.run()[:-1]] == rows
    assert [len(bits) for _, bits in link.link.sent[:-1]] == [BUDGETS[row] for row in rows]


def test_gop_prefix_freezes_the_row_for_a_gop_and_plans_it_whole(tmp_path):
    link = Link(write_clip(tmp_path / "in.mp4", 70), tmp_path / "out.mp4", stride=12, gop=32, gop_prefix=True)
    sent = link.run()[:-1]
    assert [m["gop_start"] for m in sent] == [True, False, False, True, False, False]  # 0..24, 36..60
    # Answers are rows 0, 1, 2, 0 ...; the first GOP starts before any, the second with the answer to unit 2.
    assert [m["mcs"] for m in sent] == [0, 0, 0, 2, 2, 2]
    assert len(read_frames(tmp_path / "out.mp4")) == 70


@pytest.mark.parametrize(
    "block, port",
    [
        ("packer", "tokens"),
        ("packer", "mcs"),
        ("packer", "report"),
        ("unpacker", "payload"),
        ("sink", "tokens"),
    ],
)
def test_malformed_messages_are_counted_and_harm_nothing(tmp_path, block, port):
    link = Link(write_clip(tmp_path / "in.mp4", 9), tmp_path / "out.mp4")
    target = getattr(link, block)
    bad = [
        pmt.PMT_NIL,
        pmt.from_double(1.5),
        pmt.intern("x"),
        pmt.cons(pmt.make_dict(), pmt.init_u8vector(1, [1])),
    ]
    for message in bad:
        post(target, port, message)
    link.run()
    assert target.dropped == len(bad)
    assert len(read_frames(tmp_path / "out.mp4")) == 9


def test_a_planned_gop_may_be_longer_than_the_queue():
    settings = ResiVidTokSettings(stride=1, gop=9, gop_prefix=True)
    encoder, _ = make_codec(ToyTokenizer(), ToyInterpolator(), settings)
    packer = token_packer(encoder, BUDGETS, max_waiting=2)
    for frame in range(10):
        packer.on_tokens(
            pdus.from_unit(Unit(frame, gop_start=frame % 9 == 0, data=np.arange(128, dtype=np.uint16)))
        )
    assert packer.dropped == 0


@pytest.mark.parametrize("row", [-1, 3, 1 << 40])
def test_unknown_rows_are_dropped(row):
    packer = token_packer(ResiVidTokEncoderWithoutNetwork(), BUDGETS)
    packer.on_mcs(pmt.from_long(row))
    assert packer.dropped == 1


class ResiVidTokEncoderWithoutNetwork:
    units_to_plan, wants_reports = 1, False


@pytest.mark.parametrize("error", [ResividError, ValueError, RuntimeError])
@pytest.mark.parametrize(
    "block, method", [("source", "analyse"), ("source", "flush"), ("packer", "pack"), ("sink", "render")]
)
def test_an_error_anywhere_ends_the_flowgraph_and_leaves_no_file(tmp_path, block, method, error):
    def failing(*_):
        raise error("the codec cannot go on")

    link = Link(write_clip(tmp_path / "in.mp4", 9), tmp_path / "out.mp4")
    failed = getattr(link, block)
    setattr(failed.codec, method, failing)
    link.run()
    assert str(failed.error) == "the codec cannot go on"
    assert link.sink.finished.is_set()
    assert [p.name for p in tmp_path.iterdir()] == ["in.mp4"]


def test_stopped_early_the_file_is_finished(tmp_path):
    link = Link(write_clip(tmp_path / "in.mp4", 40), tmp_path / "out.mp4", stride=1)
    shown = []

    def stop_after_five(index, frame):
        shown.append(index)
        if index == 4:
            link.sink._stopping.set()  # as `stop` does first
        return frame

    link.sink.on_frame = stop_after_five
    link.run()
    assert len(read_frames(tmp_path / "out.mp4")) == len(shown) == 5


@pytest.mark.parametrize("error", [FormatError, ValueError])
def test_a_payload_that_cannot_be_parsed_counts_as_lost(monkeypatch, error):
    _, decoder = make_codec(ToyTokenizer(), ToyInterpolator(), ResiVidTokSettings())
    unpack = decoder.unpack

    def refuse(payload):
        if payload is not None:
            raise error("these bits say nothing")
        return unpack(None)

    monkeypatch.setattr(decoder, "unpack", refuse)
    unpacker, collector, top = token_unpacker(decoder), Collector(), gr.top_block()
    top.msg_connect(unpacker, "tokens", collector, "in")
    figures = {"mcs": 0, "snr_db": 0.0, "iterations": 20, "symbols": 629}
    top.start()
    for frame, crc_ok in ((0, False), (8, True)):
        metadata = {"frame": frame, "gop_start": frame == 0, "crc_ok": crc_ok, **figures}
        post(unpacker, "payload", pdus.from_parts(metadata, np.zeros(0, np.uint8)))
    units = [pdus.to_unit(m) for m in collector.wait_for(2)]
    top.stop()
    top.wait()
    assert unpacker.dropped == 1
    assert [u.first_frame for u in units] == [0, 8]
    assert all((u.data == 4095).all() for u in units)


def test_a_codec_that_cannot_even_go_without_a_block_ends_the_stream(monkeypatch):
    _, decoder = make_codec(ToyTokenizer(), ToyInterpolator(), ResiVidTokSettings())

    def refuse(payload):
        raise KeyError("mine" if payload is None else "of these bits")

    monkeypatch.setattr(decoder, "unpack", refuse)
    unpacker, sent = token_unpacker(decoder), []
    unpacker.message_port_pub = lambda port, pdu: sent.append(pdu) if str(port) == "tokens" else None
    figures = {"mcs": 0, "snr_db": 0.0, "iterations": 20, "symbols": 629, "crc_ok": True, "gop_start": True}
    for frame in (0, 8):
        unpacker.on_payload(pdus.from_parts({"frame": frame, **figures}, np.zeros(0, np.uint8)))
    (end,) = map(pdus.to_unit, sent)
    assert end.end and end.num_frames == pdus.END_OF_FAILED_STREAM
    assert isinstance(unpacker.error, KeyError) and "of these bits" in str(unpacker.error)


def test_wrong_arguments_are_refused(tmp_path):
    clip = write_clip(tmp_path / "in.mp4", 1)
    encoder, decoder = make_codec(ToyTokenizer(), ToyInterpolator(), ResiVidTokSettings())
    with pytest.raises(ValueError, match="credits must be at least 1"):
        token_source(clip, encoder, credits=0)
    with pytest.raises(ValueError, match="feedback_delay must be at least 1"):
        token_packer(encoder, BUDGETS, feedback_delay=0)
    with pytest.raises(VideoError, match="does not exist"):
        video_sink(tmp_path / "nowhere" / "out.mp4", decoder, 30)
    with pytest.raises(VideoError, match="no such file"):
        token_source(tmp_path / "missing.mp4", encoder)


def test_frames_reach_other_viewers(tmp_path):
    link = Link(write_clip(tmp_path / "in.mp4", 10), None)
    viewer = Collector()
    link.top.msg_connect(link.sink, "frames", viewer, "in")
    link.run()
    frames = [pdus.to_frame(m) for m in viewer.messages]
    assert [index for _, index in frames] == list(range(len(frames)))
    assert all(frame.shape == (256, 256, 3) for frame, _ in frames)


def test_a_live_screen_that_falls_behind_shows_the_newest():
    _, decoder = make_codec(ToyTokenizer(), ToyInterpolator(), ResiVidTokSettings(stride=8, gop=32))
    shown = []
    sink = video_sink(
        None, decoder, 30, on_frame=lambda n, frame: shown.append(frame), max_waiting=2, newest=True
    )
    tokens = [np.full(ToyTokenizer().num_tokens, 100 * n, np.uint16) for n in range(5)]
    for n, data in enumerate(tokens):  # its thread does not run yet
        sink.on_tokens(pdus.from_unit(Unit(8 * n, 8, data=data)))
    assert (sink.dropped, sink.waiting) == (3, 2)
    sink.on_tokens(pdus.from_unit(Unit(33, 33, end=True)))
    sink.start()
    assert sink.finished.wait(60)
    sink.stop()
    assert len(shown) == 33  # no frame is missing: the time that was thrown away is filled
    np.testing.assert_array_equal(shown[32], ToyTokenizer().decode(tokens[4][None])[0])


def test_a_unit_is_left_out_on_demand(tmp_path):
    encoder, _ = make_codec(ToyTokenizer(), ToyInterpolator(), ResiVidTokSettings(stride=8, gop=32))
    source = token_source(write_clip(tmp_path / "clip.mp4", 33), encoder, credits=9)
    collector, top = Collector(), gr.top_block()
    top.msg_connect(source, "tokens", collector, "in")
    source.leave_out()
    top.start()
    try:
        units = [pdus.to_unit(message) for message in collector.wait_for(5)]  # 4 of 5, and the end
    finally:
        top.stop()
        top.wait()
    assert [unit.first_frame for unit in units[:4]] == [8, 16, 24, 32]
    assert units[4].end and source.late == 1


def test_a_live_packer_uses_the_latest_row_and_waits_for_nothing():
    encoder, _ = make_codec(ToyTokenizer(), ToyInterpolator(), ResiVidTokSettings(stride=1))
    packer, collector, top = token_packer(encoder, BUDGETS, lock_step=False), Collector(), gr.top_block()
    top.msg_connect(packer, "payload", collector, "in")
    tokens = np.arange(128, dtype=np.uint16)
    top.start()
    for frame, row in ((0, None), (1, None), (2, 2), (3, 1)):
        if row is not None:
            post(packer, "mcs", pmt.from_long(row))
            while packer._rows[0] != row:
                time.sleep(0.001)
        post(packer, "tokens", pdus.from_unit(Unit(frame, gop_start=frame == 0, data=tokens)))
        collector.wait_for(frame + 1)  # ports have a queue each: the next `mcs` could overtake these tokens
    sent = [from_pdu(m)[0]["mcs"] for m in collector.wait_for(4)]
    top.stop()
    top.wait()
    assert sent == [0, 0, 2, 1]


def test_payload_carries_what_the_unpacker_needs():
    payload = Payload(np.array([1, 0], np.uint8), 8, True)
    metadata = {"crc_ok": True, "snr_db": 5, "iterations": 3, "symbols": 2}
    pdu = pdus.from_parts({"frame": 8, "gop_start": True, "mcs": 1, **metadata}, payload.bits)
    back, figures = pdus.to_payload(pdu)
    assert (back.first_frame, back.gop_start, back.bits.tolist()) == (8, True, [1, 0])
    assert figures == {"mcs": 1, "crc_ok": True, "snr_db": 5.0, "iterations": 3, "symbols": 2}
