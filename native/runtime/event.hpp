#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "abi/cudart_abi.h"
#include "fault/live.hpp"
#include "runtime/capture.hpp"
#include "runtime/handles.hpp"
#include "runtime/stream.hpp"

namespace cudnn4j {

/** A mark in a stream, and the time at which the stream passed it. */
class Event : public std::enable_shared_from_this<Event> {
 public:
  explicit Event(bool timing) : timing_(timing) {}

  cudaError_t record(Stream& stream);

  /** Makes what the stream gets from now on wait for the mark; inside a capture, joins it. */
  cudaError_t make_wait(Stream& stream);

  cudaError_t query();
  cudaError_t synchronize();

  static cudaError_t elapsed(Event& start, Event& end, float& milliseconds);

 private:
  using Clock = std::chrono::steady_clock;

  /** A mark in a capture, which no clock ever passes. */
  struct Captured {
    std::shared_ptr<Capture> capture;
    Capture::Clock point;
  };

  cudaError_t refuse_captured();
  bool reached() const { return point_.reached(); }

  const bool timing_;
  bool recorded_ = false;
  /** Tells the latest recording from one that is still in another stream's queue. */
  uint64_t recording_ = 0;
  StreamPoint point_;
  Clock::time_point passed_;
  std::optional<Captured> captured_;
  LiveToken<LiveCount::Events> token_;
};

HandleTable<Event>& events();

}  // namespace cudnn4j
