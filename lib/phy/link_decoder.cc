// SPDX-License-Identifier: GPL-3.0-or-later
#include "link_decoder.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::phy {

link_decoder::chain::chain(const block_format& f,
                           const ldpc_settings& decoding,
                           unsigned redundancy_version)
    : format(f),
      segmenter(f),
      estimator(f.bits_per_symbol),
      demapper(f.bits_per_symbol),
      decide(f.bits_per_symbol),
      matchers(make_rate_matchers(f, redundancy_version))
{
    // E_r takes at most two values: the smaller one for the first code blocks.
    for (const auto* matcher : { &matchers.front(), &matchers.back() })
        if (decoders.empty() || matcher->coded_bits() != matchers.front().coded_bits())
            decoders.emplace_back(f.base_graph,
                                  f.lifting_size,
                                  f.code_block_bits,
                                  segmenter.code_block_crc(),
                                  decoding,
                                  matcher->useful_rows());
}

link_decoder::link_decoder(unsigned symbols,
                           std::vector<mcs_row> table,
                           const ldpc_settings& decoding,
                           unsigned redundancy_version)
    : d_encoder(symbols, std::move(table), redundancy_version), d_scrambler(0), d_improver(symbols)
{
    allocate(decoding, redundancy_version);
}

link_decoder::link_decoder(const std::vector<block_format>& formats,
                           const ldpc_settings& decoding,
                           unsigned redundancy_version)
    : d_encoder(formats, redundancy_version), d_scrambler(0), d_improver(d_encoder.symbols())
{
    allocate(decoding, redundancy_version);
}

void link_decoder::allocate(const ldpc_settings& decoding, unsigned redundancy_version)
{
    std::size_t coded = 0;
    std::size_t code_word = 0;
    std::size_t code_blocks = 0;
    std::size_t payload = 0;
    for (unsigned row = 0; row < d_encoder.num_rows(); ++row) {
        const auto& f = d_encoder.format(row);
        d_chains.emplace_back(f, decoding, redundancy_version);
        coded = std::max<std::size_t>(coded, f.coded_bits);
        code_word = std::max<std::size_t>(code_word, d_chains.back().decoders[0].code_word_bits());
        code_blocks = std::max<std::size_t>(code_blocks, f.num_code_blocks * f.systematic_bits);
        payload = std::max<std::size_t>(payload, f.payload_bits);
    }
    d_scrambler = scrambler(coded);
    d_sent.resize(d_encoder.symbols());
    d_llr.resize(coded);
    d_code_word_llr.resize(code_word);
    d_code_word.resize(code_word);
    d_code_blocks.resize(code_blocks);
    d_totals.resize(code_word);
    d_extrinsic.resize(coded);
    d_means.resize(d_sent.size());
    d_turned.resize(d_sent.size());
    d_result.payload.reserve(payload);
}

const link_result& link_decoder::decode(unsigned row,
                                        const std::complex<float>* symbols,
                                        float known_snr_db,
                                        float phase_noise)
{
    chain& c = d_chains.at(row);
    const std::size_t n = d_sent.size();
    d_result.snr_db = std::isnan(known_snr_db) ? c.estimator.estimate_db(symbols, n) : known_snr_db;
    demap(c, symbols, d_result.snr_db);
    d_keeps_totals = phase_noise > 0 && std::isfinite(d_result.snr_db);
    decode_llr(c);
    d_improver.start();
    for (unsigned pass = 0; pass < PHASE_PASSES && d_keeps_totals && !d_result.crc_ok; ++pass) {
        improve_phase(c, symbols);
        demap(c, d_turned.data(), c.estimator.estimate_db(d_turned.data(), n));
        decode_llr(c);
    }
    d_keeps_totals = false;
    if (d_result.crc_ok) {
        d_encoder.encode(row, d_result.payload.data(), d_sent.data());
        d_result.snr_db = known_symbols_snr_db(symbols, d_sent.data(), n);
    }
    return d_result;
}

const link_result& link_decoder::decode_known_noise(unsigned row,
                                                    const std::complex<float>* symbols,
                                                    const float* noise_variance)
{
    constexpr float NOT_RECEIVED = 1e30f;
    chain& c = d_chains.at(row);
    const std::size_t n = d_sent.size();
    d_result.snr_db = equal_capacity_snr_db(noise_variance, n);
    float* llr = d_llr.data();
    for (std::size_t i = 0; i < n; ++i, llr += c.format.bits_per_symbol) {
        const bool received = noise_variance[i] > 0.0f && std::isfinite(noise_variance[i]);
        c.demapper.demap(symbols + i, 1, received ? noise_variance[i] : NOT_RECEIVED, llr);
    }
    decode_llr(c);
    return d_result;
}

void link_decoder::demap(chain& c, const std::complex<float>* symbols, float snr_db)
{
    // Not finite input has no SNR; descrambling takes the LLRs that are no numbers as no evidence.
    d_noise_variance = std::pow(10.0f, -(std::isfinite(snr_db) ? snr_db : 0.0f) / 10.0f);
    c.demapper.demap(symbols, d_sent.size(), d_noise_variance, d_llr.data());
}

// Symbols at the phases that agree with what the decoder, which failed, knows of them.
void link_decoder::improve_phase(chain& c, const std::complex<float>* symbols)
{
    for (unsigned i = 0; i < c.format.coded_bits; ++i)
        d_extrinsic[i] -= d_llr[i];
    d_scrambler.descramble(d_extrinsic.data(), c.format.coded_bits); // and back: signs turn again
    const float* llr = d_extrinsic.data();
    for (auto& mean : d_means) {
        mean = c.decide.mean(llr);
        llr += c.format.bits_per_symbol;
    }
    d_improver.improve(symbols, d_means.data(), d_noise_variance, d_turned.data());
}

void link_decoder::decode_llr(chain& c)
{
    d_scrambler.descramble(d_llr.data(), c.format.coded_bits);
    const bool parity_ok = decode_blocks(c);
    d_result.payload.resize(c.format.payload_bits);
    d_result.crc_ok = c.segmenter.join(d_code_blocks.data(), d_result.payload.data()) && parity_ok;
}

// LLRs of all code blocks to their systematic bits; true when every parity check holds.
bool link_decoder::decode_blocks(chain& c)
{
    bool parity_ok = true;
    d_result.iterations = 0;
    const float* llr = d_llr.data();
    for (unsigned r = 0; r < c.format.num_code_blocks; ++r) {
        const auto& matcher = c.matchers[r];
        const bool longer = matcher.coded_bits() != c.matchers.front().coded_bits();
        matcher.recover(llr, d_code_word_llr.data());
        llr += matcher.coded_bits();
        const auto run = c.decoders[longer].decode(d_code_word_llr.data(), d_code_word.data());
        if (d_keeps_totals) {
            c.decoders[longer].read_totals(d_totals.data());
            const auto end = llr - d_llr.data();
            matcher.match(d_totals.data(), d_extrinsic.data() + end - matcher.coded_bits());
        }
        parity_ok &= run.parity_ok;
        d_result.iterations = std::max(d_result.iterations, run.iterations);
        std::copy_n(d_code_word.data(),
                    c.format.systematic_bits,
                    d_code_blocks.data() + r * c.format.systematic_bits);
    }
    return parity_ok;
}

} // namespace gr::resivid::phy
