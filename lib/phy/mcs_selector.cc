// SPDX-License-Identifier: GPL-3.0-or-later
#include "mcs_selector.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {

mcs_selector::mcs_selector(std::vector<float> thresholds_db,
                           float hysteresis_db,
                           unsigned window,
                           unsigned start_row)
    : d_thresholds_db(std::move(thresholds_db)),
      d_hysteresis_db(hysteresis_db),
      d_estimates_db(window),
      d_row(start_row)
{
    const auto& t = d_thresholds_db;
    if (t.empty())
        throw std::invalid_argument("thresholds_db is empty");
    // Written so that a NaN among them is refused as well.
    for (std::size_t i = 0; i < t.size(); ++i)
        if (!std::isfinite(t[i]) || (i > 0 && !(t[i] > t[i - 1])))
            throw std::invalid_argument("thresholds_db must be finite and rising, row " +
                                        std::to_string(i) + " is " + std::to_string(t[i]));
    if (!(hysteresis_db >= 0))
        throw std::invalid_argument("hysteresis_db must be at least 0, got " +
                                    std::to_string(hysteresis_db));
    if (window == 0)
        throw std::invalid_argument("window must be at least 1 estimate, got 0");
    if (start_row >= t.size())
        throw std::invalid_argument("start_row must be below " + std::to_string(t.size()) +
                                    ", got " + std::to_string(start_row));
}

int mcs_selector::select(float snr_db)
{
    if (!std::isfinite(snr_db))
        return d_row;
    d_estimates_db[d_num_estimates++ % d_estimates_db.size()] = snr_db;
    const float mean = mean_db();
    const int met = highest_met(mean);
    if (met > d_row || mean < d_thresholds_db[d_row] - d_hysteresis_db)
        d_row = met;
    return d_row;
}

float mcs_selector::mean_db() const
{
    const std::size_t n = std::min(d_num_estimates, d_estimates_db.size());
    return float(std::accumulate(d_estimates_db.begin(), d_estimates_db.begin() + n, 0.0) / n);
}

// The highest row whose threshold is met but for UP_MARGIN_DB; 0 when there is none.
int mcs_selector::highest_met(float snr_db) const
{
    const auto above =
        std::upper_bound(d_thresholds_db.begin(), d_thresholds_db.end(), snr_db + UP_MARGIN_DB);
    return std::max(0, int(above - d_thresholds_db.begin()) - 1);
}

} // namespace gr::resivid::phy
