// SPDX-License-Identifier: GPL-3.0-or-later
//! \file A row of the MCS table as the physical layer needs it.
#pragma once

namespace gr::resivid::phy {

/*! \brief Modulation and code rate, with the SNR it is made for: Table I of the paper. */
struct mcs_row {
    unsigned bits_per_symbol; //!< Qm: 2 QPSK, 4 16QAM, 6 64QAM, 8 256QAM
    unsigned rate_1024;       //!< target code rate R x 1024, 1..1023 (TS 38.214 5.1.3.1)
    float snr_db;             //!< Es/N0 in dB where the row meets the target BLER
};

} // namespace gr::resivid::phy
