// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Times of the single stages of one key frame, without Python between the calls.
#include "phy/awgn_channel.h"
#include "phy/ldpc_encoder.h"
#include "phy/qam.h"
#include "phy/rate_matcher.h"
#include "phy/scrambler.h"
#include "phy/snr_estimator.h"
#include "phy/transport_block.h"
#include "phy_arguments.h"

#include <cmath>
#include <ctime>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {

using stage_times = std::vector<std::pair<std::string, double>>;

constexpr unsigned BATCHES = 5; // the fastest counts: others shared the core

double thread_seconds()
{
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec + 1e-9 * now.tv_nsec;
}

// Processor time of one call; runs for about `seconds`.
template <class Stage>
double seconds_per_call(double seconds, Stage stage)
{
    const auto run = [&](std::uint64_t calls) {
        const double start = thread_seconds();
        for (std::uint64_t i = 0; i < calls; ++i)
            stage();
        return thread_seconds() - start;
    };
    std::uint64_t calls = 1;
    double taken = run(calls);
    while (taken < seconds / 20 && calls < std::uint64_t(1) << 40)
        taken = run(calls *= 2);
    calls = std::max<std::uint64_t>(1, calls * (seconds / BATCHES) / taken);
    double best = run(calls);
    for (unsigned i = 1; i < BATCHES; ++i)
        best = std::min(best, run(calls));
    return best / calls;
}

// One code block of a key frame on its way through every stage but the decoder.
class stage_bench
{
public:
    stage_bench(const block_format& f, double snr_db)
        : d_format(f),
          d_noise_variance(std::pow(10.0f, float(-snr_db) / 10)),
          d_payload(f.payload_bits, 1),
          d_matcher(f, f.coded_bits),
          d_code_word(d_matcher.code_word_bits()),
          d_coded(f.coded_bits),
          d_symbols(f.coded_bits / f.bits_per_symbol),
          d_received(d_symbols.size()),
          d_llr(f.coded_bits),
          d_code_word_llr(d_matcher.code_word_bits())
    {
        block_segmenter(f).segment(d_payload.data(), d_code_word.data());
        ldpc_encoder(f.base_graph, f.lifting_size).encode(d_code_word.data());
        d_matcher.match(d_code_word.data(), d_coded.data());
        qam_mapper(f.bits_per_symbol).map(d_coded.data(), d_symbols.data(), d_symbols.size());
        awgn_channel(1).apply(d_symbols.data(), d_received.data(), d_symbols.size(), float(snr_db));
    }

    stage_times run(double seconds)
    {
        stage_times times;
        const auto add = [&](const char* name, auto stage) {
            times.emplace_back(name, seconds_per_call(seconds, stage));
        };
        block_segmenter segmenter(d_format);
        ldpc_encoder encoder(d_format.base_graph, d_format.lifting_size);
        const scrambler sequence(d_format.coded_bits);
        const qam_mapper mapper(d_format.bits_per_symbol);
        const blind_snr_estimator estimator(d_format.bits_per_symbol);
        const soft_demapper exact(d_format.bits_per_symbol);
        const soft_demapper max_log(d_format.bits_per_symbol, llr_rule::max_log);
        const std::size_t n = d_symbols.size();
        auto word = d_code_word;
        add("CRC, segmentation", [&] { segmenter.segment(d_payload.data(), word.data()); });
        add("LDPC encoder", [&] { encoder.encode(word.data()); });
        add("rate matcher", [&] { d_matcher.match(word.data(), d_coded.data()); });
        add("scrambler", [&] { sequence.scramble(d_coded.data(), d_coded.size()); });
        add("mapper", [&] { mapper.map(d_coded.data(), d_symbols.data(), n); });
        add("SNR estimator", [&] { d_snr_db = estimator.estimate_db(d_received.data(), n); });
        for (const auto& [name, demapper] :
             { std::pair{ "demapper, max-log", &max_log }, { "demapper, exact", &exact } })
            add(name, [&, d = demapper] {
                d->demap(d_received.data(), n, d_noise_variance, d_llr.data());
            });
        add("descrambler", [&] { sequence.descramble(d_llr.data(), d_llr.size()); });
        add("rate recovery", [&] { d_matcher.recover(d_llr.data(), d_code_word_llr.data()); });
        add("CRC check", [&] { segmenter.join(d_code_word.data(), d_payload.data()); });
        return times;
    }

private:
    block_format d_format;
    float d_noise_variance;
    float d_snr_db = 0;
    std::vector<std::uint8_t> d_payload;
    rate_matcher d_matcher;
    std::vector<std::uint8_t> d_code_word;
    std::vector<std::uint8_t> d_coded;
    std::vector<std::complex<float>> d_symbols;
    std::vector<std::complex<float>> d_received;
    std::vector<float> d_llr;
    std::vector<float> d_code_word_llr;
};

} // namespace

void bind_stage_times(py::module& m)
{
    m.def(
        "stage_seconds",
        [](integer symbols,
           integer rate_1024,
           integer bits_per_symbol,
           double snr_db,
           double seconds) {
            const auto format = plan_block(in_range("symbols", symbols, 1, MAX_UNSIGNED),
                                           to_rate_1024(rate_1024),
                                           to_bits_per_symbol(bits_per_symbol));
            if (format.num_code_blocks != 1)
                throw std::invalid_argument("symbols: expected few enough for one code block");
            if (!(std::abs(snr_db) <= 200) || !(seconds > 0 && seconds <= 10))
                throw std::invalid_argument(
                    "snr_db must be -200 to 200 and seconds above 0 and at most 10");
            py::gil_scoped_release release;
            return stage_bench(format, snr_db).run(seconds);
        },
        "symbols"_a,
        "rate_1024"_a,
        "bits_per_symbol"_a,
        "snr_db"_a,
        "seconds"_a = 0.2,
        "[(stage, processor seconds a key frame)] of every stage but the LDPC decoder, each\n"
        "measured for about `seconds`.");
}

} // namespace gr::resivid::phy::python
