#include <mutex>

#include "abi/export.h"
#include "abi/host_device.h"
#include "runtime/memory.hpp"
#include "runtime/pool.hpp"
#include "runtime/stream.hpp"

using namespace cudnn4j;

CUDNN4J_API int cudnn4jHostVersion(void) { return 100; }

CUDNN4J_API int cudnn4jHostSetMode(int mode) {
  if (mode != CUDNN4J_HOST_EAGER && mode != CUDNN4J_HOST_LAZY) return 1;
  set_device_mode(static_cast<Mode>(mode));
  return 0;
}

CUDNN4J_API int cudnn4jHostGetMode(void) { return static_cast<int>(device_mode()); }

CUDNN4J_API int cudnn4jHostSetThreads(int threads) { return set_pool_threads(threads) ? 0 : 1; }

CUDNN4J_API int cudnn4jHostGetThreads(void) { return pool_threads(); }

CUDNN4J_API int cudnn4jHostSetReadOnly(const void* address) {
  const std::lock_guard lock(device_lock());
  run_all();
  return set_read_only(address) ? 0 : 1;
}
