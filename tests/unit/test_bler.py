# SPDX-License-Identifier: GPL-3.0-or-later
"""Monte Carlo of block errors: intervals, stop rule, resumption, thresholds, against a channel of known error rate."""

import dataclasses
import json
import math

import numpy as np
import pytest
from gnuradio.resivid.errors import FormatError, MissingPackageError, ResividError
from gnuradio.resivid.evaluate import workers as places
from gnuradio.resivid.evaluate.bler import (
    Counts,
    Point,
    Results,
    StopRule,
    as_rows,
    at_snr,
    clopper_pearson,
    measure,
    most_info_bits,
    symbols_for,
)
from gnuradio.resivid.evaluate.calibration import calibrated, find_threshold, sizes_of, to_yaml
from gnuradio.resivid.evaluate.normal_approximation import normal_approximation, normal_approximation_snr_db
from gnuradio.resivid.link.mcs_file import McsEntry, McsFile, read_mcs_file
from scipy.stats import binom

POINT = Point("16QAM 434/1024", 4, 434, 1067, 630, 5.0)
LOSS_DB = 0.7  # of the pretended code against the normal approximation


class KnownErrorRate:
    """Workers whose blocks fail as the normal approximation says, some dB later; block by block repeatable."""

    width = 2

    def __init__(self, stop_after=math.inf):
        self.blocks, self.stop_after = 0, stop_after

    def run(self, jobs):
        for index, (point, first, count) in enumerate(jobs):
            self.blocks += count
            if self.blocks > self.stop_after:
                raise KeyboardInterrupt
            generator = np.random.default_rng(point.stream)
            failed = generator.random(first + count)[first:] < rate(point)
            half = count // 2
            yield index, Counts(half, int(failed[:half].sum()), 0, half)
            yield index, Counts(count - half, int(failed[half:].sum()), 0, count - half)


def rate(point):
    return normal_approximation(point.bits_per_symbol, point.info_bits, point.symbols, point.snr_db - LOSS_DB)


@pytest.mark.parametrize("errors, blocks", [(0, 1), (0, 1845), (1, 10), (13, 3000), (10, 10)])
def test_interval_is_where_the_binomial_tails_are_2_5_percent(errors, blocks):
    low, high = clopper_pearson(errors, blocks)
    if errors:
        assert binom.sf(errors - 1, blocks, low) == pytest.approx(0.025, rel=1e-6)
    else:
        assert low == 0
    if errors < blocks:
        assert binom.cdf(errors, blocks, high) == pytest.approx(0.025, rel=1e-6)
    else:
        assert high == 1


def test_a_point_is_done_when_narrow_or_well_below_the_target():
    rule = StopRule(target=0.002, precision=0.2, max_blocks=100_000)
    assert not rule.done(Counts())
    assert not rule.done(Counts(3000, 0)) and rule.done(Counts(3700, 0))  # 3.69 / n < 0.001
    assert not rule.done(Counts(1000, 50)) and rule.done(Counts(1000, 110))  # about 2 / sqrt(errors) = 0.2
    assert rule.done(Counts(100_000, 50))
    assert rule.share(Counts()) == 0 and rule.share(Counts(3700, 0)) == 1


def test_rounds_go_on_to_the_largest_number_of_blocks():
    rule, counts = StopRule(max_blocks=2000), Counts()
    while counts.blocks < 2000:
        step = rule.next_round(counts)
        assert step > 0
        counts += Counts(step, 0)
    assert counts.blocks == 2000


def test_measures_the_known_error_rate():
    points = [at_snr(POINT, snr_db) for snr_db in (4.9, 5.1, 5.3, 5.5, 7.0)]
    shares = []
    measured = measure(points, StopRule(), KnownErrorRate(), Results(), lambda share, _: shares.append(share))
    assert [point for point, _ in measured] == points
    for point, counts in measured[:-1]:
        deviation = math.sqrt(rate(point) / counts.blocks)
        assert abs(counts.errors / counts.blocks - rate(point)) < 4 * deviation
    assert measured[-1][1].errors == 0 and measured[-1][1].blocks < 10_000
    assert shares[-1] == 1 and 0 < min(shares) and max(shares) == 1


def test_an_interrupted_run_goes_on_and_ends_as_one_that_was_not(tmp_path):
    points = [at_snr(POINT, snr_db) for snr_db in (5.0, 5.2, 5.4)]
    whole = measure(points, StopRule(), KnownErrorRate(), Results())
    path = tmp_path / "counts.jsonl"
    with pytest.raises(KeyboardInterrupt):
        measure(points, StopRule(), KnownErrorRate(stop_after=5000), Results(path))
    with path.open("a") as file:
        file.write('{"mcs": "16QAM')  # the power went
    rest = KnownErrorRate()
    assert measure(points, StopRule(), rest, Results(path)) == whole
    assert rest.blocks < sum(counts.blocks for _, counts in whole)
    again = KnownErrorRate()
    assert measure(points, StopRule(), again, Results(path)) == whole
    assert again.blocks == 0


@pytest.mark.parametrize(
    "text", ["[]\n", "x\n", "{}\n", '{"mcs": 3, "blocks": 1, "errors": 2, "undetected": 0, "iterations_sum": 1}\n']
)  # fmt: skip
def test_refuses_a_file_that_holds_something_else(tmp_path, text):
    path = tmp_path / "counts.jsonl"
    path.write_text(text)
    with pytest.raises(FormatError, match="counts.jsonl: line 1"):
        Results(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FormatError, match="counts.jsonl"):
        Results(path)


def test_results_that_cannot_be_written_are_one_error(tmp_path):
    with pytest.raises(ResividError, match="cannot be written"):
        Results(tmp_path / "none" / "counts.jsonl").add(POINT, Counts(1, 0))


def test_rows_for_json():
    (row,) = as_rows([(POINT, Counts(1000, 2, 1, 5000))])
    assert json.loads(json.dumps(row)) == row
    assert (row["mcs"], row["info_bits"], row["snr_db"], row["blocks"]) == ("16QAM 434/1024", 1067, 5.0, 1000)
    assert row["bler"] == 0.002 and row["ci_low"] < 0.002 < row["ci_high"]
    assert row["iterations"] == 5 and row["undetected"] == 1


@pytest.mark.parametrize(
    "info_bits, bits_per_symbol, rate_1024", [(64, 2, 99), (256, 2, 251), (1067, 4, 434)]
)
def test_finds_the_threshold_of_a_known_error_rate(info_bits, bits_per_symbol, rate_1024):
    row = McsEntry("row", "", bits_per_symbol, rate_1024, ((0, 0.0),))
    symbols = symbols_for(row, info_bits)
    point = Point("row", bits_per_symbol, rate_1024, info_bits, symbols, 0.0)
    workers, results = KnownErrorRate(), Results()
    for start_db in (-1.0, 0.8, 3.0):
        found = find_threshold(
            point, lambda p, rule: measure([p], rule, workers, results)[0][1], 0.002, 0.03, start_db
        )
        expected = LOSS_DB + normal_approximation_snr_db(bits_per_symbol, info_bits, symbols, 0.002)
        assert found.deviation_db <= 0.045
        assert abs(found.snr_db - expected) < 4 * found.deviation_db


def test_a_calibrated_table_can_be_read_again(tmp_path):
    file = read_mcs_file("table1")
    assert sizes_of(file.entries[0]) == [64, 256, 1024, 3824]  # R < 1/4: one code block
    assert sizes_of(file.entries[6]) == [64, 256, 1024, 4096]

    def find(point, start_db):
        from gnuradio.resivid.evaluate.calibration import Threshold

        assert start_db == (0.8 if (point.rate_1024, point.info_bits) == (251, 64) else 0.5)
        return Threshold(1.001 - math.log10(point.info_bits), 0.01, 0.501 - math.log10(point.info_bits))

    new = calibrated(file, find, POINT)
    path = tmp_path / "new.yaml"
    path.write_text(to_yaml(new, ["how"]))
    assert read_mcs_file(path).entries == new.entries
    assert new.entries[1].thresholds[0] == (64, -0.80)  # rounded up
    air = dataclasses.replace(
        McsFile("air", (dataclasses.replace(new.entries[0], preamble=3, source="x"),), 0.002),
        air_lowest_snr_db=-4.0,
    )
    path.write_text(to_yaml(air, []))
    assert read_mcs_file(path) == air


def test_blocks_of_the_link_do_not_depend_on_slices_or_threads():
    pytest.importorskip("gnuradio.resivid.phy", reason="the C++ part is not built")
    assert most_info_bits(POINT, 629) == 1066 and POINT.info_bits == 1067
    for point in (at_snr(POINT, 4.6), dataclasses.replace(POINT, info_bits=1066, symbols=629, snr_db=4.6)):
        whole = places.run_blocks(point, 0, 100, 1)
        assert whole.blocks == 100 and 20 < whole.errors < 90
        parts = sum(
            (part for _, part in places.LocalWorkers(2).run([(point, 0, 60), (point, 60, 40)])), Counts()
        )
        assert parts == whole


def test_a_cluster_counts_the_same_blocks():
    pytest.importorskip("gnuradio.resivid.phy", reason="the C++ part is not built")
    distributed = pytest.importorskip("distributed")
    point = dataclasses.replace(POINT, info_bits=64, symbols=38)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        workers = places.DaskWorkers(cluster.scheduler_address)
        try:
            there = measure([point, at_snr(point, 6)], StopRule(max_blocks=1000), workers, Results())
        finally:
            workers.close()
    assert there == measure(
        [point, at_snr(point, 6)], StopRule(max_blocks=1000), places.LocalWorkers(1), Results()
    )


def test_no_scheduler_and_no_dask_are_one_line(monkeypatch):
    pytest.importorskip("distributed")
    with pytest.raises(ResividError, match="no Dask scheduler"):
        places.DaskWorkers("nonsense://x")
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MissingPackageError, match="pip install"):
        places.DaskWorkers("tcp://localhost:1")
