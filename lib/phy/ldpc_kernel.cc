// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_kernel.h"

#include <stdexcept>

namespace gr::resivid::phy {

// Each in a file of its own, compiled for its instruction set.
extern const kernel_set KERNELS_BASELINE; // vectors of 16 bytes: SSE2, NEON, or what there is
#ifdef RESIVID_X86_KERNELS
extern const kernel_set KERNELS_AVX2;   // 32 bytes
extern const kernel_set KERNELS_AVX512; // 64 bytes: AVX-512 F, BW and VL
#endif

namespace {

std::vector<const kernel_set*> usable_kernels()
{
    std::vector<const kernel_set*> sets;
#ifdef RESIVID_X86_KERNELS
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        sets.push_back(&KERNELS_AVX512);
    if (__builtin_cpu_supports("avx2"))
        sets.push_back(&KERNELS_AVX2);
#endif
    sets.push_back(&KERNELS_BASELINE);
    return sets;
}

} // namespace

std::vector<std::string> instruction_sets()
{
    std::vector<std::string> names;
    for (const auto* set : usable_kernels())
        names.push_back(set->name);
    return names;
}

const kernel_set& find_kernels(const std::string& instruction_set)
{
    std::string names;
    for (const auto* set : usable_kernels()) {
        if (instruction_set.empty() || instruction_set == set->name)
            return *set;
        names += (names.empty() ? "" : ", ") + std::string(set->name);
    }
    throw std::invalid_argument("instruction_set must be one of " + names + ", got " +
                                instruction_set);
}

} // namespace gr::resivid::phy
