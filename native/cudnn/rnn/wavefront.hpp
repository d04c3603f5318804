#pragma once

#include <atomic>
#include <new>

#include "cudnn/rnn/sharing.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {

/// Whether a network's layers may be at work at the same time, each then having a workspace of its
/// own. What workspaces are asked for depends on this, so the number of threads does not count.
template <class T>
bool may_overlap(const RnnShape& shape, const Plan& plan);

/// How the layers follow one another through time.
///
/// Normally a layer starts when the one before it is done. With few rows, whose steps are too small
/// to be shared out among threads without loss, each layer has a thread instead and follows the one
/// before it at a distance of one part of the time. The bits of the result are the same.
class Wavefront {
 public:
  /// `done` has room for a number per layer.
  Wavefront(const RnnShape& shape, const Plan& plan, int parts, std::atomic<int>* done)
      : layers_(shape.layers), time_(plan.time()), parts_(parts), done_(done) {}

  /// Whether layers overlap; if not, a layer's work may be shared out among the threads.
  bool overlaps() const { return parts_ > 1; }

  /// In how many parts a layer does its steps.
  int parts() const { return parts_; }

  /// Calls f(place) for all layers, the first in the order of the pass having place 0.
  template <class F>
  void run(F&& f) const {
    for (int place = 0; place < layers_; ++place) new (done_ + place) std::atomic<int>(0);
    if (overlaps()) return parallel_for(layers_, f);
    for (int place = 0; place < layers_; ++place) f(place);
  }

  /// Calls f(first, end) for consecutive steps of one layer, once the layer before has done them.
  /// That layer's task began earlier and waits for none that begins later, so it will get there
  /// even where parallel_for has one thread only.
  template <class F>
  void follow(int place, F&& f) const {
    for (int part = 0; part < parts_; ++part) {
      const int first = static_cast<int>(int64_t{time_} * part / parts_);
      const int end = static_cast<int>(int64_t{time_} * (part + 1) / parts_);
      if (place > 0) wait_for(done_[place - 1], end);
      f(first, end);
      done_[place].store(end);
      if (overlaps()) done_[place].notify_all();
    }
  }

 private:
  int layers_;
  int time_;
  int parts_;
  /// Per place the steps done.
  std::atomic<int>* done_;
};

/// Parts of the time for `Wavefront`; 1 where layers had better not overlap, but share out their
/// work as `sharing` says.
template <class T>
int choose_parts(const RnnShape& shape, const Plan& plan, const Sharing& sharing);

}  // namespace cudnn4j
