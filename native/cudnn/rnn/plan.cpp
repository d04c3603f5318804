#include "cudnn/rnn/plan.hpp"

#include <numeric>

#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// Whether the caller's tokens have the plan's order. Where that is so for full rows only, sizes are
/// measured as if it were not: as with cuDNN, spaces for full rows are enough for shorter ones.
bool same_order(const Batch& batch, int64_t tokens, bool measuring) {
  if (batch.layout == Layout::Packed || batch.batch == 1) return true;
  return batch.layout == Layout::TimeMajor && !measuring &&
         tokens == static_cast<int64_t>(batch.time) * batch.batch;
}

/// Copies every step's tokens on the pool, a few steps per task.
template <class F>
void for_steps(int time, int64_t elements, F&& f) {
  constexpr int64_t elements_per_task = 1 << 15;
  const int tasks = static_cast<int>(std::clamp<int64_t>(elements / elements_per_task, 1, time));
  parallel_for(tasks, [&](int i) {
    const int end = static_cast<int>(static_cast<int64_t>(time) * (i + 1) / tasks);
    for (int t = static_cast<int>(static_cast<int64_t>(time) * i / tasks); t < end; ++t) f(t);
  });
}

}  // namespace

Plan::Plan(const Batch& batch, Arena& arena, bool converts)
    : source_(batch),
      time_(batch.time),
      batch_(batch.batch),
      tokens_(std::accumulate(batch.lengths.begin(), batch.lengths.end(), int64_t{0})),
      direct_(!converts && same_order(batch, tokens_, arena.measuring())),
      order_(arena.take<int>(batch_)),
      active_(arena.take<int64_t>(time_ + 1)),
      offset_(arena.take<int64_t>(time_ + 1)) {
  if (arena.measuring()) return;
  // active_[t] first counts the rows of length t; from the longest down, that is a counting sort.
  std::fill(active_, active_ + time_ + 1, 0);
  for (int length : batch.lengths) ++active_[length];
  int64_t longer = 0;
  for (int t = time_; t >= 0; --t) {
    const int64_t of_length = active_[t];
    offset_[t] = longer;
    active_[t] = longer;
    longer += of_length;
  }
  for (int row = 0; row < batch_; ++row) order_[offset_[batch.lengths[row]]++] = row;
  int64_t token = 0;
  for (int t = 0; t <= time_; ++t) {
    offset_[t] = token;
    token += active_[t];
  }
}

int64_t Plan::group_start(int index, int groups) const {
  if (index == 0) return 0;
  if (index == groups) return batch_;
  const int64_t wanted = tokens_ * index / groups;
  int64_t row = 0;
  for (int64_t tokens = 0; row < batch_ && tokens < wanted; ++row) tokens += length(row);
  return row;
}

template <class S>
void Plan::gather(const S* caller, int64_t width, Computed<S>* planned) const {
  for_steps(time_, tokens_ * width, [&](int t) {
    for (int64_t row = 0; row < active(t); ++row) {
      convert(width, caller + caller_token(t, row) * width, planned + (offset(t) + row) * width);
    }
  });
}

template <class S>
void Plan::scatter(const Computed<S>* planned, int64_t width, S* caller) const {
  for_steps(time_, tokens_ * width, [&](int t) {
    for (int64_t row = 0; row < active(t); ++row) {
      convert(width, planned + (offset(t) + row) * width, caller + caller_token(t, row) * width);
    }
  });
}

template <class S>
void Plan::fill_padding(int64_t width, S* caller) const {
  if (!source_.has_fill || source_.layout == Layout::Packed || tokens_ == batch_ * time_) return;
  const S value(static_cast<Computed<S>>(source_.fill));
  for (int t = 0; t < time_; ++t) {
    for (int64_t row = active(t); row < batch_; ++row) {
      std::fill_n(caller + caller_token(t, row) * width, width, value);
    }
  }
}

template <class S>
void Plan::gather_rows(const S* caller, int64_t width, Computed<S>* planned) const {
  for (int64_t row = 0; row < batch_; ++row) {
    convert(width, caller + order_[row] * width, planned + row * width);
  }
}

template <class S>
void Plan::scatter_rows(const Computed<S>* planned, int64_t width, S* caller) const {
  for (int64_t row = 0; row < batch_; ++row) {
    convert(width, planned + row * width, caller + order_[row] * width);
  }
}

template <class S>
void Plan::final_rows(int direction, const Computed<S>* steps, int64_t ld,
                      const Computed<S>* initial, int64_t width, S* caller) const {
  for (int64_t row = 0; row < batch_; ++row) {
    S* out = caller + order_[row] * width;
    const int steps_of_row = length(row);
    if (steps_of_row > 0) {
      const int last = direction == 0 ? steps_of_row - 1 : 0;
      convert(width, steps + (offset(last) + row) * ld, out);
    } else if (initial) {
      convert(width, initial + row * width, out);
    } else {
      std::fill_n(out, width, S(Computed<S>(0)));
    }
  }
}

#define CUDNN4J_INSTANTIATE(S)                                                              \
  template void Plan::gather<S>(const S*, int64_t, Computed<S>*) const;                     \
  template void Plan::scatter<S>(const Computed<S>*, int64_t, S*) const;                    \
  template void Plan::fill_padding<S>(int64_t, S*) const;                                   \
  template void Plan::gather_rows<S>(const S*, int64_t, Computed<S>*) const;                \
  template void Plan::scatter_rows<S>(const Computed<S>*, int64_t, S*) const;               \
  template void Plan::final_rows<S>(int, const Computed<S>*, int64_t, const Computed<S>*, int64_t, \
                                    S*) const;
CUDNN4J_INSTANTIATE(float)
CUDNN4J_INSTANTIATE(double)
CUDNN4J_INSTANTIATE(Half)
CUDNN4J_INSTANTIATE(BFloat16)
#undef CUDNN4J_INSTANTIATE

}  // namespace cudnn4j
