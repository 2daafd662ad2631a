// SPDX-License-Identifier: GPL-3.0-or-later
#define BOOST_TEST_MODULE mcs_selector
#include <boost/test/unit_test.hpp>

#include "phy/mcs_selector.h"

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

using namespace gr::resivid::phy;

namespace {

const std::vector<float> TABLE_I{ -2, 0, 2, 4, 6, 8, 10 };

int row_after(std::vector<float> estimates, unsigned start_row = 0, float hysteresis_db = 0.5f)
{
    mcs_selector selector(TABLE_I, { hysteresis_db, 8, start_row });
    for (float snr_db : estimates)
        selector.select(snr_db);
    return selector.row();
}

} // namespace

BOOST_AUTO_TEST_CASE(one_estimate_chooses_the_row_whose_threshold_is_met)
{
    BOOST_TEST(row_after({ -20.0f }) == 0);
    BOOST_TEST(row_after({ -2.0f }) == 0);
    BOOST_TEST(row_after({ 6.0f }) == 4);
    BOOST_TEST(row_after({ 7.8f }) == 4);
    BOOST_TEST(row_after({ 40.0f }) == 6);
}

BOOST_AUTO_TEST_CASE(up_at_most_a_tenth_below_down_more_than_half_below)
{
    BOOST_TEST(row_after({ 5.91f }) == 4);
    BOOST_TEST(row_after({ 5.89f }) == 3);
    BOOST_TEST(row_after({ 5.51f }, 4) == 4); // in force: kept within the hysteresis
    BOOST_TEST(row_after({ 5.49f }, 4) == 3);
    BOOST_TEST(row_after({ 3.95f }, 6) == 3); // down by several rows, the margin counts there too
    BOOST_TEST(row_after({ -20.0f }, 6) == 0);
}

BOOST_AUTO_TEST_CASE(start_row_before_the_first_estimate)
{
    BOOST_TEST(row_after({}) == 0);
    BOOST_TEST(row_after({}, 5) == 5);
}

BOOST_AUTO_TEST_CASE(no_number_changes_nothing)
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const float inf = std::numeric_limits<float>::infinity();
    BOOST_TEST(row_after({ nan, inf, -inf }, 3) == 3);
    BOOST_TEST(row_after({ 6.0f, nan, 6.0f }) == 4);
}

BOOST_AUTO_TEST_CASE(works_on_the_mean_of_the_last_eight)
{
    std::mt19937 generator(8);
    std::normal_distribution<float> normal(5.0f, 3.0f);
    mcs_selector selector(TABLE_I);
    std::vector<float> seen;
    int row = 0;
    for (unsigned n = 0; n < 500; ++n) {
        seen.push_back(normal(generator));
        double sum = 0;
        const std::size_t first = seen.size() > 8 ? seen.size() - 8 : 0;
        for (std::size_t i = first; i < seen.size(); ++i)
            sum += seen[i];
        const double mean = sum / (seen.size() - first);
        int met = 0;
        for (int r = 0; r < 7; ++r)
            if (mean >= TABLE_I[r] - 0.1)
                met = r;
        if (met > row || mean < TABLE_I[row] - 0.5)
            row = met;
        BOOST_TEST(selector.select(seen.back()) == row);
    }
}

BOOST_AUTO_TEST_CASE(a_bias_shifts_every_estimate)
{
    mcs_selector selector(TABLE_I, { 0.5f, 8, 0, 1.5f });
    BOOST_TEST(selector.select(4.41f) == 4); // 5.91 dB
    BOOST_TEST(selector.select(4.39f) == 4);
}

BOOST_AUTO_TEST_CASE(outer_loop_by_hand)
{
    // Target 1/5: a failure is worth four successes. Steps of 0.5 dB down, 0.125 dB up
    mcs_selector selector(TABLE_I, { 0.5f, 1, 0, 0.0f, 0.2, 0.5 });
    BOOST_TEST(selector.select(6.0f) == 4);
    selector.report(false, 4);
    BOOST_TEST(selector.offset_db() == -0.5);
    BOOST_TEST(selector.select(6.0f) == 4); // 5.5 dB: within the hysteresis
    selector.report(false, 4);
    BOOST_TEST(selector.select(6.0f) == 3); // 5.0 dB
    for (int i = 0; i < 8; ++i)
        selector.report(true, 3);
    BOOST_TEST(selector.offset_db() == 0.0);
    BOOST_TEST(selector.select(6.0f) == 4);
}

BOOST_AUTO_TEST_CASE(outer_loop_learns_nothing_where_no_row_is_left)
{
    mcs_selector selector(TABLE_I, { 0.5f, 1, 0, 0.0f, 0.2, 0.5 });
    for (int row : { -1, 0, 7, 1 << 30 })
        selector.report(false, row);
    for (int row : { -1, 6, 7 })
        selector.report(true, row);
    BOOST_TEST(selector.offset_db() == 0.0);
    for (int i = 0; i < 1000; ++i)
        selector.report(false, 3);
    BOOST_TEST(selector.offset_db() == -outer_loop::LIMIT_DB);
}

BOOST_AUTO_TEST_CASE(outer_loop_rests_where_the_target_share_fails)
{
    // Any falling error curve: a logistic one, 0.3 dB a factor e, 0.01 at the row's threshold.
    // 200,000 blocks, 2,000 expected failures.
    constexpr double TARGET = 0.01;
    for (float bias_db : { -1.5f, 0.0f, 1.5f }) {
        std::mt19937 generator(3);
        std::uniform_real_distribution<double> uniform(0, 1);
        std::normal_distribution<float> error(0.0f, 0.3f);
        mcs_selector selector(TABLE_I, { 0.5f, 8, 0, bias_db, TARGET, 0.5 });
        int failed = 0;
        constexpr int N = 200000;
        for (int n = 0; n < N; ++n) {
            const float snr_db = 4.0f + 3.0f * std::sin(2e-3f * n);
            const int row = selector.row();
            const double beyond = (snr_db - TABLE_I[row]) / 0.3 + std::log(1 / TARGET - 1);
            const bool ok = uniform(generator) > 1 / (1 + std::exp(beyond));
            failed += !ok;
            selector.report(ok, row);
            selector.select(snr_db + error(generator));
        }
        BOOST_TEST(failed > 0.7 * TARGET * N);
        BOOST_TEST(failed < 1.3 * TARGET * N);
    }
}

BOOST_AUTO_TEST_CASE(refuses_broken_tables)
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    BOOST_CHECK_THROW(mcs_selector({}), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector({ 0, 0 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector({ 2, 0 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector({ 0, nan, 2 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, { -0.1f }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, { nan }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, { 0.5f, 0 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, { 0.5f, 8, 7 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, { 0.5f, 1u << 31 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, { 0.5f, 8, 0, nan }), std::invalid_argument);
    for (double target_bler : { -0.1, 1.0, double(nan) })
        BOOST_CHECK_THROW(mcs_selector(TABLE_I, { 0.5f, 8, 0, 0.0f, target_bler }),
                          std::invalid_argument);
    for (double step_db : { 0.0, -1.0, 11.0, double(nan) })
        BOOST_CHECK_THROW(mcs_selector(TABLE_I, { 0.5f, 8, 0, 0.0f, 0.01, step_db }),
                          std::invalid_argument);
}
