// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The harness of tests/fuzz with seeded random inputs; RESIVID_FUZZ_RUNS sets how many.
#define BOOST_TEST_MODULE fuzz
#include <boost/test/unit_test.hpp>

#include "fuzz/fuzz_phy.h"

#include <cstdlib>
#include <random>
#include <string>

namespace {

unsigned num_runs()
{
    const char* runs = std::getenv("RESIVID_FUZZ_RUNS");
    return runs ? std::stoul(runs) : 3000;
}

} // namespace

BOOST_AUTO_TEST_CASE(any_input_is_survived)
{
    for (unsigned seed = 0; seed < num_runs(); ++seed) {
        std::mt19937 generator(seed);
        std::vector<std::uint8_t> data(generator() % 256);
        for (auto& byte : data)
            byte = generator();
        BOOST_TEST_CONTEXT("seed " << seed)
        BOOST_REQUIRE_NO_THROW(fuzz::run(data.data(), data.size()));
    }
}
