// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_tables.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {
namespace {

#include "ldpc_base_graphs.inc"

const base_graph BASE_GRAPH_1{ 46, 68, 22, BASE_GRAPH_1_EDGES };
const base_graph BASE_GRAPH_2{ 42, 52, 10, BASE_GRAPH_2_EDGES };

constexpr unsigned MAX_LIFTING_SIZE = 384;
// Zc = a 2^j: the odd factors (2 for set 0) of Table 5.3.2-1, by set index.
constexpr std::array<unsigned, 8> SET_FACTORS{ 2, 3, 5, 7, 9, 11, 13, 15 };

std::vector<unsigned> all_lifting_sizes()
{
    std::vector<unsigned> sizes;
    for (unsigned factor : SET_FACTORS)
        for (unsigned z = factor; z <= MAX_LIFTING_SIZE; z *= 2)
            sizes.push_back(z);
    std::sort(sizes.begin(), sizes.end());
    return sizes;
}

} // namespace

const base_graph& get_base_graph(unsigned base_graph)
{
    if (base_graph != 1 && base_graph != 2)
        throw std::invalid_argument("base_graph must be 1 or 2, got " + std::to_string(base_graph));
    return base_graph == 1 ? BASE_GRAPH_1 : BASE_GRAPH_2;
}

const std::vector<unsigned>& lifting_sizes()
{
    static const std::vector<unsigned> SIZES = all_lifting_sizes();
    return SIZES;
}

unsigned lifting_set(unsigned lifting_size)
{
    const auto& sizes = lifting_sizes();
    if (!std::binary_search(sizes.begin(), sizes.end(), lifting_size))
        throw std::invalid_argument("lifting_size must be one of TS 38.212 Table 5.3.2-1, got " +
                                    std::to_string(lifting_size));
    unsigned odd = lifting_size;
    while (odd % 2 == 0)
        odd /= 2;
    return odd / 2; // 1 (powers of two), 3, 5, ..., 15 are sets 0, 1, 2, ..., 7
}

std::vector<lifted_edge> lift(unsigned base_graph, unsigned lifting_size)
{
    const unsigned set = lifting_set(lifting_size);
    std::vector<lifted_edge> edges;
    for (const auto& edge : get_base_graph(base_graph).edges)
        edges.push_back({ edge.row, edge.column, edge.shift[set] % lifting_size });
    return edges;
}

} // namespace gr::resivid::phy
