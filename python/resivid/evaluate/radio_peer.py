# SPDX-License-Identifier: GPL-3.0-or-later
"""One end of a radio link without networks, as a process: known payloads out, or payloads in and compared.

`python -m gnuradio.resivid.evaluate.radio_peer tx|rx|stay JSON` prints one JSON object a line.
"""

from __future__ import annotations

import json
import os
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pmt
from gnuradio import blocks, gr

from ..blocks import pdus
from ..blocks.message_ports import message_exit
from ..flowgraphs.live import LiveSettings
from ..flowgraphs.radio_ends import LocalReceiver
from ..flowgraphs.settings import LinkSettings
from ..link import air
from ..radio.factory import make_receiver, make_transmitter
from ..radio.front_end import transmitter_front_end
from ..radio.settings import RadioSettings
from ..resivid_python import burst_framer, ldpc_qam_encoder
from .payload_check import PayloadCheck, known_payload

FRAME_RATE, STRIDE = 30, 8
SEARCH_HZ = 40e-6 * 434e6  # as `resivid rx` has it by default
QUIET_S = 1.5  # no samples for so long after the first ones: the transmitter left
PATIENCE_S = 60.0  # until the first ones


class _Link:
    """What both ends make of a job."""

    def __init__(self, job: dict[str, Any]):
        self.link = LinkSettings(cbr=job["cbr"], stride=STRIDE, mcs_table=job["mcs_table"])
        self.live = LiveSettings(self.link)
        self.radio = RadioSettings(job["device"], 434e6, sample_rate=job["sample_rate"])
        self.symbol_rate = self.live.symbol_rate(FRAME_RATE)
        self.modem_rate = air.SAMPLES_PER_SYMBOL * self.symbol_rate
        self.occupied_hz = self.live.occupied_hz(FRAME_RATE)


def transmit(job: dict[str, Any]) -> dict[str, Any]:
    """Send `frames` known frames of row `row` with `seed`, from the number `first` on."""
    ends = _Link(job)
    link = ends.link
    num_bits, frames, first = link.payload_bits[job["row"]], job["frames"], job.get("first", 0)
    data = [known_payload(first + number, num_bits, job["seed"]) for number in range(frames)]
    tags = [_tag(n * num_bits, key, value) for n in range(frames) for key, value in
            (("packet_len", num_bits), ("mcs", job["row"]))]  # fmt: skip
    end = frames * num_bits
    tags += [_tag(end, key, value) for key, value in (("packet_len", 1), ("end", True), ("frames", frames))]
    source = blocks.vector_source_b(np.concatenate([*data, [0]]).tolist(), False, 1, tags)
    encoder = ldpc_qam_encoder(link.symbols, link.table.as_tuples())
    source.set_min_output_buffer(encoder.input_buffer_items())
    framer = burst_framer(link.symbols, air.preambles(link.table), air.SAMPLES_PER_SYMBOL, air.ROLL_OFF)
    device = make_transmitter(ends.radio, ends.modem_rate, ends.occupied_hz)
    front_end = transmitter_front_end(device.plan)
    top = gr.top_block()
    top.connect(source, encoder, framer, front_end, device.block)
    print("ready", flush=True)
    top.run()
    return {"frames_sent": frames}


class PeerReceiver(gr.top_block):
    """Radio, synchroniser, decoder, comparison.

    Args:
        job: device, cbr, mcs_table, sample_rate; row and seed of the payloads.
    """

    def __init__(self, job: dict[str, Any]):
        gr.top_block.__init__(self, "radio peer")
        ends = _Link(job)
        link = ends.link
        self._payload_bits, self._modem_rate = link.payload_bits, ends.modem_rate
        self.expect(job["row"], job["seed"])
        self.radio = make_receiver(ends.radio, ends.modem_rate, ends.occupied_hz)
        self._end = LocalReceiver(self, self.radio, ends.live, Fraction(FRAME_RATE), SEARCH_HZ)
        self.synchroniser = self._end.synchroniser
        self.comparison = message_exit("payload", self._take, pdus.to_parts)
        self.msg_connect(self._end.payloads, (self.comparison, "payload"))

    def expect(self, row: int, seed: int) -> None:
        """Compare with these payloads from now on, and count anew."""
        self.check = PayloadCheck(self._payload_bits[row], seed)
        self.latencies_ms: list[float] = []

    def _take(self, parts: tuple[dict[str, Any], np.ndarray]) -> None:
        metadata, bits = parts
        # Time is the count of samples: what was read from the frame's first symbol until its payload is here.
        passed = self.synchroniser.nitems_read(0) - metadata["position"]
        self.latencies_ms.append(1e3 * passed / self._modem_rate)
        self.check.take(bits, metadata["crc_ok"], metadata["snr_db"])

    @property
    def signal_s(self) -> float:
        """Seconds of samples so far."""
        return self.radio.counters.samples / self.radio.plan.radio_rate

    def counts(self) -> dict[str, Any]:
        """What a row of the bench says of the receiver."""
        check, latencies = self.check, self.latencies_ms
        return {
            "frames_received": check.received,
            "frames_false": check.false,
            "frames_failed": check.failed,
            "false_alarms": self.synchroniser.false_alarms(),
            "overflows": self.radio.counters.overflows,
            "snr_est_db": float(np.mean(check.snr_db)) if check.snr_db else None,
            "latency_ms": float(np.median(latencies)) if latencies else None,
        }

    def wait_for_quiet(self) -> None:
        """Until no sample and no payload came for QUIET_S."""
        last, since = self._moved(), time.monotonic()
        while time.monotonic() < since + QUIET_S:
            time.sleep(0.1)
            now = self._moved()
            if now != last:
                last, since = now, time.monotonic()

    def wait_for_samples(self) -> None:
        """Until the first sample came, or none for PATIENCE_S."""
        started = time.monotonic()
        while not self.radio.counters.samples and time.monotonic() < started + PATIENCE_S:
            time.sleep(0.1)

    def _moved(self) -> tuple[int, int]:
        return self.radio.counters.samples, self.comparison.taken


def receive(job: dict[str, Any]) -> dict[str, Any]:
    """Receive until the transmitter is gone."""
    receiver = PeerReceiver(job)
    before = time.process_time()
    receiver.start()
    print("ready", flush=True)
    receiver.wait_for_samples()
    receiver.wait_for_quiet()
    receiver.stop()
    receiver.wait()
    signal_s = receiver.signal_s
    cpu_share = (time.process_time() - before) / signal_s if signal_s else None
    return {**receiver.counts(), "cpu_share": cpu_share}


def stay(job: dict[str, Any]) -> dict[str, Any]:
    """Receive one transmission after the other, as lines on standard input say, until it closes.

    A line with an object, {"row", "seed", "settings"}, begins one and is answered by "ready"; the line "end" says that the
    transmitter is gone, and is answered by what was received.
    """
    receiver = PeerReceiver(job)
    receiver.start()
    for line in sys.stdin:
        if line.strip() != "end":
            episode = json.loads(line)
            receiver.expect(episode["row"], episode["seed"])
            receiver.radio.block.write_settings(episode["settings"])
            before, cpu_before = receiver.signal_s, time.process_time()
            print("ready", flush=True)
            continue
        receiver.wait_for_quiet()
        answer = {
            **receiver.counts(),
            "latencies_ms": receiver.latencies_ms,
            "signal_s": receiver.signal_s - before,
            "cpu_s": time.process_time() - cpu_before,
            "losses": receiver.radio.counters.losses,
            "resident_mib": resident_mib(),
        }
        print(json.dumps(answer), flush=True)
    receiver.stop()
    receiver.wait()
    return {"signal_s": receiver.signal_s}


def resident_mib() -> float:
    """Memory of this process that is in use, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _tag(offset: int, key: str, value: Any) -> Any:
    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = offset, pmt.intern(key), pmt.to_pmt(value)
    return tag


def main(end: str, text: str) -> None:
    """Run one end."""
    job = json.loads(text)
    print(json.dumps({"tx": transmit, "rx": receive, "stay": stay}[end](job)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
