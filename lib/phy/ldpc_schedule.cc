// SPDX-License-Identifier: GPL-3.0-or-later
#include "ldpc_schedule.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gr::resivid::phy {

ldpc_schedule::ldpc_schedule(unsigned number, unsigned z, const std::vector<unsigned>& rows)
    : graph(get_base_graph(number)), lifting_size(z), num_columns(0), final_shift(graph.num_columns)
{
    for (unsigned row : rows)
        if (row >= graph.num_rows)
            throw std::invalid_argument("rows must be below " + std::to_string(graph.num_rows) +
                                        ", got " + std::to_string(row));
    unsigned last_row = graph.num_rows;
    for (const auto& edge : lift(number, z)) {
        if (!rows.empty() && std::find(rows.begin(), rows.end(), edge.row) == rows.end())
            continue;
        if (edge.row != last_row)
            layers.push_back({ unsigned(column.size()), 0 });
        last_row = edge.row;
        ++layers.back().num_edges;
        column.push_back(edge.column);
        shift.push_back(edge.shift);
        final_shift[edge.column] = edge.shift;
        num_columns = std::max(num_columns, edge.column + 1);
    }
    auto left_at = final_shift;
    for (std::size_t e = 0; e < column.size(); ++e) {
        turn.push_back((shift[e] + z - left_at[column[e]]) % z);
        final_turn.push_back((shift[e] + z - final_shift[column[e]]) % z);
        left_at[column[e]] = shift[e];
    }
}

} // namespace gr::resivid::phy
