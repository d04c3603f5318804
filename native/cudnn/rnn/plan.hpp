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
  /// `converts`: the caller's buffers have another element type than the computation.
  Plan(const Batch& batch, Arena& arena, bool converts);

  int time() const { return time_; }
  int64_t batch() const { return batch_; }
  int64_t tokens() const { return tokens_; }
  /// Whether x, y, dx, dy are in the plan's order and type.
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
  template <class S>
  void gather(const S* caller, int64_t width, Computed<S>* planned) const;
  template <class S>
  void scatter(const Computed<S>* planned, int64_t width, S* caller) const;
  /// Writes the fill value, if there is one, to the padding of a caller's buffer.
  template <class S>
  void fill_padding(int64_t width, S* caller) const;
  /// Copies rows of a state into the plan's order, and back.
  template <class S>
  void gather_rows(const S* caller, int64_t width, Computed<S>* planned) const;
  template <class S>
  void scatter_rows(const Computed<S>* planned, int64_t width, S* caller) const;
  /// Writes the state after the last step of each row, in the caller's row order.
  template <class S>
  void final_rows(int direction, const Computed<S>* steps, int64_t ld, const Computed<S>* initial,
                  int64_t width, S* caller) const;

  /// The caller's tokens in the plan's order and type: copied to `room` unless they are that already.
  template <class S>
  const Computed<S>* planned(const S* caller, int64_t width, Computed<S>* room) const {
    if (direct_) return in_place(caller);
    gather(caller, width, room);
    return room;
  }

  /// A caller's buffer as one to compute in; used where the plan is direct.
  template <class S>
  static auto in_place(S* caller) {
    if constexpr (is_narrow<S>) {
      return static_cast<std::conditional_t<std::is_const_v<S>, const Computed<S>, Computed<S>>*>(
          nullptr);
    } else {
      return caller;
    }
  }

 private:
  int64_t caller_token(int t, int64_t row) const {
    switch (source_.layout) {
      case Layout::Packed:
        return offset_[t] + row;
      case Layout::BatchMajor:
        return static_cast<int64_t>(order_[row]) * time_ + t;
      default:
        return static_cast<int64_t>(t) * batch_ + order_[row];
    }
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
