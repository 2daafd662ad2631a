// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Entry for libFuzzer: `cmake -DRESIVID_FUZZ=ON` with clang, then `build/tests/fuzz_phy`.
#include "fuzz_phy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    fuzz::run(data, size); // a violation that nobody catches is a finding
    return 0;
}
