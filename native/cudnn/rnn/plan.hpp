#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "cudnn/rnn/engine.hpp"

namespace cudnn4j {

/// Cuts buffers out of one block; without a block it only adds up their sizes.
class Arena {
 public:
  explicit Arena(void* block) : block_(static_cast<char*>(block)) {}

  template <class T>
  T* take(int64_t elements) {
    char* at = block_ ? block_ + used_ : nullptr;
    used_ += (static_cast<size_t>(elements) * sizeof(T) + 63) / 64 * 64;
    return reinterpret_cast<T*>(at);
  }

  size_t used() const { return used_; }
  bool measuring() const { return !block_; }

 private:
  char* block_;
  size_t used_ = 0;
};

/// The order in which the tokens of a batch are computed.
///
/// Rows are sorted by descending length, so that the rows still alive at a time step are the first
/// ones, and the tokens of a step lie together: token = offset(t) + row. The work is thereby
/// proportional to the real tokens. When the caller's buffers have this order already they are
/// used as they are.
class Plan {
 public:
  Plan(const Batch& batch, Arena& arena);

  int time() const { return time_; }
  int64_t batch() const { return batch_; }
  int64_t tokens() const { return tokens_; }
  /// Whether x, y, dx, dy are in the plan's order.
  bool direct() const { return direct_; }
  int64_t active(int t) const { return active_[t]; }
  int64_t offset(int t) const { return offset_[t]; }
  /// The time step that a token belongs to.
  int step_of(int64_t token) const {
    return static_cast<int>(std::upper_bound(offset_, offset_ + time_, token) - offset_) - 1;
  }
  int length(int64_t row) const { return source_.lengths[order_[row]]; }

  /// The rows [from, to) at one step that have the same kind of past.
  struct Span {
    int64_t row;
    int64_t rows;
    int64_t token;
    /// Token of the first row at the previous step, or -1 when the past is the initial state.
    int64_t before;
  };

  /// Calls f for the spans of the rows [from, to) at time t, in a direction (0 or 1).
  template <class F>
  void spans(int direction, int t, int64_t from, int64_t to, F&& f) const {
    const int64_t end = std::min(to, active(t));
    if (end <= from) return;
    const int previous = direction == 0 ? t - 1 : t + 1;
    const bool exists = previous >= 0 && previous < time_;
    const int64_t split = std::max(from, exists ? std::min(end, active(previous)) : 0);
    if (split > from) f(Span{from, split - from, offset(t) + from, offset(previous) + from});
    if (end > split) f(Span{split, end - split, offset(t) + split, -1});
  }

  /// First row of group `index` of `groups`: contiguous rows with nearly equal numbers of tokens.
  int64_t group_start(int index, int groups) const;

  /// Copies tokens of the caller's buffer into the plan's order, and back.
  template <class T>
  void gather(const T* caller, int64_t width, T* planned) const;
  template <class T>
  void scatter(const T* planned, int64_t width, T* caller) const;
  /// Writes the fill value, if there is one, to the padding of a caller's buffer.
  template <class T>
  void fill_padding(int64_t width, T* caller) const;
  /// Copies rows of a state into the plan's order, and back.
  template <class T>
  void gather_rows(const T* caller, int64_t width, T* planned) const;
  template <class T>
  void scatter_rows(const T* planned, int64_t width, T* caller) const;
  /// Writes the state after the last step of each row, in the caller's row order.
  template <class T>
  void final_rows(int direction, const T* steps, int64_t ld, const T* initial, int64_t width,
                  T* caller) const;

 private:
  int64_t caller_token(int t, int64_t row) const {
    return source_.layout == Layout::BatchMajor
               ? static_cast<int64_t>(order_[row]) * time_ + t
               : static_cast<int64_t>(t) * batch_ + order_[row];
  }

  const Batch& source_;
  int time_;
  int64_t batch_;
  int64_t tokens_;
  bool direct_;
  int* order_;
  int64_t* active_;
  int64_t* offset_;
};

}  // namespace cudnn4j
