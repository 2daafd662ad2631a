// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The symbols of one key frame back to its payload: the whole receive chain.
#pragma once

#include "ldpc_list_decoder.h"
#include "link_encoder.h"
#include "phase_improver.h"
#include "snr_estimator.h"
#include "soft_symbols.h"

#include <complex>
#include <cstdint>
#include <limits>
#include <vector>

namespace gr::resivid::phy {

/*! \brief One decoded key frame. */
struct link_result {
    std::vector<std::uint8_t>
        payload;             //!< A bits, one a byte; hard decisions also when crc_ok is false
    bool crc_ok = false;     //!< every CRC and every parity check holds
    unsigned iterations = 0; //!< layered iterations, the largest of all code blocks
    float snr_db = 0.0f;     //!< Es/N0 estimate; NaN when a symbol is not finite
};

/*! \brief SNR estimate, demapping, descrambling, LDPC decoding, CRC for one block size.
 *
 * The SNR for the demapper comes from the constellation's likelihood. When the CRC holds the
 * payload is encoded again and the reported SNR is that of the known symbols. A block counts as
 * good only when the CRC holds AND the code word satisfies its parity checks: a wrong payload must
 * then be another code word that also meets 16 or 24 CRC bits. Null, constant and not finite input
 * meet the scrambling sequence (scrambler.h) and fail. No allocation after construction. */
class link_decoder
{
public:
    //! Parameters and exceptions as for link_encoder, and those of ldpc_decoder.
    link_decoder(unsigned symbols,
                 std::vector<mcs_row> table,
                 const ldpc_settings& decoding = {},
                 unsigned redundancy_version = 0);

    //! The same for formats planned elsewhere, all for the same number of symbols.
    explicit link_decoder(const std::vector<block_format>& formats,
                          const ldpc_settings& decoding = {},
                          unsigned redundancy_version = 0);

    unsigned symbols() const { return d_encoder.symbols(); }
    unsigned num_rows() const { return d_encoder.num_rows(); }
    unsigned payload_bits(unsigned row) const { return d_encoder.payload_bits(row); }

    /*! \brief Decode symbols() values sent with this row.
     *  \param known_snr_db Es/N0 for the demapper when it is known; NaN: it is estimated.
     *  \param phase_noise variance of a step of the carrier's phase, rad^2 a symbol: above 0 a
     *         block that fails is decoded again, at phases that follow what the decoder made of it,
     *         PHASE_PASSES times at most. How much above says little: low rows hide their noise.
     *  \return valid until the next call. \throws std::out_of_range for an unknown row. */
    const link_result& decode(unsigned row,
                              const std::complex<float>* symbols,
                              float known_snr_db = std::numeric_limits<float>::quiet_NaN(),
                              float phase_noise = 0.0f);

    static constexpr unsigned PHASE_PASSES = 3;

    /*! \brief The same where the variance of the noise of each symbol is known: fading whose gains
     *  are known and vary within the block.
     *  \param noise_variance symbols() values relative to energy 1; a symbol whose value is not
     *         above 0 and finite counts as not received. snr_db is that of equal_capacity_snr_db.
     */
    const link_result& decode_known_noise(unsigned row,
                                          const std::complex<float>* symbols,
                                          const float* noise_variance);

private:
    struct chain {
        chain(const block_format& format,
              const ldpc_settings& decoding,
              unsigned redundancy_version);
        block_format format;
        block_segmenter segmenter;
        blind_snr_estimator estimator;
        soft_demapper demapper;
        soft_symbols decide;
        std::vector<rate_matcher> matchers;      // one a code block
        std::vector<ldpc_list_decoder> decoders; // one for each E_r
    };
    void allocate(const ldpc_settings& decoding, unsigned redundancy_version);
    void decode_llr(chain& c);
    bool decode_blocks(chain& c);
    void demap(chain& c, const std::complex<float>* symbols, float snr_db);
    void improve_phase(chain& c, const std::complex<float>* symbols);

    link_encoder d_encoder; // for the data-aided SNR
    std::vector<chain> d_chains;
    scrambler d_scrambler;
    std::vector<float> d_llr;
    std::vector<float> d_code_word_llr;
    std::vector<std::uint8_t> d_code_word;
    std::vector<std::uint8_t> d_code_blocks;
    bool d_keeps_totals = false;
    std::vector<float> d_totals;    // of a code word
    std::vector<float> d_extrinsic; // of the coded bits: what the decoder adds to d_llr
    phase_improver d_improver;
    float d_noise_variance = 1.0f; // that the demapper assumed
    std::vector<std::complex<float>> d_means;
    std::vector<std::complex<float>> d_turned;
    std::vector<std::complex<float>> d_sent;
    link_result d_result;
};

} // namespace gr::resivid::phy
