// SPDX-License-Identifier: GPL-3.0-or-later
//! \file The two base graphs and the lifting sizes of TS 38.212 5.3.2 (Tables 5.3.2-1 to -3).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace gr::resivid::phy {

/*! \brief One entry of Table 5.3.2-2 or 5.3.2-3: row, column, V_ij for set index i_LS = 0..7. */
struct base_edge {
    std::uint8_t row;
    std::uint8_t column;
    std::array<std::uint16_t, 8> shift;
};

/*! \brief A base graph: edges by row, then column; the first columns are the systematic ones. */
struct base_graph {
    unsigned num_rows;                   //!< 46 or 42
    unsigned num_columns;                //!< 68 or 52
    unsigned num_systematic;             //!< 22 or 10 columns
    const std::vector<base_edge>& edges; //!< 316 or 197
};

/*! \brief Base graph 1 or 2. \throws std::invalid_argument for another number. */
const base_graph& get_base_graph(unsigned base_graph);

//! The 51 lifting sizes Zc of Table 5.3.2-1, rising.
const std::vector<unsigned>& lifting_sizes();

/*! \brief Set index i_LS of a lifting size. \throws std::invalid_argument when there is none. */
unsigned lifting_set(unsigned lifting_size);

/*! \brief A base edge lifted by Zc: check row*Zc + i meets bit column*Zc + (i + shift) mod Zc. */
struct lifted_edge {
    unsigned row;
    unsigned column;
    unsigned shift; //!< P_ij = V_ij mod Zc
};

//! All edges of a base graph for one lifting size, by row, then column.
std::vector<lifted_edge> lift(unsigned base_graph, unsigned lifting_size);

} // namespace gr::resivid::phy
