// SPDX-License-Identifier: GPL-3.0-or-later
#define KERNEL_NAMESPACE kernels_baseline
#define VECTOR_BYTES 16
#include "ldpc_kernel_update.h"

namespace gr::resivid::phy {

extern const kernel_set KERNELS_BASELINE;
const kernel_set KERNELS_BASELINE = KERNEL_NAMESPACE::make_kernels("baseline");

} // namespace gr::resivid::phy
