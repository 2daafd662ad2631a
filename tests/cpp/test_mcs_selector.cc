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
    mcs_selector selector(TABLE_I, hysteresis_db, 8, start_row);
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

BOOST_AUTO_TEST_CASE(refuses_broken_tables)
{
    const float nan = std::numeric_limits<float>::quiet_NaN();
    BOOST_CHECK_THROW(mcs_selector({}), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector({ 0, 0 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector({ 2, 0 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector({ 0, nan, 2 }), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, -0.1f), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, nan), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, 0.5f, 0), std::invalid_argument);
    BOOST_CHECK_THROW(mcs_selector(TABLE_I, 0.5f, 8, 7), std::invalid_argument);
}
