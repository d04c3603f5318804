#pragma once

#include <new>

#include "abi/cudnn_abi.h"

namespace cudnn4j::cudnn {

/**
 * Thrown by the checks of an exported function and turned into its status by `answer`; it never
 * leaves the library.
 */
struct Refused {
  cudnnStatus_t status;
};

/** Stores the calling thread's text for cudnnGetLastErrorString. */
[[gnu::format(printf, 1, 2)]] void set_last_error(const char* format, ...) noexcept;

/** Stores a text likewise and throws Refused. */
template <class... Args>
[[noreturn]] void refuse(cudnnStatus_t status, const char* format, Args... args) {
  if constexpr (sizeof...(args) == 0) {
    set_last_error("%s", format);
  } else {
    set_last_error(format, args...);
  }
  throw Refused{status};
}

/**
 * Refuses with CUDNN_STATUS_BAD_PARAM unless the condition holds. The text names the argument,
 * its value and the limit.
 */
template <class... Args>
void require(bool condition, const char* format, Args... args) {
  if (!condition) [[unlikely]] {
    refuse(CUDNN_STATUS_BAD_PARAM, format, args...);
  }
}

/** Refuses with CUDNN_STATUS_NOT_SUPPORTED unless the condition holds. */
template <class... Args>
void require_supported(bool condition, const char* format, Args... args) {
  if (!condition) [[unlikely]] {
    refuse(CUDNN_STATUS_NOT_SUPPORTED, format, args...);
  }
}

/** Refuses a NULL argument. */
inline void require_pointer(const void* pointer, const char* name) {
  require(pointer != nullptr, "%s is NULL", name);
}

/** Refuses an enumeration's value outside [0, count). */
inline void require_enum(int value, int count, const char* name) {
  require(value >= 0 && value < count, "%s is %d, not in [0, %d)", name, value, count);
}

/** Runs the body of an exported function: its status is success unless a check refused. */
template <class Body>
cudnnStatus_t answer(Body&& body) noexcept {
  try {
    body();
    return CUDNN_STATUS_SUCCESS;
  } catch (const Refused& refused) {
    return refused.status;
  } catch (const std::bad_alloc&) {
    set_last_error("the host is out of memory");
    return CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED;
  } catch (...) {
    set_last_error("an unexpected error inside the host device");
    return CUDNN_STATUS_INTERNAL_ERROR;
  }
}

}  // namespace cudnn4j::cudnn
