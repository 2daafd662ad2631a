# SPDX-License-Identifier: GPL-3.0-or-later
"""The statistics document: its keys, its sums worked by hand, and that it is always valid JSON."""

import json
import math
import threading
from types import SimpleNamespace

import pytest
from gnuradio.resivid.errors import ResividError
from gnuradio.resivid.link.mcs_table import load_mcs_table
from gnuradio.resivid.link.statistics import (
    Statistics,
    StatisticsCollector,
    document_keys,
)
from gnuradio.resivid.part_files import write_text_atomically

KEYS = (
    "frames, key_frames, fps, stride, gop, cbr_payload, cbr_total, bits_source, bits_header, bits_body, symbols_mean, "
    "bits_crc, k_mean, k_min, updates_mean, blocks, blocks_failed, bler, snr_set_db, snr_est_db, mcs, "
    "code_rate, stage_ms, latency_ms, psnr_db, ssim, lpips, clip, own_metrics, settings, seed, version, weights, notes"
).split(", ")


def collector(stride=8, overhead_symbols=0):
    return StatisticsCollector(load_mcs_table(), stride, 32, 256, overhead_symbols)


def payload(header, body, prefix, updates):
    return SimpleNamespace(bits_header=header, bits_body=body, prefix=prefix, updates=updates)


def test_the_document_has_every_key_in_order():
    assert document_keys() == KEYS
    assert list(json.loads(Statistics().to_json())) == KEYS


def test_sums_worked_by_hand():
    statistics = collector()
    statistics.packed(payload(81, 960, 80, 80))
    statistics.packed(payload(129, 120, 128, 10))
    statistics.received(0, 4, 5.0, True, 3, 629)
    statistics.received(8, 0, 7.0, False, 20, 629)
    for seconds in (0.010, 0.020, 0.030):
        statistics.stage("render", seconds)
    statistics.frames_out(9)
    statistics.frames_out(7)
    result = statistics.result(
        fps=30.0, snr_set_db=6.0, seed=3, version="1", weights={"a": "b"}, quality={"ssim": 0.5}
    )
    assert (result.frames, result.key_frames, result.blocks, result.blocks_failed, result.bler) == (
        16,
        2,
        2,
        1,
        0.5,
    )
    assert (result.bits_header, result.bits_body, result.bits_source, result.bits_crc) == (
        210,
        1080,
        1290,
        32,
    )
    assert (result.k_mean, result.k_min, result.updates_mean) == (104, 80, 45)
    assert (result.symbols_mean, result.snr_est_db) == (629, 6)
    assert result.cbr_payload == result.cbr_total == 2 * 629 / (256 * 256 * 3 * 8 * 2) <= 4e-4
    assert result.mcs == {"QPSK 251/1024": 1, "16QAM 434/1024": 1}
    assert result.code_rate == {"QPSK 251/1024": 308 / (2 * 629), "16QAM 434/1024": 1066 / (4 * 629)}
    assert result.stage_ms["render"] == pytest.approx({"mean": 20, "p50": 20, "p95": 29})
    assert (result.latency_ms, result.psnr_db, result.ssim, result.notes) == (None, None, 0.5, [])


def test_two_code_blocks_count_their_own_crcs():
    # 20,000 symbols at row 4: B_t = 33,906; CRC24A and, 33,761 + 24 bits in 5 code blocks of BG1, five CRC24B
    statistics = collector()
    statistics.received(0, 4, 6.0, True, 1, 20000)
    assert statistics.result().bits_crc == 24 + 5 * 24


def test_overhead_counts_in_the_total_only():
    statistics = collector(overhead_symbols=92)
    for frame in (0, 8):
        statistics.received(frame, 4, 6.0, frame > 0, 1, 629)
    result = statistics.result()
    assert result.cbr_total / result.cbr_payload == pytest.approx(721 / 629)


def test_an_odd_length_is_told_with_the_rate_of_equation_1():
    statistics = collector()
    for frame in (0, 8):
        statistics.received(frame, 4, 6.0, True, 1, 629)
    statistics.frames_out(9)
    (note,) = statistics.result().notes
    assert f"{2 * 629 / (256 * 256 * 3 * 9):.4g}" in note


def test_paced_runs_have_a_latency():
    statistics = collector()
    for seconds in (0.1, 0.3):
        statistics.latency(seconds)
    assert statistics.result().latency_ms == pytest.approx({"p50": 200, "p95": 290})


def test_json_never_holds_nan_or_infinity():
    statistics = collector()
    statistics.received(0, 0, math.nan, True, 1, 629)
    statistics.received(8, 0, math.inf, True, 1, 629)
    document = json.loads(
        statistics.result(snr_set_db=-math.inf, quality={"psnr_db": math.inf, "lpips": math.nan}).to_json(),
        parse_constant=pytest.fail,
    )
    assert [document[key] for key in ("snr_set_db", "snr_est_db", "psnr_db", "lpips")] == [None] * 4


def test_refuses_an_unknown_quality():
    with pytest.raises(ValueError, match="vmaf"):
        collector().result(quality={"vmaf": 1.0})


def test_counts_from_many_threads():
    statistics = collector()

    def count():
        for frame in range(500):
            statistics.received(frame, 1, 1.0, True, 1, 629)
            statistics.frames_out(1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = statistics.result()
    assert (result.blocks, result.frames, result.mcs) == (4000, 4000, {"QPSK 308/1024": 4000})


def test_write_leaves_nothing_half_done(tmp_path):
    write_text_atomically(tmp_path / "a.json", Statistics(frames=3).to_json())
    assert json.loads((tmp_path / "a.json").read_text())["frames"] == 3
    with pytest.raises(ResividError, match="cannot be written"):
        write_text_atomically(tmp_path / "none" / "a.json", Statistics().to_json())
    (tmp_path / "folder").mkdir()
    with pytest.raises(ResividError, match="cannot be written"):
        write_text_atomically(tmp_path / "folder", Statistics().to_json())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "folder"]
