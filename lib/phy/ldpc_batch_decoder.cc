// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_batch_decoder.h"

#include "ldpc_scale.h"
#include "parallel.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace gr::resivid::phy {

class ldpc_batch_decoder::engine
{
public:
    virtual ~engine() = default;
    virtual unsigned lanes() const = 0;
    virtual void
    decode(const float* llr, unsigned num, std::uint8_t* code_words, ldpc_result* results) = 0;
    virtual bool decode_guesses(const float* llr,
                                const ldpc_guess* guesses,
                                unsigned num,
                                const crc& code,
                                unsigned num_bits,
                                std::uint8_t* code_word) = 0;
};

namespace {

template <class T>
class batch_engine : public ldpc_batch_decoder::engine
{
public:
    batch_engine(const ldpc_schedule& schedule,
                 const kernel_functions<T>& functions,
                 unsigned max_iterations)
        : d_schedule(schedule),
          d_functions(functions),
          d_max_iterations(max_iterations),
          d_decoded_bits(schedule.num_columns * schedule.lifting_size),
          d_code_word_bits(schedule.graph.num_columns * schedule.lifting_size),
          d_llr(d_decoded_bits),
          d_totals(d_decoded_bits * functions.lanes),
          d_messages(schedule.column.size() * schedule.lifting_size * functions.lanes),
          d_failed(functions.lanes),
          d_done(functions.lanes)
    {
        for (unsigned c = 0; c < schedule.num_columns; ++c)
            d_now.push_back(d_totals.data() + c * schedule.lifting_size * functions.lanes);
    }

    unsigned lanes() const override { return d_functions.lanes; }

    void
    decode(const float* llr, unsigned num, std::uint8_t* code_words, ldpc_result* results) override
    {
        load(llr, num);
        std::fill_n(results, num, ldpc_result{ false, 0 });
        kernel_work<T> work = make_work();
        unsigned running = num;
        for (unsigned iteration = 1; running > 0 && iteration <= d_max_iterations; ++iteration) {
            d_functions.iterate_batch(work, d_failed.data());
            for (unsigned lane = 0; lane < num; ++lane) {
                if (results[lane].parity_ok)
                    continue;
                results[lane] = { d_failed[lane] >= 0, iteration };
                // Taken here: what is right now may be wrong again when the last block is done.
                if (results[lane].parity_ok || iteration == d_max_iterations) {
                    read(lane, llr + lane * d_code_word_bits, code_words + lane * d_code_word_bits);
                    --running;
                }
            }
        }
    }

    bool decode_guesses(const float* llr,
                        const ldpc_guess* guesses,
                        unsigned num,
                        const crc& code,
                        unsigned num_bits,
                        std::uint8_t* code_word) override
    {
        load_guesses(llr, guesses, num);
        std::fill(d_done.begin(), d_done.end(), false);
        kernel_work<T> work = make_work();
        unsigned running = num;
        for (unsigned iteration = 0; running > 0 && iteration < d_max_iterations; ++iteration) {
            d_functions.iterate_batch(work, d_failed.data());
            for (unsigned lane = 0; lane < num; ++lane) {
                if (d_done[lane] || d_failed[lane] < 0)
                    continue;
                read(lane, llr, code_word);
                if (code.check(code_word, num_bits))
                    return true;
                d_done[lane] = true; // another code word
                --running;
            }
        }
        return false;
    }

private:
    kernel_work<T> make_work()
    {
        return { d_schedule.lifting_size,
                 d_schedule.lifting_size * d_functions.lanes,
                 unsigned(d_schedule.layers.size()),
                 d_schedule.layers.data(),
                 d_schedule.column.data(),
                 d_schedule.shift.data(),
                 nullptr,
                 d_now.data(),
                 nullptr,
                 d_messages.data() };
    }

    // Lanes without a block are zeros, a code word.
    void load(const float* llr, unsigned num)
    {
        const unsigned lanes = d_functions.lanes;
        std::fill(d_messages.begin(), d_messages.end(), T(0));
        if (num < lanes)
            std::fill(d_totals.begin(), d_totals.end(), T(0));
        for (unsigned lane = 0; lane < num; ++lane) {
            quantise(llr + lane * d_code_word_bits);
            const T* bits = d_llr.data();
            T* total = d_totals.data() + lane;
            for (std::size_t i = 0, num = d_decoded_bits; i < num; ++i)
                total[i * lanes] = bits[i];
        }
    }

    void quantise(const float* llr)
    {
        const float scale =
            fitting_scale(llr, d_decoded_bits, d_functions.scale, d_functions.typical);
        d_functions.quantise(llr, d_llr.data(), d_decoded_bits, scale);
    }

    void load_guesses(const float* llr, const ldpc_guess* guesses, unsigned num)
    {
        const unsigned lanes = d_functions.lanes;
        const float known[] = { MAX_KNOWN_LLR, -MAX_KNOWN_LLR };
        T known_steps[2];
        d_functions.quantise(known, known_steps, 2, d_functions.scale);
        quantise(llr);
        std::fill(d_messages.begin(), d_messages.end(), T(0));
        for (std::size_t i = 0; i < d_decoded_bits; ++i)
            std::fill_n(d_totals.data() + i * lanes, lanes, d_llr[i]);
        for (unsigned lane = 0; lane < num; ++lane)
            d_totals[guesses[lane].bit * lanes + lane] = known_steps[guesses[lane].value];
    }

    void read(unsigned lane, const float* llr, std::uint8_t* bits) const
    {
        const std::size_t lanes = d_functions.lanes;
        const std::size_t num = d_decoded_bits;
        const T* total = d_totals.data() + lane;
        for (std::size_t i = 0; i < num; ++i)
            bits[i] = total[i * lanes] < 0;
        hard_decisions(llr + num, bits + num, d_code_word_bits - num);
    }

    static constexpr float MAX_KNOWN_LLR = 1e3f;
    const ldpc_schedule& d_schedule;
    const kernel_functions<T>& d_functions;
    unsigned d_max_iterations;
    std::size_t d_decoded_bits;
    std::size_t d_code_word_bits;
    std::vector<T> d_llr;      // of one block
    std::vector<T> d_totals;   // (bits, lanes)
    std::vector<T> d_messages; // (edges, Zc, lanes)
    std::vector<T> d_failed;   // (lanes)
    std::vector<bool> d_done;  // (lanes)
    std::vector<T*> d_now;
};

template <class T>
std::unique_ptr<ldpc_batch_decoder::engine> make_batch_engine(const ldpc_schedule& schedule,
                                                              const kernel_functions<T>& functions,
                                                              unsigned max_iterations)
{
    return std::make_unique<batch_engine<T>>(schedule, functions, max_iterations);
}

std::unique_ptr<ldpc_batch_decoder::engine> make_engine(const ldpc_schedule& schedule,
                                                        const ldpc_settings& settings)
{
    const kernel_set& kernels = find_kernels(settings.instruction_set);
    const unsigned n = settings.max_iterations;
    switch (settings.kernel) {
    case ldpc_kernel::belief_propagation:
        break;
    case ldpc_kernel::box_plus:
        return make_batch_engine(schedule, kernels.box_plus, n);
    case ldpc_kernel::box_plus_int16:
        return make_batch_engine(schedule, kernels.box_plus_int16, n);
    case ldpc_kernel::box_plus_int8:
        return make_batch_engine(schedule, kernels.box_plus_int8, n);
    case ldpc_kernel::min_sum_int8:
        return make_batch_engine(schedule, kernels.min_sum_int8, n);
    }
    throw std::invalid_argument("kernel belief-propagation decodes no batches");
}

// Decode pieces of `lanes` blocks until none is left.
template <class decode_piece>
void share_pieces(const ldpc_job& job, std::size_t n, unsigned lanes, const decode_piece& decode)
{
    const std::size_t pieces = (n + lanes - 1) / lanes;
    std::atomic<std::size_t> next{ 0 };
    run_on_threads(count_threads(job.threads, pieces), [&](unsigned thread) {
        for (std::size_t piece; (piece = next.fetch_add(1)) < pieces;)
            decode(thread, piece * lanes, std::min<std::size_t>(lanes, n - piece * lanes));
    });
}

template <class decoder>
std::vector<decoder> make_decoders(const ldpc_job& job, std::size_t n)
{
    std::vector<decoder> decoders;
    do
        decoders.emplace_back(job.base_graph, job.lifting_size, job.settings, job.rows);
    while (decoders.size() < count_threads(job.threads, n));
    return decoders;
}

} // namespace

ldpc_batch_decoder::ldpc_batch_decoder(unsigned base_graph,
                                       unsigned lifting_size,
                                       const ldpc_settings& settings,
                                       const std::vector<unsigned>& rows)
    : d_schedule(std::make_unique<ldpc_schedule>(base_graph, lifting_size, rows)),
      d_engine(make_engine(*d_schedule, settings))
{
    check_iterations(settings);
}

ldpc_batch_decoder::ldpc_batch_decoder(ldpc_batch_decoder&&) noexcept = default;
ldpc_batch_decoder::~ldpc_batch_decoder() = default;

unsigned ldpc_batch_decoder::lanes() const { return d_engine->lanes(); }

unsigned ldpc_batch_decoder::code_word_bits() const
{
    return d_schedule->graph.num_columns * d_schedule->lifting_size;
}

void ldpc_batch_decoder::decode(const float* llr,
                                unsigned num,
                                std::uint8_t* code_words,
                                ldpc_result* results)
{
    d_engine->decode(llr, num, code_words, results);
}

bool ldpc_batch_decoder::decode_guesses(const float* llr,
                                        const ldpc_guess* guesses,
                                        unsigned num,
                                        const crc& code,
                                        unsigned num_bits,
                                        std::uint8_t* code_word)
{
    return d_engine->decode_guesses(llr, guesses, num, code, num_bits, code_word);
}

void decode_blocks(const ldpc_job& job,
                   const float* llr,
                   std::size_t n,
                   std::uint8_t* code_words,
                   ldpc_result* results)
{
    if (job.threads > MAX_THREADS)
        throw std::invalid_argument("threads must be 0 to " + std::to_string(MAX_THREADS) +
                                    ", got " + std::to_string(job.threads));
    if (job.batch) {
        auto decoders = make_decoders<ldpc_batch_decoder>(job, n);
        const std::size_t bits = decoders[0].code_word_bits();
        share_pieces(
            job, n, decoders[0].lanes(), [&](unsigned thread, std::size_t i, unsigned num) {
                decoders[thread].decode(llr + i * bits, num, code_words + i * bits, results + i);
            });
    } else {
        auto decoders = make_decoders<ldpc_decoder>(job, n);
        const std::size_t bits = decoders[0].code_word_bits();
        share_pieces(job, n, 1, [&](unsigned thread, std::size_t i, unsigned) {
            results[i] = decoders[thread].decode(llr + i * bits, code_words + i * bits);
        });
    }
}

} // namespace gr::resivid::phy
