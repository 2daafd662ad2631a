// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Python bindings of lib/phy on NumPy arrays, one file a stage; needs no GNU Radio.
#include "phy_arguments.h"

namespace gr::resivid::phy::python {
void bind_burst(py::module& m); // phy_burst.cc
}

PYBIND11_MODULE(phy_python, m)
{
    using namespace gr::resivid::phy::python;
    m.doc() = "Physical layer of gr-resivid: 5G NR LDPC, QAM, SNR estimation, without GNU Radio.";
#ifdef RESIVID_VERSION
    m.attr("__version__") = RESIVID_VERSION;
#endif
    bind_crc(m);
    bind_transport_block(m);
    bind_ldpc_encoder(m);
    bind_rate_matcher(m);
    bind_qam(m);
    bind_decoding(m);
    bind_snr_estimator(m);
    bind_link_control(m);
    bind_channel(m);
    bind_burst(m);
    bind_link(m);
    bind_monte_carlo(m);
    bind_stage_times(m);
}
