// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Every entry of lib/phy that takes sizes, rows or samples from outside, under any input.
//!
//! An input may be refused with std::invalid_argument, an unknown row with std::out_of_range;
//! anything else that is thrown, read or written out of bounds or undefined is a fault.
#pragma once

#include "fuzz_input.h"

#include "phy/burst_framer.h"
#include "phy/burst_synchroniser.h"
#include "phy/ldpc_batch_decoder.h"
#include "phy/ldpc_kernel.h"
#include "phy/ldpc_list_decoder.h"
#include "phy/link_decoder.h"
#include "phy/mcs_selector.h"

#include <algorithm>
#include <cmath>

namespace fuzz {

using namespace gr::resivid::phy;

constexpr unsigned MAX_CODED_BITS = 20000; // so that one run takes milliseconds

inline bool are_bits(const std::vector<std::uint8_t>& values)
{
    return std::all_of(values.begin(), values.end(), [](auto v) { return v <= 1; });
}

//! Run something that may refuse its arguments. \return whether it took them.
template <typename Function>
bool accepts(Function&& function)
{
    try {
        function();
        return true;
    } catch (const std::invalid_argument&) {
        return false;
    }
}

//! A format that is possible, mostly of one code block.
inline block_format some_format(input& in)
{
    for (;;) {
        const unsigned qm = 2 * in.between(1, 4);
        const unsigned payload = in.between(1, in.between(1, 9000));
        block_format format{};
        if (accepts([&] {
                format = segment_block(
                    payload, in.between(1, 1023), qm, qm * in.between(1, MAX_CODED_BITS / qm));
            }))
            return format;
    }
}

//! A way to decode that this processor has.
inline ldpc_settings some_decoding(input& in)
{
    const auto sets = instruction_sets();
    ldpc_settings settings;
    settings.kernel = ldpc_kernel(in.between(0, ldpc_kernel_names().size() - 1));
    settings.max_iterations = in.between(1, 3);
    settings.guesses = in.between(0, 1) ? in.between(0, 40) : 0;
    settings.instruction_set = sets[in.between(0, sets.size() - 1)];
    return settings;
}

//! Formats, codes and checks from numbers that mean nothing.
inline void constructors(input& in)
{
    accepts([&] {
        const auto f = plan_block(in.any_number(), in.any_number(), in.any_number() % 12);
        require(f.num_code_blocks * f.code_block_bits <= f.coded_bits, "a rate above 1");
        require(f.code_block_bits <= f.systematic_bits, "a code block that does not fit its code");
    });
    accepts([&] {
        const auto f =
            segment_block(in.any_number(), in.any_number(), in.any_number() % 12, in.any_number());
        std::uint64_t sum = 0;
        for (unsigned r = 0; r < f.num_code_blocks; ++r)
            sum += f.rate_matched_bits(r);
        require(sum == f.coded_bits, "code blocks do not fill the symbols");
    });
    accepts([&] { plan_information_bits(in.any_number(), in.any_number(), in.any_number() % 12); });
    accepts([&] { constellation(in.any_number()); });
    accepts([&] { crc(in.any_number(), in.any_number()); });
    accepts([&] { ldpc_encoder(in.between(0, 3), in.any_number()); });
    accepts([&] {
        auto settings = some_decoding(in);
        settings.max_iterations = in.any_number();
        ldpc_decoder(in.between(0, 3), in.any_number(), settings, { in.any_number() });
    });
    const auto format = some_format(in);
    const unsigned coded_bits = in.any_number();
    if (coded_bits <= MAX_CODED_BITS)
        accepts([&] { rate_matcher(format, coded_bits, in.any_number()); });
}

//! LLRs of any value through rate recovery, the decoders and the CRCs.
inline void llrs(input& in)
{
    const auto format = some_format(in);
    const rate_matcher matcher(
        format, std::max(format.rate_matched_bits(0), format.bits_per_symbol), in.between(0, 3));
    std::vector<float> code_word_llr(matcher.code_word_bits());
    matcher.recover(in.floats(matcher.coded_bits()).data(), code_word_llr.data());

    const auto settings = some_decoding(in);
    ldpc_decoder decoder(format.base_graph, format.lifting_size, settings, matcher.useful_rows());
    require(decoder.code_word_bits() == matcher.code_word_bits(), "code words of two lengths");
    std::vector<std::uint8_t> code_word(decoder.code_word_bits());
    const crc* stop_crc = in.between(0, 1) ? &CRC24B : nullptr;
    const auto result = decoder.decode(
        code_word_llr.data(), code_word.data(), stop_crc, in.between(0, code_word.size()));
    require(are_bits(code_word), "a decision that is no bit");
    require(result.iterations >= 1 && result.iterations <= settings.max_iterations,
            "iterations out of range");

    const crc& code = in.between(0, 1) ? CRC16 : CRC24B;
    const unsigned info_bits = in.between(1, format.code_block_bits);
    ldpc_list_decoder(
        format.base_graph, format.lifting_size, info_bits, code, settings, matcher.useful_rows())
        .decode(code_word_llr.data(), code_word.data());
    require(are_bits(code_word), "a guess that is no bit");

    block_segmenter segmenter(format);
    std::vector<std::uint8_t> payload(format.payload_bits);
    segmenter.join(in.bytes(format.num_code_blocks * format.systematic_bits).data(),
                   payload.data());
    const auto data = in.bytes(in.between(0, 200));
    for (const crc* check : { &CRC16, &CRC24A, &CRC24B })
        check->check(data.data(), data.size());
}

//! The same through the decoder of many blocks at once.
inline void batches(input& in)
{
    ldpc_job job;
    job.base_graph = in.between(1, 2);
    job.lifting_size = lifting_sizes()[in.between(0, 30)];
    job.settings = some_decoding(in);
    job.batch = in.between(0, 1);
    job.threads = in.between(1, 2);
    const std::size_t n = in.between(0, 5);
    const std::size_t bits = get_base_graph(job.base_graph).num_columns * job.lifting_size;
    std::vector<std::uint8_t> code_words(n * bits);
    std::vector<ldpc_result> results(n);
    if (accepts([&] {
            decode_blocks(job, in.floats(n * bits).data(), n, code_words.data(), results.data());
        }))
        require(are_bits(code_words), "a decision that is no bit");
}

//! Any row, any bytes, any samples through the whole link.
inline void link(input& in)
{
    const unsigned symbols = in.between(1, 400);
    std::vector<mcs_row> table(in.between(0, 3));
    for (auto& row : table)
        row = { 2 * in.between(1, 4), in.between(1, 1023), in.any_float() };
    const auto settings = some_decoding(in);
    const unsigned version = in.between(0, 4);
    accepts([&] {
        link_encoder encoder(symbols, table, version);
        link_decoder decoder(symbols, table, settings, version);
        std::vector<std::complex<float>> sent(symbols);
        for (unsigned n = 0; n < 3; ++n) {
            const unsigned row = in.between(0, 3) ? in.between(0, table.size()) : in.any_number();
            const auto received = in.symbols(symbols);
            try {
                encoder.encode(row, in.bytes(encoder.payload_bits(row)).data(), sent.data());
                const auto* samples = (in.between(0, 3) ? received : sent).data();
                const auto& result =
                    in.between(0, 1)
                        ? decoder.decode(row, samples, in.any_float())
                        : decoder.decode_known_noise(row, samples, in.floats(symbols).data());
                require(row < table.size(), "a row that does not exist");
                require(result.payload.size() == encoder.payload_bits(row), "a wrong length");
                require(are_bits(result.payload), "a payload that holds no bits");
                require(result.iterations <= settings.max_iterations, "too many iterations");
            } catch (const std::out_of_range&) {
                require(row >= table.size(), "a row was refused that exists");
            }
        }
    });
}

//! Samples and estimates of any value where the SNR and the row are found.
inline void control(input& in)
{
    const unsigned qm = 2 * in.between(1, 4);
    const auto received = in.symbols(in.between(0, 300));
    const auto sent = in.symbols(received.size());
    for (float snr_db : { blind_snr_estimator(qm).estimate_db(received.data(), received.size()),
                          known_symbols_snr_db(received.data(), sent.data(), received.size()) })
        require(std::isnan(snr_db) || (snr_db >= MIN_SNR_DB && snr_db <= MAX_SNR_DB),
                "an SNR out of range");
    std::vector<float> llr(received.size() * qm);
    const auto rule = in.between(0, 1) ? llr_rule::exact : llr_rule::max_log;
    soft_demapper(qm, rule).demap(received.data(), received.size(), in.any_float(), llr.data());
    scrambler(llr.size()).descramble(llr.data(), llr.size());
    require(std::all_of(
                llr.begin(), llr.end(), [](float v) { return std::fabs(v) <= scrambler::MAX_LLR; }),
            "an LLR that is no number or out of range");

    mcs_selector selector({ -2.0f, 0.0f, 4.0f });
    for (unsigned n = 0; n < 20; ++n) {
        const int row = selector.select(in.any_float());
        require(row >= 0 && row < 3, "a row that does not exist");
    }
}

//! Frames with hostile samples among them, cut anywhere, through the synchroniser.
inline void bursts(input& in)
{
    accepts([&] {
        check({ in.any_number(), in.any_number(), in.any_float() });
        burst_layout(in.any_number());
        preamble_symbols(in.any_number());
    });
    const burst_settings settings{ in.between(64, 130), in.between(2, 5), 0.1f };
    std::vector<burst_row> rows(in.between(0, 3));
    for (auto& row : rows)
        row = { in.between(0, 17), in.between(0, 9) };
    accepts([&] { burst_synchroniser(settings, rows, in.any_float()); });

    burst_synchroniser synchroniser(settings, { { 0, 2 }, { 5, 4 }, { 15, 8 } }, 0.002);
    burst_framer framer(settings);
    std::vector<cfloat> samples(std::max(framer.frame_samples(), framer.closing_samples()));
    const float scale = in.between(0, 3) ? 1.0f : in.any_float();
    for (unsigned piece = 0; piece < 6; ++piece) {
        switch (in.between(0, 3)) {
        case 0:
            samples = in.symbols(samples.size());
            break;
        case 1:
            framer.close(samples.data());
            break;
        default:
            framer.frame(0, in.symbols(settings.payload_symbols).data(), samples.data());
        }
        for (auto& sample : samples)
            sample *= scale;
        std::size_t left = in.between(0, samples.size());
        for (const cfloat* next = samples.data(); left > 0;) {
            const std::size_t taken = synchroniser.push(next, left);
            require(taken > 0 && taken <= left, "samples that are not taken");
            next += taken;
            left -= taken;
            while (const burst* found = synchroniser.next()) {
                require(found->row < 3, "a row that does not exist");
                require(std::isfinite(found->position) && std::isfinite(found->cfo) &&
                            std::isfinite(found->snr_db) && std::isfinite(found->gain),
                        "an estimate that is no number");
                require(std::all_of(found->symbols,
                                    found->symbols + settings.payload_symbols,
                                    [](cfloat y) {
                                        return std::isfinite(y.real()) && std::isfinite(y.imag());
                                    }),
                        "a symbol that is no number");
            }
        }
    }
}

//! One input of the fuzzer: its first word names the entry.
inline void run(const std::uint8_t* data, std::size_t size)
{
    input in(data, size);
    constexpr void (*ENTRIES[])(input&) = { constructors, llrs, batches, link, control, bursts };
    ENTRIES[in.between(0, std::size(ENTRIES) - 1)](in);
}

} // namespace fuzz
