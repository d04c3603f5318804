#include <array>
#include <mutex>
#include <span>
#include <string_view>

#include "abi/export.h"
#include "abi/host_device.h"
#include "fault/call.hpp"
#include "fault/live.hpp"

// Set by the linker around the section that CUDNN4J_CALL fills.
extern "C" {
extern cudnn4j::CallSite __start_cudnn4j_calls[] __attribute__((visibility("hidden")));
extern cudnn4j::CallSite __stop_cudnn4j_calls[] __attribute__((visibility("hidden")));
}

namespace cudnn4j {

namespace {

std::array<std::atomic<long long>, CUDNN4J_HOST_KIND_COUNT> live_counts;

std::span<CallSite> call_sites() { return {__start_cudnn4j_calls, __stop_cudnn4j_calls}; }

CallSite* find_call_site(std::string_view name) {
  for (CallSite& site : call_sites()) {
    if (name == site.name()) return &site;
  }
  return nullptr;
}

}  // namespace

void live_add(LiveCount kind, long long delta) {
  live_counts[static_cast<size_t>(kind)].fetch_add(delta, std::memory_order_relaxed);
}

long long live_count(LiveCount kind) {
  return live_counts[static_cast<size_t>(kind)].load(std::memory_order_relaxed);
}

/** The fault that is set, for one function or for whichever is called; a new one replaces it. */
class FaultPlan {
 public:
  static void set(const CallSite* site, long long k, int status, bool sticky) {
    const std::lock_guard lock(mutex_);
    site_ = site;
    calls_left_ = k;
    status_ = status;
    sticky_ = sticky;
    CallSite::fault_set.store(k > 0, std::memory_order_relaxed);
  }

  /** The status that a call has to return, 0 for none. */
  static int due(const CallSite& site) {
    const std::lock_guard lock(mutex_);
    const bool concerned = site_ == nullptr ? site.can_fail() : site_ == &site;
    if (!concerned || calls_left_ == 0 || --calls_left_ > 0) return 0;
    if (sticky_) {
      calls_left_ = 1;
    } else {
      CallSite::fault_set.store(false, std::memory_order_relaxed);
    }
    return status_;
  }

 private:
  static inline std::mutex mutex_;
  static inline const CallSite* site_ = nullptr;
  /** Counting the faulty call; 0 when there is no fault. */
  static inline long long calls_left_ = 0;
  static inline int status_ = 0;
  static inline bool sticky_ = false;
};

constinit std::atomic<bool> CallSite::fault_set{false};
constinit CallSite memory_site{"memory", false};

int CallSite::injected() const { return FaultPlan::due(*this); }

}  // namespace cudnn4j

using namespace cudnn4j;

CUDNN4J_API long long cudnn4jHostLive(int kind) {
  if (kind < 0 || kind >= CUDNN4J_HOST_KIND_COUNT) return -1;
  return live_count(static_cast<LiveCount>(kind));
}

CUDNN4J_API long long cudnn4jHostCalls(const char* function) {
  if (function != nullptr) {
    const CallSite* site = find_call_site(function);
    return site != nullptr ? site->count() : -1;
  }
  long long total = 0;
  for (const CallSite& site : call_sites()) total += site.count();
  return total;
}

CUDNN4J_API int cudnn4jHostFail(const char* function, long long k, int status, int sticky) {
  if (k < 0 || (k > 0 && status == 0)) return 1;
  const CallSite* site = nullptr;
  if (function != nullptr) {
    const bool memory = std::string_view(function) == memory_site.name();
    site = memory ? &memory_site : find_call_site(function);
    if (site == nullptr || !(memory || site->can_fail())) return 1;
  }
  FaultPlan::set(site, k, status, sticky != 0);
  return 0;
}
