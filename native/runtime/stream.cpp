#include "runtime/stream.hpp"

#include <atomic>

#include "fault/live.hpp"
#include "runtime/capture.hpp"
#include "runtime/handles.hpp"

namespace cudnn4j {

namespace {

std::atomic<Mode> mode{Mode::Eager};
std::atomic<cudaError_t> task_error{cudaSuccess};

// Never destroyed: other threads may still call while the process ends.
HandleTable<Stream>& created_streams() {
  static HandleTable<Stream>& table = *new HandleTable<Stream>;
  return table;
}

const std::shared_ptr<Stream>& default_stream() {
  static const auto& stream =
      *new std::shared_ptr<Stream>(std::make_shared<Stream>(Stream::Kind::Legacy));
  return stream;
}

void run(const Task& task) {
  try {
    task.run();
  } catch (const std::bad_alloc&) {
    report_task_error(cudaErrorMemoryAllocation);
  }
}

bool names_default_stream(const void* handle) {
  return reinterpret_cast<uintptr_t>(handle) <= 2;
}

}  // namespace

Mode device_mode() { return mode.load(std::memory_order_relaxed); }

void set_device_mode(Mode wanted) {
  const std::lock_guard lock(device_lock());
  run_all();
  mode.store(wanted, std::memory_order_relaxed);
}

std::recursive_mutex& device_lock() {
  static std::recursive_mutex& mutex = *new std::recursive_mutex;
  return mutex;
}

bool StreamPoint::reached() const { return stream == nullptr || stream->reached(position); }

void StreamPoint::reach() const {
  if (stream != nullptr) stream->run_until(position);
}

bool Stream::capturing() const {
  const std::lock_guard lock(device_lock());
  return capture_ != nullptr;
}

bool Stream::runs_at_once() {
  if (capture_ != nullptr || device_mode() == Mode::Lazy) return false;
  // In eager mode a queue holds something only if a task hands over another.
  return idle() && (kind_ != Kind::Legacy || refuse_legacy_work() == cudaSuccess);
}

cudaError_t Stream::take(std::shared_ptr<const Task> task) {
  if (capture_ != nullptr) return capture_->record(*this, std::move(task));
  if (kind_ == Kind::Legacy) {
    if (const cudaError_t error = refuse_legacy_work()) return error;
  }
  wait_for_implicit();
  queue_.push_back({std::move(task), {}});
  ++submitted_;
  if (device_mode() == Mode::Eager) run_queue();
  return cudaSuccess;
}

void Stream::wait_for(const StreamPoint& point) {
  if (point.reached() || point.stream.get() == this) return;
  wait_for_implicit();
  queue_.push_back({nullptr, point});
  ++submitted_;
}

void Stream::wait_for_implicit() {
  const auto wait = [this](Stream& other) {
    if (other.idle()) return;
    queue_.push_back({nullptr, other.here()});
    ++submitted_;
  };
  if (kind_ == Kind::Blocking) wait(*default_stream());
  if (kind_ != Kind::Legacy) return;
  for (const auto& other : created_streams().all()) {
    if (other->kind() == Kind::Blocking) wait(*other);
  }
}

void Stream::run_until(uint64_t position) {
  while (completed_ < position) {
    // A loop: streams that wait for each other may be more than a thread's stack has room for.
    Stream* next = this;
    while (Stream* other = next->blocked_by()) next = other;
    next->run_next();
  }
}

Stream* Stream::blocked_by() const {
  const StreamPoint& point = queue_.front().point;
  return point.reached() ? nullptr : point.stream.get();
}

void Stream::run_next() {
  const Entry entry = std::move(queue_.front());
  queue_.pop_front();
  if (entry.task != nullptr) run(*entry.task);
  ++completed_;
}

cudaError_t Stream::synchronize() {
  const std::lock_guard lock(device_lock());
  if (capture_ != nullptr) {
    capture_->invalidate();
    return cudaErrorStreamCaptureUnsupported;
  }
  if (kind_ == Kind::Legacy) {
    if (const cudaError_t error = refuse_legacy_work()) return error;
    try {
      wait_for_implicit();
    } catch (const std::bad_alloc&) {
      return cudaErrorMemoryAllocation;
    }
  }
  run_queue();
  return take_task_error();
}

Stream* find_stream(const void* handle) {
  return names_default_stream(handle) ? default_stream().get() : created_streams().find(handle);
}

Stream* create_stream(Stream::Kind kind) {
  Stream* stream = created_streams().add(std::make_shared<Stream>(kind));
  live_add(LiveCount::Streams, 1);
  return stream;
}

bool destroy_stream(const void* handle) {
  const std::lock_guard lock(device_lock());
  const std::shared_ptr<Stream> stream = created_streams().remove(handle);
  if (stream == nullptr) return false;
  live_add(LiveCount::Streams, -1);
  if (const std::shared_ptr<Capture> capture = stream->capture()) capture->lose(*stream);
  stream->run_queue();
  return true;
}

void run_all() {
  const std::lock_guard lock(device_lock());
  const auto waiting = [](const Stream& stream) { return stream.waiting(); };
  while (const auto stream = created_streams().find_if(waiting)) stream->run_queue();
  default_stream()->run_queue();
}

cudaError_t synchronize_all() {
  const std::lock_guard lock(device_lock());
  if (const cudaError_t error = refuse_device_wait()) return error;
  run_all();
  return take_task_error();
}

void report_task_error(cudaError_t error) {
  cudaError_t none = cudaSuccess;
  task_error.compare_exchange_strong(none, error);
}

cudaError_t take_task_error() { return task_error.exchange(cudaSuccess); }

}  // namespace cudnn4j
