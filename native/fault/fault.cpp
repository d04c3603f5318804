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

void live_add(Live kind, long long delta) {
  live_counts[static_cast<size_t>(kind)].fetch_add(delta, std::memory_order_relaxed);
}

long long live_count(Live kind) {
  return live_counts[static_cast<size_t>(kind)].load(std::memory_order_relaxed);
}

/** The faults that are set: one for each function and one for whichever function is called. */
class FaultTable {
 public:
  static bool set(CallSite* site, long long k, int status, bool sticky) {
    const std::lock_guard lock(mutex_);
    CallSite& target = site != nullptr ? *site : anyone_;
    target.calls_to_fault_ = k;
    target.status_ = status;
    target.sticky_ = sticky;
    refresh();
    return true;
  }

  static int due(CallSite& site) {
    const std::lock_guard lock(mutex_);
    if (!site.can_fail()) return 0;
    const int own = count_down(site);
    const int shared = count_down(anyone_);
    if (own != 0 || shared != 0) refresh();
    return own != 0 ? own : shared;
  }

 private:
  static int count_down(CallSite& target) {
    if (target.calls_to_fault_ == 0 || --target.calls_to_fault_ > 0) return 0;
    if (target.sticky_) target.calls_to_fault_ = 1;
    return target.status_;
  }

  static void refresh() {
    bool any = anyone_.calls_to_fault_ > 0;
    for (const CallSite& site : call_sites()) any = any || site.calls_to_fault_ > 0;
    CallSite::any_fault.store(any, std::memory_order_relaxed);
  }

  static inline std::mutex mutex_;
  static inline constinit CallSite anyone_{nullptr, true};
};

constinit std::atomic<bool> CallSite::any_fault{false};

int CallSite::injected() { return FaultTable::due(*this); }

}  // namespace cudnn4j

using namespace cudnn4j;

CUDNN4J_API long long cudnn4jHostLive(int kind) {
  if (kind < 0 || kind >= CUDNN4J_HOST_KIND_COUNT) return -1;
  return live_count(static_cast<Live>(kind));
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
  CallSite* site = nullptr;
  if (function != nullptr) {
    site = find_call_site(function);
    if (site == nullptr || !site->can_fail()) return 1;
  }
  FaultTable::set(site, k, status, sticky != 0);
  return 0;
}
