#pragma once

#include "cudnn/rnn/layer.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {

/// How the time loops of a layer are shared out among the threads.
///
/// Normally a thread takes a group of rows from the first step to the last and waits for nobody.
/// With few rows, or weights too large for the caches, the threads share the units of every step
/// instead: each then reads only its part of the weights, at the price of a meeting per step. The
/// bits of the result are the same.
struct Sharing {
  /// Groups of rows per direction.
  int row_groups = 1;
  /// Groups of units per direction; 1 means sharing by rows.
  int unit_groups = 1;
  /// A group of units is a multiple of this, the columns of a packed panel.
  int64_t unit = 1;

  bool by_rows() const { return unit_groups == 1; }

  /// Runs the time loops of all directions. walk(d) makes the loop of direction d, which has
  /// run(from, to) for a group of rows, and for sharing by units steps() and step(i, first,
  /// count), of which step i + 1 starts when step i is done in all groups.
  template <class MakeWalk>
  void run(const RnnShape& shape, const Plan& plan, MakeWalk&& walk) const {
    const int directions = shape.directions;
    if (by_rows()) {
      parallel_for(directions * row_groups, [&](int i) {
        const int group = i / directions;
        walk(i % directions)
            .run(plan.group_start(group, row_groups), plan.group_start(group + 1, row_groups));
      });
      return;
    }
    const int64_t panels = shape.hidden / unit;
    const int steps = walk(0).steps();
    for (int step = 0; step < steps; ++step) {
      parallel_for(directions * unit_groups, [&](int i) {
        const int64_t group = i / directions;
        const int64_t first = panels * group / unit_groups * unit;
        const int64_t end = panels * (group + 1) / unit_groups * unit;
        walk(i % directions).step(step, first, end - first);
      });
    }
  }
};

template <class T>
Sharing choose_sharing(const RnnShape& shape, const Plan& plan);

}  // namespace cudnn4j
