#pragma once

#include "abi/cudart_abi.h"
#include "fault/call.hpp"
#include "runtime/context.hpp"

namespace cudnn4j {

/** Keeps an error for the thread's cudaGetLastError, and hands it on. */
cudaError_t remember(cudaError_t error);

/** Runs the body of a runtime function: counts it, or makes it fail, and remembers its error. */
struct RuntimeCall {
  CallSite& site;

  template <class Body>
  cudaError_t operator<<(Body&& body) const {
    use_primary_context();
    return remember(ApiCall<cudaError_t, cudaErrorMemoryAllocation>{site} << body);
  }
};

}  // namespace cudnn4j

/** The whole of an exported runtime function: CUDART_BODY { ...; return cudaSuccess; }; */
#define CUDART_BODY        \
  CUDNN4J_CALL_SITE(true); \
  return ::cudnn4j::RuntimeCall{cudnn4j_call_site} << [&]() -> cudaError_t
