// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Block errors of the link over AWGN in Python.
#include "interruptible.h"
#include "phy/link_monte_carlo.h"
#include "phy/parallel.h"
#include "phy_arguments.h"

#include <optional>

namespace gr::resivid::phy::python {

using namespace pybind11::literals;

namespace {

constexpr std::int64_t MAX_COUNT = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t MAX_BLOCKS = std::int64_t(1) << 40; // years

std::uint64_t count(const char* name, integer number, std::int64_t most = MAX_COUNT)
{
    if (number.value < 0 || number.value > most)
        throw std::invalid_argument(std::string(name) + " must be 0 to " + std::to_string(most) +
                                    ", got " + std::to_string(number.value));
    return std::uint64_t(number.value);
}

block_format plan(integer info_bits, unsigned rate_1024, unsigned bits_per_symbol)
{
    return plan_information_bits(
        in_range("info_bits", info_bits, 0, MAX_UNSIGNED), rate_1024, bits_per_symbol);
}

py::dict count_block_errors(integer bits_per_symbol,
                            integer rate_1024,
                            integer symbols,
                            float snr_db,
                            integer num_blocks,
                            integer seed,
                            integer first_block,
                            const std::string& kernel,
                            integer max_iterations,
                            integer threads,
                            bool known_snr,
                            std::optional<integer> info_bits,
                            integer guesses)
{
    const unsigned qm = to_bits_per_symbol(bits_per_symbol);
    const unsigned rate = to_rate_1024(rate_1024);
    monte_carlo_settings settings;
    settings.format = info_bits
                          ? plan(*info_bits, rate, qm)
                          : plan_block(in_range("symbols", symbols, 1, MAX_SYMBOLS), rate, qm);
    settings.snr_db = snr_db;
    settings.seed = count("seed", seed);
    settings.first_block = count("first_block", first_block);
    settings.num_blocks = count("num_blocks", num_blocks, MAX_BLOCKS);
    settings.decoding = to_ldpc_settings(kernel, max_iterations, guesses);
    settings.known_snr = known_snr;
    settings.threads = in_range("threads", threads, 0, MAX_THREADS);
    const monte_carlo_settings whole = settings;
    settings.num_blocks = 0;
    monte_carlo_counts counts = simulate_blocks(settings); // refuses wrong settings
    in_slices(whole.num_blocks, [&](std::uint64_t first, std::uint64_t n) {
        settings.first_block = whole.first_block + first;
        settings.num_blocks = n;
        counts += simulate_blocks(settings);
    });
    return py::dict("blocks"_a = counts.blocks,
                    "errors"_a = counts.errors,
                    "undetected"_a = counts.undetected,
                    "bit_errors"_a = counts.bit_errors,
                    "iterations_sum"_a = counts.iterations_sum);
}

} // namespace

void bind_monte_carlo(py::module& m)
{
    m.def("simulate_blocks",
          &count_block_errors,
          "bits_per_symbol"_a,
          "rate_1024"_a,
          "symbols"_a,
          "snr_db"_a,
          "num_blocks"_a,
          "seed"_a,
          "first_block"_a = 0,
          "kernel"_a = DEFAULT_LDPC_KERNEL_NAME,
          "max_iterations"_a = DEFAULT_LDPC_ITERATIONS,
          "threads"_a = 0,
          "known_snr"_a = false,
          "info_bits"_a = std::nullopt,
          "guesses"_a = DEFAULT_LDPC_GUESSES,
          "Block errors over AWGN: blocks first_block.. of the sequence that seed names.\n\n"
          "Counts depend on neither threads (0: one a core) nor how a sequence is cut into calls.\n"
          "With info_bits (payload and CRC) a block takes as many symbols as the rate needs, and\n"
          "symbols is not used. guesses: bits tried the other way in a block that fails, 0 for "
          "plain\n"
          "belief propagation; only up to 2,048 information bits. Returns a dict of blocks, errors "
          "(undetected ones are among them),\n"
          "undetected, bit_errors (of the payload), iterations_sum.");
    m.def(
        "plan_information_bits",
        [](integer info_bits, integer rate_1024, integer bits_per_symbol) {
            return plan(info_bits, to_rate_1024(rate_1024), to_bits_per_symbol(bits_per_symbol));
        },
        "info_bits"_a,
        "rate_1024"_a,
        "bits_per_symbol"_a,
        "Format of info_bits (payload and CRCs) on the fewest symbols that keep to the rate.");
}

} // namespace gr::resivid::phy::python
