#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "abi/cudart_abi.h"
#include "abi/host_device.h"
#include "runtime/memory.hpp"

namespace cudnn4j {

class Capture;

/** When work is done that a stream takes: the values of cudnn4jHostMode. */
enum class Mode { Eager = CUDNN4J_HOST_EAGER, Lazy = CUDNN4J_HOST_LAZY };

Mode device_mode();
/** Finishes what is queued, then changes the mode. */
void set_device_mode(Mode mode);

/**
 * The lock under which streams, events and graphs change and tasks run: the device does one task at
 * a time, which the thread pool divides. Recursive, because a task may hand over others.
 */
std::recursive_mutex& device_lock();

/** Work that outlives the call that brought it: in a queue or in a graph. */
class Task {
 public:
  explicit Task(std::span<const Range> ranges) : ranges_(ranges.begin(), ranges.end()) {}
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /** May throw std::bad_alloc. */
  virtual void run() const = 0;

  /** The memory that the work touches. */
  std::span<const Range> ranges() const { return ranges_; }

 private:
  std::vector<Range> ranges_;
};

/** A point in a stream's queue, which `position` tasks have come before. */
struct StreamPoint {
  std::shared_ptr<class Stream> stream;
  uint64_t position = 0;

  bool reached() const;
  void reach() const;
};

/**
 * A queue of work in order. What happens to work that is submitted: in eager mode it runs at once,
 * in lazy mode it waits until something synchronizes, and while the stream captures it becomes a
 * node of a graph and does not run.
 */
class Stream : public std::enable_shared_from_this<Stream> {
 public:
  enum class Kind { Legacy, Blocking, NonBlocking };

  explicit Stream(Kind kind) : kind_(kind) {}

  /**
   * Hands work over. `work` is callable as const, copyable, may throw nothing but std::bad_alloc,
   * and holds by value what it needs after the call, whose arguments may be gone when it runs; in
   * eager mode it is called where it stands and nothing is allocated. `ranges` names the memory that
   * the work touches: the caller has checked it, and every replay of a graph checks it again.
   *
   * Returns an error only for a capture that is invalid, or that the work makes invalid, and when
   * the machine has no memory for the queue, the work being dropped then, or for work that runs at
   * once. Work that runs out of memory later reports it to whoever synchronizes. In either case
   * what it was to write is undefined.
   */
  template <class Work>
  cudaError_t submit(std::span<const Range> ranges, Work&& work) {
    const std::lock_guard lock(device_lock());
    try {
      if (runs_at_once()) {
        work();
        return cudaSuccess;
      }
      return take(std::make_shared<const Held<std::decay_t<Work>>>(ranges,
                                                                   std::forward<Work>(work)));
    } catch (const std::bad_alloc&) {
      return cudaErrorMemoryAllocation;
    }
  }

  template <class Work>
  cudaError_t submit(std::initializer_list<Range> ranges, Work&& work) {
    return submit(std::span<const Range>(ranges.begin(), ranges.size()),
                  std::forward<Work>(work));
  }

  Kind kind() const { return kind_; }
  bool capturing() const;

  /** Runs what was submitted; returns, and forgets, an error of a task. Refused while capturing. */
  cudaError_t synchronize();

  /** Whether all submitted work has run. */
  bool idle() const { return reached(submitted_); }
  bool reached(uint64_t position) const { return completed_ >= position; }

  /** The point after everything submitted so far. */
  StreamPoint here() { return {shared_from_this(), submitted_}; }

  /** Makes what is submitted from now on wait for a point of another stream. */
  void wait_for(const StreamPoint& point);

  /** Runs the queue up to a position; reserves no memory, except what the work itself needs. */
  void run_until(uint64_t position);

  /** Whether the queue holds something, and running it whole. */
  bool waiting() const { return !queue_.empty(); }
  void run_queue() { run_until(submitted_); }

  /** What this stream records into; null when it does not capture. */
  const std::shared_ptr<Capture>& capture() const { return capture_; }
  size_t capture_member() const { return capture_member_; }
  void set_capture(std::shared_ptr<Capture> capture, size_t member) {
    capture_ = std::move(capture);
    capture_member_ = member;
  }

 private:
  template <class Work>
  class Held final : public Task {
   public:
    template <class W>
    Held(std::span<const Range> ranges, W&& work) : Task(ranges), work_(std::forward<W>(work)) {}
    void run() const override { work_(); }

   private:
    Work work_;
  };

  /** A task, or a point of another stream to be reached first. */
  struct Entry {
    std::shared_ptr<const Task> task;
    StreamPoint point;
  };

  /** The stream that must do more before this one's next entry can run, if any. */
  Stream* blocked_by() const;
  void run_next();

  bool runs_at_once();
  cudaError_t take(std::shared_ptr<const Task> task);
  void wait_for_implicit();

  const Kind kind_;
  std::deque<Entry> queue_;
  uint64_t submitted_ = 0;
  uint64_t completed_ = 0;
  std::shared_ptr<Capture> capture_;
  size_t capture_member_ = 0;
};

/** The stream behind a handle: null, 1 and 2 name the default stream; nullptr if there is none. */
Stream* find_stream(const void* handle);

Stream* create_stream(Stream::Kind kind);
/** Finishes the stream's work and ends it; false when nothing was created under the handle. */
bool destroy_stream(const void* handle);

/**
 * Runs everything submitted to any stream, whatever is being captured. Reserves no memory, so that
 * what is freed or destroyed after it can be when there is none.
 */
void run_all();

/** The same for one who waits: returns, and forgets, a task's error; refused in a capture. */
cudaError_t synchronize_all();

/** Keeps the error of a task that fails when it runs, for the next synchronization to return. */
void report_task_error(cudaError_t error);
cudaError_t take_task_error();

}  // namespace cudnn4j
