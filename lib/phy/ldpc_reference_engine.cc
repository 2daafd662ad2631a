// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_engine.h"
#include "ldpc_scale.h"

#include <algorithm>
#include <cmath>

namespace gr::resivid::phy {
namespace {

constexpr double MAX_MESSAGE = 30.0; // beyond it ln tanh(x/2) is lost in the sum
constexpr double MAX_INPUT = 29.0;   // less, so that one check alone can turn a wrong bit
constexpr float TYPICAL = 15.0f;     // see fitting_scale

// -ln tanh(x / 2), its own inverse, for x > 0
double phi(double x) { return std::log1p(2.0 / std::expm1(x)); }

class reference_engine : public ldpc_engine
{
public:
    explicit reference_engine(const ldpc_schedule& schedule)
        : d_schedule(schedule),
          d_total(schedule.num_columns * schedule.lifting_size),
          d_messages(schedule.column.size() * schedule.lifting_size)
    {
    }

    void load(const float* llr) override
    {
        const double scale = fitting_scale(llr, d_total.size(), 1.0f, TYPICAL);
        for (std::size_t i = 0; i < d_total.size(); ++i) {
            const double x = std::isnan(llr[i]) ? 0.0 : std::clamp(llr[i], -MAX_LLR, MAX_LLR);
            d_total[i] = std::clamp(x * scale, -MAX_INPUT, MAX_INPUT);
        }
        d_scale = scale;
        std::fill(d_messages.begin(), d_messages.end(), 0.0);
    }

    bool iterate() override
    {
        for (const auto& layer : d_schedule.layers)
            for (unsigned i = 0; i < d_schedule.lifting_size; ++i)
                update_check(layer, i);
        for (const auto& layer : d_schedule.layers)
            for (unsigned i = 0; i < d_schedule.lifting_size; ++i)
                if (!parity_holds(layer, i))
                    return false;
        return true;
    }

    void read(std::uint8_t* bits, unsigned num_columns) const override
    {
        for (std::size_t i = 0; i < num_columns * d_schedule.lifting_size; ++i)
            bits[i] = d_total[i] < 0;
    }

    void read_totals(float* llr) const override
    {
        for (std::size_t i = 0; i < d_total.size(); ++i)
            llr[i] = d_total[i] / d_scale;
    }

private:
    std::size_t bit_of(unsigned edge, unsigned i) const
    {
        const unsigned z = d_schedule.lifting_size;
        return d_schedule.column[edge] * z + (i + d_schedule.shift[edge]) % z;
    }

    void update_check(const kernel_layer& layer, unsigned i)
    {
        double input[MAX_DEGREE];
        double sum = 0.0;
        bool negative = false;
        for (unsigned e = 0; e < layer.num_edges; ++e) {
            const unsigned edge = layer.first_edge + e;
            input[e] = d_total[bit_of(edge, i)] - message(edge, i);
            sum += phi(limited(input[e]));
            negative ^= input[e] < 0;
        }
        for (unsigned e = 0; e < layer.num_edges; ++e) {
            const unsigned edge = layer.first_edge + e;
            const double others = std::max(sum - phi(limited(input[e])), phi(MAX_MESSAGE));
            const double sign = negative != (input[e] < 0) ? -1.0 : 1.0;
            message(edge, i) = sign * phi(others);
            d_total[bit_of(edge, i)] = input[e] + message(edge, i);
        }
    }

    bool parity_holds(const kernel_layer& layer, unsigned i) const
    {
        bool odd = false;
        for (unsigned e = layer.first_edge; e < layer.first_edge + layer.num_edges; ++e)
            odd ^= d_total[bit_of(e, i)] < 0;
        return !odd;
    }

    double& message(unsigned edge, unsigned i)
    {
        return d_messages[edge * d_schedule.lifting_size + i];
    }

    static double limited(double x) { return std::clamp(std::fabs(x), 1e-12, MAX_MESSAGE); }

    static constexpr unsigned MAX_DEGREE = 19; // edges of a base graph row
    const ldpc_schedule& d_schedule;
    double d_scale = 1.0; // of the block at hand
    std::vector<double> d_total;
    std::vector<double> d_messages; // (edges, Zc)
};

} // namespace

std::unique_ptr<ldpc_engine> make_reference_engine(const ldpc_schedule& schedule)
{
    return std::make_unique<reference_engine>(schedule);
}

} // namespace gr::resivid::phy
