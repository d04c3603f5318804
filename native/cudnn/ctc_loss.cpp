#include "cudnn/ctc_loss.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

constexpr double impossible = -std::numeric_limits<double>::infinity();
constexpr int blank = 0;
constexpr size_t cache_line = 64;

/** log(exp(a) + exp(b)) */
double log_add(double a, double b) {
  // Written so that a NaN, which is not below anything, comes out again.
  if (a < b) {
    std::swap(a, b);
  }
  return b == impossible ? a : a + std::log1p(std::exp(b - a));
}

/** States of an alignment: every label, with a blank before, between and behind. */
int64_t state_room(const CtcBatch& batch) {
  return 2 * int64_t{std::min(batch.max_labels, batch.time)} + 1;
}

/** Steps whose `arrived` is kept: all of them for the way back, else the last two. */
int64_t kept_steps(const CtcBatch& batch) { return batch.gradients != nullptr ? batch.time : 2; }

size_t bytes_per_sequence(const CtcBatch& batch) {
  const int64_t doubles =
      (kept_steps(batch) + 2) * state_room(batch) + batch.time + batch.symbols;
  const size_t bytes = static_cast<size_t>(doubles) * sizeof(double);
  return (bytes + cache_line - 1) / cache_line * cache_line;
}

/** One sequence of a batch that is known to have an alignment. All probabilities are logarithms. */
class Sequence {
 public:
  Sequence(const CtcBatch& batch, int index, const int* labels, int label_count)
      : batch_(batch),
        index_(index),
        labels_(labels),
        states_(2 * label_count + 1),
        steps_(batch.input_lengths[index]),
        arrived_(reinterpret_cast<double*>(static_cast<char*>(batch.workspace) +
                                           index * bytes_per_sequence(batch))),
        row_a_(arrived_ + kept_steps(batch) * state_room(batch)),
        row_b_(row_a_ + state_room(batch)),
        normalizer_(row_b_ + state_room(batch)),
        occupied_(normalizer_ + batch.time) {}

  /** Returns the probability of the labels. */
  double forward() {
    for (int t = 0; t < steps_; ++t) {
      normalizer_[t] = normalizer(t);
      const double* before = t > 0 ? arrived(t - 1) : nullptr;
      double* now = arrived(t);
      for (int s = 0; s < states_; ++s) {
        if (t == 0) {
          now[s] = s < 2 ? 0 : impossible;
          continue;
        }
        double sum = before[s] + emission(t - 1, s);
        for (int skip = 1; skip <= (skippable(s) ? 2 : 1) && skip <= s; ++skip) {
          sum = log_add(sum, before[s - skip] + emission(t - 1, s - skip));
        }
        now[s] = sum;
      }
    }
    const double* last = arrived(steps_ - 1);
    double total = last[states_ - 1] + emission(steps_ - 1, states_ - 1);
    if (states_ > 1) {
      total = log_add(total, last[states_ - 2] + emission(steps_ - 1, states_ - 2));
    }
    return total;
  }

  /** Writes the gradients after `forward`, which returned `total`. */
  void backward(double total) {
    // left[s]: the rest of the labels from state s, whose own emission is not in it.
    double* left = row_a_;
    double* left_after = row_b_;
    for (int t = steps_ - 1; t >= 0; --t) {
      std::swap(left, left_after);
      for (int s = 0; s < states_; ++s) {
        if (t == steps_ - 1) {
          left[s] = s >= states_ - 2 ? 0 : impossible;
          continue;
        }
        double sum = left_after[s] + emission(t + 1, s);
        for (int skip = 1; skip <= 2 && s + skip < states_; ++skip) {
          if (skip == 1 || skippable(s + skip)) {
            sum = log_add(sum, left_after[s + skip] + emission(t + 1, s + skip));
          }
        }
        left[s] = sum;
      }
      write_step(t, left, total);
    }
  }

  void write_zeros(int steps) {
    for (int t = 0; t < steps; ++t) {
      for (int k = 0; k < batch_.symbols; ++k) {
        gradient(t, k) = 0;
      }
    }
  }

 private:
  int symbol(int state) const { return state % 2 == 0 ? blank : labels_[state / 2]; }

  /** Whether the state can be entered from two before: over a blank, from another label. */
  bool skippable(int state) const {
    return state >= 2 && state % 2 == 1 && symbol(state) != symbol(state - 2);
  }

  double* arrived(int t) { return arrived_ + t % kept_steps(batch_) * state_room(batch_); }

  double input(int t, int k) const {
    const auto& at = batch_.input_strides;
    return batch_.input[t * at.time + index_ * at.sequence + k * at.symbol];
  }

  float& gradient(int t, int k) {
    const auto& at = batch_.gradient_strides;
    return batch_.gradients[t * at.time + index_ * at.sequence + k * at.symbol];
  }

  double normalizer(int t) const {
    if (!batch_.softmax) {
      return 0;
    }
    double high = impossible;
    for (int k = 0; k < batch_.symbols; ++k) {
      high = std::max(high, input(t, k));
    }
    double sum = 0;
    for (int k = 0; k < batch_.symbols; ++k) {
      sum += std::exp(input(t, k) - high);
    }
    return high + std::log(sum);
  }

  double emission(int t, int state) const {
    const double value = input(t, symbol(state));
    return batch_.softmax ? value - normalizer_[t] : std::log(value);
  }

  void write_step(int t, const double* left, double total) {
    std::fill(occupied_, occupied_ + batch_.symbols, 0.0);
    const double* now = arrived(t);
    for (int s = 0; s < states_; ++s) {
      occupied_[symbol(s)] += std::exp(now[s] + left[s] - total + emission(t, s));
    }
    for (int k = 0; k < batch_.symbols; ++k) {
      gradient(t, k) = static_cast<float>(
          batch_.softmax ? std::exp(input(t, k) - normalizer_[t]) - occupied_[k]
                         : unnormalized_gradient(input(t, k), occupied_[k]));
    }
  }

  /** As cuDNN has it: a symbol that no alignment takes gets its probability, where 0 is right. */
  static double unnormalized_gradient(double probability, double occupied) {
    return occupied == 0 ? probability : -occupied / probability;
  }

  const CtcBatch& batch_;
  const int64_t index_;
  const int* labels_;
  const int states_;
  const int steps_;
  /** For each kept step, the probability of all ways into a state, before it emits. */
  double* const arrived_;
  double* const row_a_;
  double* const row_b_;
  double* const normalizer_;
  double* const occupied_;
};

bool in_range(const CtcBatch& batch, int steps) { return steps >= 1 && steps <= batch.time; }

/** The steps of the longest sequence, of those whose number of steps can be one. */
int longest(const CtcBatch& batch) {
  int most = 0;
  for (int n = 0; n < batch.sequences; ++n) {
    const int steps = batch.input_lengths[n];
    most = in_range(batch, steps) ? std::max(most, steps) : most;
  }
  return most;
}

bool labels_in_range(const CtcBatch& batch, const int* labels, int count) {
  return std::all_of(labels, labels + count,
                     [&](int label) { return label > blank && label < batch.symbols; });
}

void compute(const CtcBatch& batch, int index, int64_t label_count) {
  int64_t first = 0;
  bool valid = true;
  for (int before = 0; before <= index && valid; ++before) {
    const int length = batch.label_lengths[before];
    valid = length >= 0 && length <= batch.max_labels && first + length <= label_count;
    first += valid && before < index ? length : 0;
  }
  const int count = batch.label_lengths[index];
  const int* labels = batch.labels + first;
  const int steps = batch.input_lengths[index];
  valid = valid && in_range(batch, steps) && labels_in_range(batch, labels, count);

  double total = impossible;
  if (valid && ctc_needed_steps(labels, count) <= steps) {
    Sequence sequence(batch, index, labels, count);
    total = sequence.forward();
    batch.costs[index] = static_cast<float>(-total);
    if (batch.gradients != nullptr && total != impossible) {
      return sequence.backward(total);
    }
  } else {
    batch.costs[index] = valid ? 0 : std::numeric_limits<float>::quiet_NaN();
  }
  if (batch.gradients != nullptr && batch.zeroes_unaligned) {
    // cuDNN, too, goes on behind the sequence.
    Sequence(batch, index, labels, 0).write_zeros(longest(batch));
  }
}

}  // namespace

size_t ctc_workspace_bytes(const CtcBatch& batch) {
  return static_cast<size_t>(batch.sequences) * bytes_per_sequence(batch);
}

int ctc_needed_steps(const int* labels, int count) {
  int steps = count;
  for (int i = 1; i < count; ++i) {
    steps += labels[i] == labels[i - 1] ? 1 : 0;
  }
  return steps;
}

void ctc_loss(const CtcBatch& batch, int64_t label_count) {
  parallel_for(batch.sequences, [&](int index) { compute(batch, index, label_count); });
}

}  // namespace cudnn4j
