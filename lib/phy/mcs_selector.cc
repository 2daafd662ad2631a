// SPDX-License-Identifier: GPL-3.0-or-later
#include "mcs_selector.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {

mcs_selector::mcs_selector(std::vector<float> thresholds_db, const selector_settings& settings)
    : d_thresholds_db(std::move(thresholds_db)),
      d_hysteresis_db(settings.hysteresis_db),
      d_bias_db(settings.snr_bias_db),
      d_jump_db(settings.jump_db),
      d_row(settings.start_row)
{
    const auto& t = d_thresholds_db;
    if (t.empty())
        throw std::invalid_argument("thresholds_db is empty");
    // Written so that a NaN among them is refused as well.
    for (std::size_t i = 0; i < t.size(); ++i)
        if (!std::isfinite(t[i]) || (i > 0 && !(t[i] > t[i - 1])))
            throw std::invalid_argument("thresholds_db must be finite and rising, row " +
                                        std::to_string(i) + " is " + std::to_string(t[i]));
    if (!(d_hysteresis_db >= 0))
        throw std::invalid_argument("hysteresis_db must be at least 0, got " +
                                    std::to_string(d_hysteresis_db));
    if (settings.window < 1 || settings.window > MAX_WINDOW)
        throw std::invalid_argument("window must be 1 to " + std::to_string(MAX_WINDOW) +
                                    " estimates, got " + std::to_string(settings.window));
    if (settings.start_row >= t.size())
        throw std::invalid_argument("start_row must be below " + std::to_string(t.size()) +
                                    ", got " + std::to_string(settings.start_row));
    if (!(std::fabs(d_bias_db) <= MAX_BIAS_DB))
        throw std::invalid_argument("snr_bias_db must be within " + std::to_string(MAX_BIAS_DB) +
                                    " dB, got " + std::to_string(d_bias_db));
    if (!(d_jump_db >= 0))
        throw std::invalid_argument("jump_db must be at least 0, got " + std::to_string(d_jump_db));
    if (settings.target_bler != 0)
        d_outer_loop.emplace(settings.target_bler, settings.outer_step_db);
    d_estimates_db.resize(settings.window);
}

int mcs_selector::select(float snr_db)
{
    if (!std::isfinite(snr_db))
        return d_row;
    const float estimate_db = snr_db + d_bias_db;
    if (d_jump_db > 0 && d_num_estimates > 0 && std::fabs(estimate_db - mean_db()) > d_jump_db)
        d_num_estimates = 0;
    d_estimates_db[d_num_estimates++ % d_estimates_db.size()] = estimate_db;
    const float mean = float(mean_db() + offset_db());
    const int met = highest_met(mean);
    if (met > d_row || mean < d_thresholds_db[d_row] - d_hysteresis_db)
        d_row = met;
    return d_row;
}

void mcs_selector::report(bool crc_ok, int row)
{
    if (d_outer_loop)
        d_outer_loop->report(crc_ok, row, int(d_thresholds_db.size()));
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
