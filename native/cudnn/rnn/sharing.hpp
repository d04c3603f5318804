#pragma once

#include <atomic>

#include "cudnn/rnn/layer.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {

/// How the time loops of a layer are shared out among the threads.
///
/// Normally a thread takes a group of rows from the first step to the last and waits for nobody.
/// With few rows, weights too large for the caches, or one step only, the threads share the units of
/// every step instead: each then reads only its part of the weights, at the price of a meeting per
/// step. The bits of the result are the same.
struct Sharing {
  /// Groups of rows per direction.
  int row_groups = 1;
  /// Groups of units per direction; 1 means sharing by rows.
  int unit_groups = 1;
  /// A group of units is a multiple of this, the columns of a packed panel.
  int64_t unit = 1;

  bool by_rows() const { return unit_groups == 1; }

  /// Runs the time loops of all directions. walk(d) makes the loop of direction d, which has
  /// run(from, to, first, end) for the steps [first, end) of a group of rows, and for sharing by
  /// units steps() and step(i, first, count), of which step i + 1 starts when step i is done in all
  /// groups.
  template <class MakeWalk>
  void run(const RnnShape& shape, const Plan& plan, MakeWalk&& walk) const {
    const int directions = shape.directions;
    if (by_rows()) {
      parallel_for(directions * row_groups, [&](int i) {
        const int group = i / directions;
        walk(i % directions)
            .run(plan.group_start(group, row_groups), plan.group_start(group + 1, row_groups), 0,
                 plan.time());
      });
      return;
    }
    const int64_t panels = shape.hidden / unit;
    const int steps = walk(0).steps();
    const int groups = directions * unit_groups;
    Turns turns(groups);
    parallel_for(std::min(groups, pool_threads()), [&](int) {
      for (int step = turns.step(); step < steps; ++step) {
        for (int task = turns.take(step); task >= 0; task = turns.take(step)) {
          const int direction = task / unit_groups;
          const int64_t group = task % unit_groups;
          const int64_t first = panels * group / unit_groups * unit;
          const int64_t end = panels * (group + 1) / unit_groups * unit;
          walk(direction).step(step, first, end - first);
          turns.finish(step);
        }
        turns.wait(step);
      }
    });
  }

  static constexpr int most_groups = 64;

 private:
  /// Hands out the groups of a step so that a thread, as long as it is not late, gets the ones it
  /// had before, whose weights are in its cache; every second step in the opposite order.
  class Turns {
   public:
    explicit Turns(int groups) : groups_(groups) {}

    /// The first step that is not done.
    int step() const { return done_.load(std::memory_order_acquire); }

    /// A group of this step that nobody has taken yet, or -1.
    int take(int step) {
      const int threads = pool_threads();
      const int thread = std::min(pool_thread(), threads - 1);
      const bool backwards = step % 2 == 1;
      const int start = backwards ? groups_ * (thread + 1) / threads + groups_ - 1
                                  : groups_ * thread / threads;
      for (int i = 0; i < groups_; ++i) {
        const int group = (backwards ? start - i : start + i) % groups_;
        std::atomic<int>& taken = taken_[group];
        int before = step;
        if (taken.load(std::memory_order_relaxed) == step &&
            taken.compare_exchange_strong(before, step + 1, std::memory_order_relaxed)) {
          return group;
        }
      }
      return -1;
    }

    /// Says that a group of this step is done.
    void finish(int step) {
      if (finished_.fetch_add(1, std::memory_order_acq_rel) + 1 < groups_) return;
      finished_.store(0, std::memory_order_relaxed);
      done_.store(step + 1);
      done_.notify_all();
    }

    /// Returns when all groups of this step are done, of which none is left to be taken.
    void wait(int step) const { wait_for(done_, step + 1); }

   private:
    const int groups_;
    /// Steps that are done, and groups of the next one that are.
    std::atomic<int> done_{0};
    std::atomic<int> finished_{0};
    /// Per group the steps in which it was taken.
    std::atomic<int> taken_[2 * most_groups] = {};
  };
};

/// `in_place` says that the weights stand packed already.
template <class T>
Sharing choose_sharing(const RnnShape& shape, const Plan& plan, bool in_place);

}  // namespace cudnn4j
