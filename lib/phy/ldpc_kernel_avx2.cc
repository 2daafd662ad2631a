// SPDX-License-Identifier: GPL-3.0-or-later
#define KERNEL_NAMESPACE kernels_avx2
#define VECTOR_BYTES 32
#include "ldpc_kernel_update.h"

namespace gr::resivid::phy {

extern const kernel_set KERNELS_AVX2;
const kernel_set KERNELS_AVX2 = KERNEL_NAMESPACE::make_kernels("avx2");

} // namespace gr::resivid::phy
