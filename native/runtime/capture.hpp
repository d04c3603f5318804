#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "abi/cudart_abi.h"
#include "runtime/graph.hpp"
#include "runtime/stream.hpp"

namespace cudnn4j {

/**
 * The recording of a graph: what is submitted to its origin stream, and to every stream that waits
 * for an event recorded in the capture. All functions are called under the device's lock.
 *
 * Each member stream carries a clock: how many tasks of each member come before what it submits
 * next. The capture is joined when the origin's clock has seen every task.
 */
class Capture : public std::enable_shared_from_this<Capture> {
 public:
  using Clock = std::vector<size_t>;

  Capture(Stream& origin, cudaStreamCaptureMode mode);
  ~Capture();
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  cudaError_t record(const Stream& stream, std::shared_ptr<const Task> task);

  const Clock& clock(const Stream& stream) const { return clocks_[stream.capture_member()]; }

  /** Makes a stream, which joins the capture if it has not yet, wait for a point of it. */
  void wait(Stream& stream, const Clock& point);

  /** Ends the capture and lets its streams go. */
  cudaError_t end(Stream& stream, std::shared_ptr<const GraphNodes>* nodes);

  /** Takes note that a stream is destroyed: nothing can end a capture without its origin. */
  void lose(const Stream& stream);

  void invalidate() { valid_ = false; }
  bool valid() const { return valid_; }
  bool active() const { return active_; }

  /** Whether calls that may wait for the device are refused to the calling thread. */
  bool refuses_unsafe_calls() const;

  /** Whether one of the streams is ordered with the legacy default stream. */
  bool has_blocking_stream() const;

 private:
  bool joined() const;
  void let_go();

  const cudaStreamCaptureMode mode_;
  const std::thread::id thread_ = std::this_thread::get_id();
  bool valid_ = true;
  bool active_ = true;
  std::vector<std::shared_ptr<Stream>> members_;  // the origin first
  std::vector<Clock> clocks_;
  std::shared_ptr<GraphNodes> nodes_ = std::make_shared<GraphNodes>();
};

/**
 * For a call that a capture in progress forbids, such as an allocation: cudaSuccess, or the error
 * to return, the captures concerned being invalid from then on.
 */
cudaError_t refuse_if_unsafe();

/** The same for work in the legacy default stream, on which a capturing stream would depend. */
cudaError_t refuse_legacy_work();

/** The same for a call that waits for all streams. */
cudaError_t refuse_device_wait();

}  // namespace cudnn4j
