# SPDX-License-Identifier: GPL-3.0-or-later
"""One end of a radio link without networks, as a process: known payloads out, or payloads in and compared.

`python -m gnuradio.resivid.evaluate.radio_peer tx|rx JSON` prints one JSON object when it is done.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

import numpy as np

from ..link.payload_head import HEAD_BITS, NUM_NUMBERS, PayloadHead, read_head, write_head

FRAME_RATE, STRIDE = 30, 8
QUIET_S = 2.0  # no samples for so long after the first ones: the transmitter left
PATIENCE_S = 60.0  # until the first ones


def known_payload(number: int, num_bits: int, seed: int) -> np.ndarray:
    """The payload of a frame, head included: uint8 (num_bits,), the same at both ends."""
    rng = np.random.default_rng((seed, number))
    bits = rng.integers(0, 2, num_bits - HEAD_BITS, np.uint8)
    return write_head(bits, PayloadHead(seed % 16, False, number % NUM_NUMBERS, 0))


class PayloadCheck:
    """Counts what a receiver gets: each frame once when every bit is right, everything else is false."""

    def __init__(self, num_bits: int, seed: int):
        self._num_bits, self._seed = num_bits, seed
        self._number = 0  # of the last right frame, counted without end
        self._seen: set[int] = set()
        self.false = self.failed = 0
        self.snr_db: list[float] = []

    @property
    def received(self) -> int:
        """Frames that arrived whole."""
        return len(self._seen)

    def take(self, bits: np.ndarray, crc_ok: bool, snr_db: float) -> None:
        """Count one decoded block."""
        if not crc_ok:
            self.failed += 1
            return
        try:
            number = self._unwrapped(read_head(bits)[0].number)
        except ValueError:
            self.false += 1
            return
        right = bits.size == self._num_bits and np.array_equal(
            bits, known_payload(number, self._num_bits, self._seed)
        )
        if not right or number in self._seen:
            self.false += 1
            return
        self._seen.add(number)
        self._number = number
        self.snr_db.append(snr_db)

    def _unwrapped(self, number: int) -> int:
        step = (number - self._number + NUM_NUMBERS // 2) % NUM_NUMBERS - NUM_NUMBERS // 2
        return self._number + step


def transmit(job: dict[str, Any]) -> dict[str, Any]:
    """Send `frames` frames of row `row`."""
    from gnuradio import blocks, gr

    from ..link import air
    from ..radio.factory import make_transmitter
    from ..radio.front_end import transmitter_front_end
    from ..resivid_python import burst_framer, ldpc_qam_encoder

    settings, radio, symbol_rate = _settings(job)
    link = settings.link
    num_bits, frames = link.payload_bits[job["row"]], job["frames"]
    data = [known_payload(number, num_bits, job["seed"]) for number in range(frames)]
    tags = [_tag(n * num_bits, key, value) for n in range(frames) for key, value in
            (("packet_len", num_bits), ("mcs", job["row"]))]  # fmt: skip
    end = frames * num_bits
    tags += [_tag(end, key, value) for key, value in (("packet_len", 1), ("end", True), ("frames", frames))]
    source = blocks.vector_source_b(np.concatenate([*data, [0]]).tolist(), False, 1, tags)
    encoder = ldpc_qam_encoder(link.symbols, link.table.as_tuples())
    source.set_min_output_buffer(encoder.input_buffer_items())
    framer = burst_framer(link.symbols, air.preambles(link.table), air.SAMPLES_PER_SYMBOL, air.ROLL_OFF)
    device = make_transmitter(radio, air.SAMPLES_PER_SYMBOL * symbol_rate, settings.occupied_hz(FRAME_RATE))
    front_end = transmitter_front_end(device.plan)
    top = gr.top_block()
    top.connect(source, encoder, framer, front_end, device.block)
    top.run()
    return {"frames_sent": frames, "cpu_s": time.process_time()}


def receive(job: dict[str, Any]) -> dict[str, Any]:
    """Receive until the transmitter is gone."""
    from gnuradio import gr

    from ..blocks import pdus
    from ..link import air
    from ..radio.factory import make_receiver
    from ..radio.front_end import receiver_front_end
    from ..resivid_python import burst_synchroniser, ldpc_qam_decoder

    settings, radio, symbol_rate = _settings(job)
    link = settings.link
    check = PayloadCheck(link.payload_bits[job["row"]], job["seed"])

    class payload_check(gr.basic_block):
        """PDU `payload` to the counts."""

        def __init__(self):
            import pmt

            gr.basic_block.__init__(self, "payload_check", None, None)
            self.message_port_register_in(pmt.intern("payload"))
            self.set_msg_handler(pmt.intern("payload"), self.on_payload)
            self.blocks = 0

        def on_payload(self, pdu):
            metadata, bits = pdus.to_parts(pdu)
            check.take(bits, metadata["crc_ok"], metadata["snr_db"])
            self.blocks += 1

    device = make_receiver(radio, air.SAMPLES_PER_SYMBOL * symbol_rate, settings.occupied_hz(FRAME_RATE))
    front_end = receiver_front_end(device.plan, symbol_rate)
    synchroniser = burst_synchroniser(
        link.symbols,
        air.synchroniser_rows(link.table),
        air.SAMPLES_PER_SYMBOL,
        air.ROLL_OFF,
        symbol_rate=symbol_rate,
    )
    decoder = ldpc_qam_decoder(link.symbols, link.table.as_tuples())
    sink, top = payload_check(), gr.top_block()
    top.connect(device.block, front_end, synchroniser, decoder)
    top.msg_connect((decoder, "payload"), (sink, "payload"))
    before = time.process_time()
    top.start()
    print("ready", flush=True)
    _wait_for_the_end(lambda: (device.counters.samples, sink.blocks), device)
    top.stop()
    top.wait()
    signal_s = device.counters.samples / device.plan.radio_rate
    return {
        "frames_received": check.received,
        "frames_false": check.false,
        "frames_failed": check.failed,
        "false_alarms": synchroniser.false_alarms(),
        "overflows": device.counters.overflows,
        "snr_est_db": float(np.mean(check.snr_db)) if check.snr_db else None,
        "cpu_share": (time.process_time() - before) / signal_s if signal_s else None,
    }


def _wait_for_the_end(progress: Any, device: Any) -> None:
    last, since, started = progress(), time.monotonic(), time.monotonic()
    while True:
        time.sleep(0.1)
        now = progress()
        if now != last:
            last, since = now, time.monotonic()
        begun = device.counters.samples > 0
        if (
            begun
            and time.monotonic() > since + QUIET_S
            or not begun
            and time.monotonic() > started + PATIENCE_S
        ):
            return


def _settings(job: dict[str, Any]) -> Any:
    from ..flowgraphs.live import LiveSettings
    from ..flowgraphs.settings import LinkSettings
    from ..radio.settings import RadioSettings

    link = LinkSettings(cbr=job["cbr"], stride=STRIDE, mcs_table=job["mcs_table"])
    settings = LiveSettings(link, job["row"])
    radio = RadioSettings(job["device"], 434e6, sample_rate=job["sample_rate"])
    return settings, radio, settings.symbol_rate(FRAME_RATE)


def _tag(offset: int, key: str, value: Any) -> Any:
    import pmt
    from gnuradio import gr

    tag = gr.tag_t()
    tag.offset, tag.key, tag.value = offset, pmt.intern(key), pmt.to_pmt(value)
    return tag


if __name__ == "__main__":
    os.environ.setdefault("GR_CONF_LOG_LOG_FILE", "stderr")
    os.environ.setdefault("GR_CONF_LOG_LOG_LEVEL", "error")
    print(json.dumps({"tx": transmit, "rx": receive}[sys.argv[1]](json.loads(sys.argv[2]))), flush=True)
