#include "runtime/capture.hpp"

#include <algorithm>
#include <atomic>

namespace cudnn4j {

namespace {

/** The captures in progress, under the device's lock. */
std::vector<Capture*>& captures() {
  static std::vector<Capture*>& list = *new std::vector<Capture*>;
  return list;
}

/** Their number, so that a call outside of any capture takes no lock. */
std::atomic<int> capture_count{0};

template <class Concerned>
cudaError_t invalidate_if(cudaError_t error, Concerned concerned) {
  if (capture_count.load(std::memory_order_relaxed) == 0) return cudaSuccess;
  const std::lock_guard lock(device_lock());
  bool any = false;
  for (Capture* capture : captures()) {
    if (!concerned(*capture)) continue;
    capture->invalidate();
    any = true;
  }
  return any ? error : cudaSuccess;
}

}  // namespace

Capture::Capture(Stream& origin, cudaStreamCaptureMode mode)
    : mode_(mode), members_{origin.shared_from_this()}, clocks_{Clock(1)} {
  captures().push_back(this);
  capture_count.fetch_add(1, std::memory_order_relaxed);
}

Capture::~Capture() {
  if (active_) {
    std::erase(captures(), this);
    capture_count.fetch_sub(1, std::memory_order_relaxed);
  }
}

cudaError_t Capture::record(const Stream& stream, std::shared_ptr<const Task> task) {
  if (!valid_) return cudaErrorStreamCaptureInvalidated;
  nodes_->add(std::move(task));
  const size_t member = stream.capture_member();
  ++clocks_[member][member];
  return cudaSuccess;
}

void Capture::wait(Stream& stream, const Clock& point) {
  if (stream.capture() == nullptr) {
    members_.push_back(stream.shared_from_this());
    for (Clock& clock : clocks_) clock.resize(members_.size());
    clocks_.emplace_back(members_.size());
    stream.set_capture(shared_from_this(), members_.size() - 1);
  }
  Clock& clock = clocks_[stream.capture_member()];
  for (size_t i = 0; i < point.size(); ++i) clock[i] = std::max(clock[i], point[i]);
}

cudaError_t Capture::end(Stream& stream, std::shared_ptr<const GraphNodes>* nodes) {
  if (stream.capture_member() != 0) {
    invalidate();
    return cudaErrorStreamCaptureUnmatched;
  }
  if (mode_ != cudaStreamCaptureModeRelaxed && std::this_thread::get_id() != thread_) {
    return cudaErrorStreamCaptureWrongThread;
  }
  const std::shared_ptr<Capture> keep = shared_from_this();
  const bool all_joined = joined();
  let_go();
  if (!valid_) return cudaErrorStreamCaptureInvalidated;
  if (!all_joined) return cudaErrorStreamCaptureUnjoined;
  *nodes = nodes_;
  return cudaSuccess;
}

void Capture::lose(const Stream& stream) {
  invalidate();
  if (stream.capture_member() == 0) let_go();
}

void Capture::let_go() {
  active_ = false;
  std::erase(captures(), this);
  capture_count.fetch_sub(1, std::memory_order_relaxed);
  for (const auto& member : members_) member->set_capture(nullptr, 0);
  members_.clear();
}

bool Capture::joined() const {
  for (size_t member = 1; member < members_.size(); ++member) {
    if (clocks_[0][member] < clocks_[member][member]) return false;
  }
  return true;
}

bool Capture::refuses_unsafe_calls() const {
  if (mode_ == cudaStreamCaptureModeRelaxed) return false;
  return mode_ == cudaStreamCaptureModeGlobal || std::this_thread::get_id() == thread_;
}

bool Capture::has_blocking_stream() const {
  return std::any_of(members_.begin(), members_.end(), [](const auto& member) {
    return member->kind() == Stream::Kind::Blocking;
  });
}

cudaError_t refuse_if_unsafe() {
  return invalidate_if(cudaErrorStreamCaptureUnsupported,
                       [](const Capture& capture) { return capture.refuses_unsafe_calls(); });
}

cudaError_t refuse_legacy_work() {
  return invalidate_if(cudaErrorStreamCaptureImplicit,
                       [](const Capture& capture) { return capture.has_blocking_stream(); });
}

cudaError_t refuse_device_wait() {
  return invalidate_if(cudaErrorStreamCaptureUnsupported, [](const Capture&) { return true; });
}

}  // namespace cudnn4j
