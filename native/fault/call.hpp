#pragma once

#include <atomic>
#include <new>

namespace cudnn4j {

/**
 * The counter of one exported function. The objects of all functions lie side by side in one
 * section of the library, so that every function is known by name before it is first called.
 */
class alignas(64) CallSite {
 public:
  constexpr CallSite(const char* name, bool can_fail) : name_(name), can_fail_(can_fail) {}

  /** Counts a call; returns the status that this call has to return at once, 0 for none. */
  int enter() {
    count_.fetch_add(1, std::memory_order_relaxed);
    return fault_set.load(std::memory_order_relaxed) ? injected() : 0;
  }

  /** The same for what is not a call: counts nothing, and can only fail. */
  bool fails() const { return fault_set.load(std::memory_order_relaxed) && injected() != 0; }

  const char* name() const { return name_; }
  bool can_fail() const { return can_fail_; }
  long long count() const { return count_.load(std::memory_order_relaxed); }

 private:
  int injected() const;

  /** Whether a fault is set, so that a call without one pays a single load. */
  static std::atomic<bool> fault_set;
  friend class FaultPlan;

  const char* name_;
  std::atomic<long long> count_{0};
  bool can_fail_;
};

// The linker lays the section's objects out as an array only if their size is their alignment.
static_assert(sizeof(CallSite) == 64);

/**
 * The memory that the device reserves for itself, not that of cudaMalloc and cudaHostAlloc: a fault
 * under the name "memory" makes a reservation fail, whatever the status. It is no function, so a
 * fault for any call passes it by.
 */
extern CallSite memory_site;

/** Runs the body of an exported function: counts it or makes it fail, and lets no exception out. */
template <class Status, Status out_of_memory>
struct ApiCall {
  CallSite& site;

  template <class Body>
  Status operator<<(Body&& body) const {
    if (const int fault = site.enter()) return static_cast<Status>(fault);
    try {
      return body();
    } catch (const std::bad_alloc&) {
      return out_of_memory;
    }
  }
};

}  // namespace cudnn4j

#define CUDNN4J_CALL_SITE(can_fail)                                                     \
  [[gnu::section("cudnn4j_calls"), gnu::used]] static constinit ::cudnn4j::CallSite     \
      cudnn4j_call_site(__func__, can_fail)

/** First line of an exported function that returns a status: counts the call, or makes it fail. */
#define CUDNN4J_CALL(Status)                                 \
  CUDNN4J_CALL_SITE(true);                                   \
  if (const int cudnn4j_fault = cudnn4j_call_site.enter()) { \
    return static_cast<Status>(cudnn4j_fault);               \
  }                                                          \
  static_assert(true)

/** First line of an exported function that returns something else, and so cannot fail. */
#define CUDNN4J_COUNT()    \
  CUDNN4J_CALL_SITE(false); \
  cudnn4j_call_site.enter()
