// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The phase of a frame once more, with what the channel decoder made of its symbols.
#pragma once

#include "phase_tracker.h"

namespace gr::resivid::phy {

/*! \brief What is left of a walking phase in the payload symbols of one frame.
 *
 * The demodulator knew preamble, pilots and what each symbol alone said of itself. A decoder that
 * failed still knows most symbols better, from all the others that its checks tie them to: their
 * means are evidence for the smoother of `phase_tracker`. No allocation after construction. */
class phase_improver
{
public:
    explicit phase_improver(std::size_t symbols);

    //! Another frame: its symbols are as they were received.
    void start();

    /*! \brief One pass over the frame.
     *  \param symbols received, of gain 1.
     *  \param means E[s], by the decoder and without what the symbol itself says.
     *  \param noise_variance relative to symbol energy 1, above 0.
     *  \param turned the symbols at the phases of all passes since `start`. */
    void improve(const cfloat* symbols, const cfloat* means, float noise_variance, cfloat* turned);

private:
    phase_tracker d_tracker;
    std::vector<float> d_phases;
    std::vector<phase_evidence> d_evidence;
};

} // namespace gr::resivid::phy
