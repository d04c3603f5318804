#include "runtime/event.hpp"

namespace cudnn4j {

HandleTable<Event>& events() {
  static HandleTable<Event>& table = *new HandleTable<Event>;
  return table;
}

cudaError_t Event::record(Stream& stream) {
  const std::lock_guard lock(device_lock());
  if (const auto& capture = stream.capture()) {
    if (!capture->valid()) return cudaErrorStreamCaptureInvalidated;
    captured_ = Captured{capture, capture->clock(stream)};
    return cudaSuccess;
  }
  const uint64_t recording = ++recording_;
  const cudaError_t error = stream.submit({}, [event = shared_from_this(), recording] {
    if (event->recording_ == recording) event->passed_ = Clock::now();
  });
  if (error != cudaSuccess) return error;
  captured_.reset();
  recorded_ = true;
  point_ = stream.here();
  return cudaSuccess;
}

cudaError_t Event::make_wait(Stream& stream) {
  const std::lock_guard lock(device_lock());
  const std::shared_ptr<Capture> into = stream.capture();
  if (captured_.has_value()) {
    Capture& from = *captured_->capture;
    if (!from.active()) return cudaErrorCapturedEvent;
    if (!from.valid()) return cudaErrorStreamCaptureInvalidated;
    if (into != nullptr && into.get() != &from) {
      into->invalidate();
      from.invalidate();
      return cudaErrorStreamCaptureMerge;
    }
    if (stream.kind() == Stream::Kind::Legacy) {
      from.invalidate();
      return cudaErrorStreamCaptureImplicit;
    }
    from.wait(stream, captured_->point);
    return cudaSuccess;
  }
  if (!recorded_) return cudaSuccess;
  if (into != nullptr) {
    into->invalidate();
    return cudaErrorStreamCaptureIsolation;
  }
  stream.wait_for(point_);
  return cudaSuccess;
}

cudaError_t Event::query() {
  const std::lock_guard lock(device_lock());
  if (const cudaError_t error = refuse_captured()) return error;
  return reached() ? take_task_error() : cudaErrorNotReady;
}

cudaError_t Event::synchronize() {
  const std::lock_guard lock(device_lock());
  if (const cudaError_t error = refuse_captured()) return error;
  point_.reach();
  return take_task_error();
}

cudaError_t Event::elapsed(Event& start, Event& end, float& milliseconds) {
  const std::lock_guard lock(device_lock());
  for (Event* event : {&start, &end}) {
    if (event->captured_.has_value()) return cudaErrorCapturedEvent;
    if (!event->timing_ || !event->recorded_) return cudaErrorInvalidResourceHandle;
  }
  if (!start.reached() || !end.reached()) return cudaErrorNotReady;
  const std::chrono::duration<float, std::milli> time = end.passed_ - start.passed_;
  milliseconds = time.count();
  return cudaSuccess;
}

cudaError_t Event::refuse_captured() {
  if (!captured_.has_value()) return cudaSuccess;
  captured_->capture->invalidate();
  return cudaErrorCapturedEvent;
}

}  // namespace cudnn4j
