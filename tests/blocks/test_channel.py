# SPDX-License-Identifier: GPL-3.0-or-later
"""Channel block: noise of the SNR asked for, fading, losses, packets of any length, streams that break the rules."""

import numpy as np
import pytest
from gnuradio import blocks, gr, resivid
from packet_run import TABLE, PacketRun, run_to_end, tagged_source

LENGTHS = [*range(1, 65), 314, 629, 943]


def unit_symbols(count, seed=1):
    """QPSK symbols of energy 1."""
    return np.exp(0.5j * np.pi * np.random.default_rng(seed).integers(0, 4, count)).astype(np.complex64)


def received(snr_db, seed, packets):
    """What leaves the channel when all packets are queued at once."""
    with PacketRun([resivid.channel(snr_db, seed)], gr.types.complex_t) as run:
        for index, packet in enumerate(packets):
            run.send(packet, {"frame": index})
        return [items for _, items in run.receive(len(packets))]


def measured_snr_db(sent, items):
    return -10 * np.log10(np.mean(np.abs(items - sent) ** 2))


def test_each_length_comes_out_in_lock_step_with_its_tags():
    with PacketRun([resivid.channel([60.0], 1)], gr.types.complex_t) as run:
        for length in LENGTHS:
            sent = unit_symbols(length, seed=length)
            tags = {"frame": length, "mcs": 4, "gop_start": length % 2 == 0}
            received_tags, items = run.exchange(sent, tags)
            assert received_tags == tags
            np.testing.assert_allclose(items, sent, atol=0.01)


@pytest.mark.parametrize("snr_db", [-6.0, 0.0, 6.0, 20.0])
def test_noise_has_the_energy_that_es_n0_says(snr_db):
    sent = unit_symbols(8000)
    (items,) = received([snr_db], 7, [sent])
    noise = items - sent
    # The mean of n exponential energies deviates by 1/sqrt(n): 1.1 %, 0.05 dB; five deviations
    assert measured_snr_db(sent, items) == pytest.approx(snr_db, abs=0.25)
    assert abs(np.mean(noise)) < 5 * 10 ** (-snr_db / 20) / np.sqrt(8000)
    assert np.var(noise.real) == pytest.approx(np.var(noise.imag), rel=0.12)


def test_each_packet_takes_its_own_snr_and_the_last_one_stays():
    sent = unit_symbols(4000)
    items = received([20.0, 0.0, 10.0], 3, [sent] * 5)
    measured = [measured_snr_db(sent, packet) for packet in items]
    np.testing.assert_allclose(measured, [20, 0, 10, 10, 10], atol=0.35)


def test_seed_alone_fixes_the_noise():
    packets = [unit_symbols(n) for n in (1, 63, 629)]
    first = np.concatenate(received([6.0], 5, packets))
    np.testing.assert_array_equal(first, np.concatenate(received([6.0], 5, packets)))
    np.testing.assert_array_equal(first, received([6.0], 5, [np.concatenate(packets)])[0])
    assert np.all(first != np.concatenate(received([6.0], 6, packets)))


def test_new_snr_holds_from_the_next_packet():
    channel = resivid.channel([0.0, 40.0], 3)
    sent = unit_symbols(4000)
    with PacketRun([channel], gr.types.complex_t) as run:
        run.exchange(sent, {})
        channel.set_snr_db([20.0])
        assert measured_snr_db(sent, run.exchange(sent, {})[1]) == pytest.approx(20.0, abs=0.35)


def test_end_marker_passes_unchanged_and_uses_no_noise():
    sent = unit_symbols(100)
    null = np.zeros(1, np.complex64)
    with PacketRun([resivid.channel([0.0, 10.0], 5)], gr.types.complex_t) as run:
        before = run.exchange(sent, {"end": False})[1]
        tags, items = run.exchange(null, {"end": True, "frames": 300})
        after = run.exchange(sent, {})[1]
    assert tags == {"end": True, "frames": 300}
    np.testing.assert_array_equal(items, null)
    np.testing.assert_array_equal(np.stack([before, after]), received([0.0, 10.0], 5, [sent, sent]))


@pytest.mark.parametrize(
    "tags, num_dropped, survivors",
    [
        ([(5, "packet_len", 10)], 1, [(5, 10)]),  # items before the first length tag
        ([(0, "packet_len", 5), (9, "packet_len", 5)], 1, [(0, 5), (9, 5)]),  # a gap
        ([(0, "packet_len", 99), (20, "packet_len", 5)], 1, [(20, 5)]),  # larger than agreed
        ([(0, "packet_len", 0), (1, "packet_len", -4), (3, "packet_len", 2)], 2, [(3, 2)]),
        ([(0, "packet_len", "ten"), (4, "packet_len", 8)], 1, [(4, 8)]),  # not a number
        ([(0, "packet_len", 20), (12, "packet_len", 6)], 1, [(12, 6)]),  # cut short by the next
    ],
)
def test_broken_packets_are_dropped_and_the_others_pass(tags, num_dropped, survivors):
    end = survivors[-1][0] + survivors[-1][1]
    sent = unit_symbols(end)
    channel = resivid.channel([80.0], 1, "packet_len", 50)
    sink = blocks.vector_sink_c()
    top = gr.top_block()
    top.connect(tagged_source(sent, tags), channel, sink)
    run_to_end(top)
    expected = np.concatenate([sent[start : start + length] for start, length in survivors])
    np.testing.assert_allclose(sink.data(), expected, atol=0.01)
    assert channel.dropped() == num_dropped


@pytest.mark.parametrize("snr_db", [[], [float("nan")], [6.0, float("inf")]])
def test_refuses_an_snr_that_is_no_number(snr_db):
    with pytest.raises(ValueError, match="snr_db: expected"):
        resivid.channel(snr_db)
    with pytest.raises(ValueError, match="snr_db: expected"):
        resivid.channel([6.0]).set_snr_db(snr_db)


def test_refuses_a_largest_packet_of_nothing():
    with pytest.raises(ValueError, match="max_packet_items: expected at least 1, got 0"):
        resivid.channel([6.0], 0, "packet_len", 0)


def exchanged(channel, packets):
    """(tags, items) of each packet, in lock-step."""
    with PacketRun([channel], gr.types.complex_t) as run:
        return [run.exchange(packet, {"frame": index}) for index, packet in enumerate(packets)]


def test_block_fading_is_told_and_undone():
    sent = unit_symbols(629)
    channel = resivid.channel([10.0], 3, fading="rayleigh")
    for tags, items in exchanged(channel, [sent] * 20):
        assert set(tags) == {"frame", "channel_gain_db"}
        # Es/N0 of this packet is 10 dB and its gain; the estimate from 629 symbols deviates by 0.17 dB
        assert measured_snr_db(sent, items) == pytest.approx(10 + tags["channel_gain_db"], abs=0.9)


def test_gains_that_vary_come_with_the_noise_of_each_symbol():
    sent = unit_symbols(4000)
    channel = resivid.channel(
        [10.0], 3, fading="rician", rician_k_db=0.0, doppler_hz=30.0, symbol_rate=2400.0
    )
    ((tags, items),) = exchanged(channel, [sent])
    variance = np.array(tags["noise_variance"])
    assert variance.shape == (4000,) and variance.max() > 3 * variance.min()
    assert np.mean(np.abs(items - sent) ** 2 / variance) == pytest.approx(1.0, abs=5 / np.sqrt(4000))


def test_unknown_gains_leave_a_turned_packet():
    sent = unit_symbols(100)
    channel = resivid.channel([80.0], 3, fading="rayleigh", csi=False)
    ((tags, items),) = exchanged(channel, [sent])
    assert "noise_variance" not in tags
    gain = np.vdot(sent, items) / 100
    np.testing.assert_allclose(items, gain * sent, atol=1e-3)
    assert 20 * np.log10(abs(gain)) == pytest.approx(tags["channel_gain_db"], abs=0.01)


def test_lost_packets_come_out_as_noise_and_are_named_and_counted():
    sent = unit_symbols(629)
    channel = resivid.channel([20.0], 3, loss_rate=0.5, burst_length=4)
    packets = exchanged(channel, [sent] * 40)
    lost = [bool(tags.get("lost")) for tags, _ in packets]
    assert 0 < sum(lost) < 40 and channel.lost() == sum(lost) and channel.dropped() == 0
    for is_lost, (_, items) in zip(lost, packets, strict=True):
        assert np.mean(np.abs(items) ** 2) == pytest.approx(0.01 if is_lost else 1.01, rel=0.3)


@pytest.mark.parametrize("ppm", [-1000.0, 1000.0])
def test_a_clock_offset_changes_lengths_and_length_tags(ppm):
    lengths = [1, 2, 64, 629, 943, 5000]
    channel = resivid.channel([80.0], 3, "packet_len", 5000, clock_offset_ppm=ppm)
    received = [len(items) for _, items in exchanged(channel, [unit_symbols(n) for n in lengths])]
    assert received != lengths
    assert sum(received) == pytest.approx(sum(lengths) / (1 + ppm * 1e-6), abs=1)


def test_impairments_leave_their_marks():
    sent = unit_symbols(8000)
    settings = {"frequency_offset_hz": 24.0, "symbol_rate": 2400.0, "dc_offset": 0.1 - 0.2j}
    ((_, items),) = exchanged(resivid.channel([80.0], 3, **settings), [sent])
    turning = np.exp(2j * np.pi * 0.01 * np.arange(8000))
    np.testing.assert_allclose(items, sent * turning + (0.1 - 0.2j), atol=1e-3)
    ((_, items),) = exchanged(resivid.channel([80.0], 3, quantiser_bits=2, clipping_db=-6.0), [sent])
    assert len(np.unique(items.real)) <= 4


@pytest.mark.parametrize(
    "settings, error, match",
    [
        ({"fading": "rainy"}, ValueError, "fading: expected none, rayleigh or rician, got rainy"),
        ({"doppler_hz": 1.0}, ValueError, "doppler_hz: needs a channel that fades"),
        ({"fading": "rayleigh", "doppler_hz": -1.0}, ValueError, "doppler_hz: expected 0"),
        ({"loss_rate": 1.5}, ValueError, "loss_rate: expected 0 to 1"),
        ({"loss_rate": 0.9, "burst_length": 2.0}, ValueError, "loss_rate: expected at most 0.66"),
        ({"quantiser_bits": 99}, ValueError, "quantiser_bits: expected 1 to 24"),
        ({"phase_noise": float("nan")}, ValueError, "phase_noise: expected"),
        ({"quantiser_bits": 1.5}, TypeError, "quantiser_bits: expected another type"),
        ({"doppler": 1.0}, TypeError, "no setting of the channel: doppler"),
    ],
)
def test_refuses_settings_out_of_range(settings, error, match):
    with pytest.raises(error, match=match):
        resivid.channel([6.0], **settings)


def decoded(channel, packets, symbols=629):
    """Metadata of packets with row 2, QPSK 526/1024, sent through a channel; each a dict of extra tags."""
    encoder = resivid.ldpc_qam_encoder(symbols, TABLE)
    chain = [encoder, channel, resivid.ldpc_qam_decoder(symbols, TABLE)]
    bits = np.random.default_rng(1).integers(0, 2, encoder.payload_bits(2), np.uint8)
    with PacketRun(chain, gr.types.byte_t, encoder.input_buffer_items()) as run:
        for number, tags in enumerate(packets):
            run.send(bits, {"frame": number, "mcs": 2, **tags})
        expected = [n for n, tags in enumerate(packets) if "noise_variance" not in tags]
        received = [metadata for metadata, _ in run.receive(len(expected))]
    assert [metadata["frame"] for metadata in received] == expected
    return received, chain[-1]


def test_known_gains_that_vary_are_decoded_with_the_noise_of_each_symbol():
    fading = {"fading": "rayleigh", "doppler_hz": 60.0, "symbol_rate": 2400.0}
    received, _ = decoded(resivid.channel([8.0], 5, "packet_len", 629, **fading), [{}] * 30)
    assert all("noise_variance" not in metadata for metadata in received)
    # 16 fades a packet: the capacity of Rayleigh fading at 8 dB, 2.39 bit, is that of a constant 6.3 dB
    assert np.mean([metadata["snr_db"] for metadata in received]) == pytest.approx(6.3, abs=0.5)
    assert sum(metadata["crc_ok"] for metadata in received) >= 28  # 526/1024 needs 1.6 dB


def test_noise_of_symbols_that_does_not_fit_is_dropped():
    wrong = [{"noise_variance": value} for value in ([0.1] * 3, 0.1, "loud")]
    received, decoder = decoded(resivid.channel([20.0], 5, "packet_len", 629), [{}, *wrong, {}])
    assert all(metadata["crc_ok"] for metadata in received)
    assert decoder.dropped() == 3
