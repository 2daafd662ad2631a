// SPDX-License-Identifier: GPL-3.0-or-later
#define KERNEL_NAMESPACE kernels_avx512
#define VECTOR_BYTES 64
#include "ldpc_kernel_update.h"

namespace gr::resivid::phy {

extern const kernel_set KERNELS_AVX512;
const kernel_set KERNELS_AVX512 = KERNEL_NAMESPACE::make_kernels("avx512");

} // namespace gr::resivid::phy
