/* SPDX-License-Identifier: GPL-3.0-or-later */
//! \file Python's view of the C++ blocks.
#include "channel_arguments.h"
#include <gnuradio/resivid/burst_framer.h>
#include <gnuradio/resivid/burst_synchroniser.h>
#include <gnuradio/resivid/channel.h>
#include <gnuradio/resivid/ldpc_qam_decoder.h>
#include <gnuradio/resivid/ldpc_qam_encoder.h>
#include <gnuradio/resivid/mcs_selector.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;
using namespace gr::resivid;

namespace {

template <typename block>
using block_class = py::class_<block, gr::block, gr::basic_block, std::shared_ptr<block>>;

void bind_encoder(py::module& m)
{
    block_class<ldpc_qam_encoder>(
        m, "ldpc_qam_encoder", "Payload bits to complex symbols: CRC, 5G NR LDPC, QAM.")
        .def(py::init(&ldpc_qam_encoder::make),
             py::arg("symbols"),
             py::arg("table"),
             py::arg("packet_len_key") = "packet_len")
        .def("payload_bits",
             &ldpc_qam_encoder::payload_bits,
             py::arg("row"),
             "Payload bits of a packet.")
        .def("input_buffer_items",
             &ldpc_qam_encoder::input_buffer_items,
             "min_output_buffer that the block before needs, in items.")
        .def("dropped", &ldpc_qam_encoder::dropped, "Packets dropped so far.")
        .def("encode_ms", &ldpc_qam_encoder::encode_ms, "Latest durations in ms, oldest first.");
}

void bind_decoder(py::module& m)
{
    block_class<ldpc_qam_decoder>(
        m,
        "ldpc_qam_decoder",
        "Complex symbols to PDU payload: SNR estimate, demapping, LDPC, CRC.")
        .def(py::init(&ldpc_qam_decoder::make),
             py::arg("symbols"),
             py::arg("table"),
             py::arg("max_iterations") = 50,
             py::arg("packet_len_key") = "packet_len",
             py::arg("kernel") = "box-plus-int16")
        .def("dropped", &ldpc_qam_decoder::dropped, "Packets dropped so far.")
        .def("decode_ms", &ldpc_qam_decoder::decode_ms, "Latest durations in ms, oldest first.");
}

void bind_channel(py::module& m)
{
    block_class<channel>(m, "channel", "The simulated channel: seeded noise, fading and the rest.")
        .def(py::init([](const std::vector<float>& snr_db,
                         std::uint64_t seed,
                         const std::string& packet_len_key,
                         int max_packet_items,
                         const py::kwargs& settings) {
                 return channel::make(snr_db,
                                      seed,
                                      packet_len_key,
                                      max_packet_items,
                                      channel_settings_from(settings));
             }),
             py::arg("snr_db"),
             py::arg("seed") = 0,
             py::arg("packet_len_key") = "packet_len",
             py::arg("max_packet_items") = 8192,
             CHANNEL_ARGUMENTS)
        .def("set_snr_db",
             &channel::set_snr_db,
             py::arg("snr_db"),
             "A new list, from the next packet on.")
        .def("lost", &channel::lost, "Packets that the channel lost, as its settings say.")
        .def("dropped", &channel::dropped, "Broken packets dropped so far.");
}

void bind_burst(py::module& m)
{
    block_class<burst_framer>(
        m, "burst_framer", "Payload symbols to a burst signal: preamble, pilots, pulses.")
        .def(py::init(&burst_framer::make),
             py::arg("symbols"),
             py::arg("preambles"),
             py::arg("samples_per_symbol") = 4,
             py::arg("roll_off") = 0.1f,
             py::arg("idle") = false,
             py::arg("packet_len_key") = "packet_len",
             py::arg("bursts") = false)
        .def("frame_symbols", &burst_framer::frame_symbols, "Symbols of a frame, all included.")
        .def("idle_frames", &burst_framer::idle_frames, "Frames without payload sent so far.")
        .def("dropped", &burst_framer::dropped, "Packets dropped so far.");
    block_class<burst_synchroniser>(
        m, "burst_synchroniser", "Samples to the payload symbols of the bursts in them.")
        .def(py::init(&burst_synchroniser::make),
             py::arg("symbols"),
             py::arg("rows"),
             py::arg("samples_per_symbol") = 4,
             py::arg("roll_off") = 0.1f,
             py::arg("max_cfo") = 0.5,
             py::arg("symbol_rate") = 1.0,
             py::arg("every_frame") = false,
             py::arg("packet_len_key") = "packet_len")
        .def("locked", &burst_synchroniser::locked, "Whether preambles are where they must be.")
        .def("bursts", &burst_synchroniser::bursts, "Frames found so far.")
        .def("false_alarms",
             &burst_synchroniser::false_alarms,
             "Preambles found that no second one confirmed.");
}

void bind_selector(py::module& m)
{
    block_class<mcs_selector>(
        m, "mcs_selector", "Message snr to message mcs: the MCS row for the estimated SNR.")
        .def(py::init(&mcs_selector::make),
             py::arg("thresholds_db"),
             py::arg("hysteresis_db") = 0.5f,
             py::arg("window") = 8,
             py::arg("start_row") = 0,
             py::arg("fixed_row") = -1,
             py::arg("snr_bias_db") = 0.0f,
             py::arg("target_bler") = 0.0,
             py::arg("outer_step_db") = 0.5,
             py::arg("jump_db") = 0.0f)
        .def("row", &mcs_selector::row, "The row in force.")
        .def("offset_db", &mcs_selector::offset_db, "What the outer loop adds to the estimates.")
        .def("dropped", &mcs_selector::dropped, "Messages that held neither a number nor a PDU.");
}

} // namespace

PYBIND11_MODULE(resivid_python, m)
{
    m.doc() = "The C++ blocks of gr-resivid.";
    py::module::import("gnuradio.gr"); // binds the base classes
    bind_channel(m);
    bind_burst(m);
    bind_encoder(m);
    bind_decoder(m);
    bind_selector(m);
}
