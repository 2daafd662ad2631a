// SPDX-License-Identifier: GPL-3.0-or-later
#include "outer_loop.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {

outer_loop::outer_loop(double target_bler, double step_db)
    : d_down_db(step_db), d_up_db(step_db * target_bler / (1.0 - target_bler))
{
    if (!(target_bler > 0 && target_bler < 1))
        throw std::invalid_argument("target_bler: expected a number between 0 and 1, got " +
                                    std::to_string(target_bler));
    if (!(step_db > 0 && step_db <= LIMIT_DB))
        throw std::invalid_argument("outer_step_db: expected above 0 to " +
                                    std::to_string(LIMIT_DB) + " dB, got " +
                                    std::to_string(step_db));
}

void outer_loop::report(bool crc_ok, int row, int num_rows)
{
    const bool known = row >= 0 && row < num_rows;
    if (!known || row == (crc_ok ? num_rows - 1 : 0))
        return;
    d_offset_db = std::clamp(d_offset_db + (crc_ok ? d_up_db : -d_down_db), -LIMIT_DB, LIMIT_DB);
}

} // namespace gr::resivid::phy
