#include "runtime/device.hpp"

#include "runtime/machine.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {

std::optional<int> device_attribute(cudaDeviceAttr attribute) {
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY:
      return 1024;
    case cudaDevAttrMaxBlockDimZ:
      return 64;
    case cudaDevAttrMaxGridDimX:
      return 2147483647;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ:
      return 65535;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      return 49152;
    case cudaDevAttrWarpSize:
      return 32;
    case cudaDevAttrMultiProcessorCount:
      // Programs size their grids by it, and a launch is divided by the size of its grid: large
      // enough to tell a large launch from a small one.
      return 32;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      return 2048;
    case cudaDevAttrIntegrated:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrCanMapHostMemory:
    case cudaDevAttrManagedMemory:
    case cudaDevAttrHostRegisterSupported:
    case cudaDevAttrMemoryPoolsSupported:
      return 1;
    case cudaDevAttrConcurrentKernels:
      return 0;
    case cudaDevAttrComputeCapabilityMajor:
      return 9;
    case cudaDevAttrComputeCapabilityMinor:
      return 0;
  }
  return std::nullopt;
}

std::string device_name() {
  const int threads = pool_threads();
  return "cudnn4j host device (" + std::to_string(threads) +
         (threads == 1 ? " thread, " : " threads, ") + machine_vectors() + ")";
}

}  // namespace cudnn4j
