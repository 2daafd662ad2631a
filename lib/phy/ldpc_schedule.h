// SPDX-License-Identifier: GPL-3.0-or-later
//! \file Which base graph rows a layered decoder visits, and how its columns turn meanwhile.
#pragma once

#include "ldpc_kernel.h"
#include "ldpc_tables.h"

#include <vector>

namespace gr::resivid::phy {

/*! \brief Layers of a lifted base graph in the order of its rows.
 *
 * A layer leaves a column in the order of its checks: element i is bit (i + shift) mod Zc. The next
 * layer of that column, or the first one in the next iteration, turns it on from there. */
struct ldpc_schedule {
    /*! \param rows base graph rows to use, rising; empty means all.
     *  \throws std::invalid_argument for an unknown graph, lifting size or row. */
    ldpc_schedule(unsigned base_graph, unsigned lifting_size, const std::vector<unsigned>& rows);

    const base_graph& graph;
    unsigned lifting_size;
    unsigned num_columns; //!< up to the last one with an edge; those behind are never decoded
    std::vector<kernel_layer> layers;
    std::vector<unsigned> column;      //!< of an edge
    std::vector<unsigned> shift;       //!< P_ij of an edge
    std::vector<unsigned> turn;        //!< of an edge, from where the column was left
    std::vector<unsigned> final_turn;  //!< of an edge, from where the iteration leaves the column
    std::vector<unsigned> final_shift; //!< of a column, where the iteration leaves it
};

} // namespace gr::resivid::phy
