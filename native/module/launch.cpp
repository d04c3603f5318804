#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "abi/cuda_abi.h"
#include "fault/call.hpp"
#include "fault/live.hpp"
#include "module/image.hpp"
#include "module/registry.hpp"
#include "runtime/context.hpp"
#include "runtime/device.hpp"
#include "runtime/handles.hpp"
#include "runtime/memory.hpp"
#include "runtime/pool.hpp"
#include "runtime/stream.hpp"

using namespace cudnn4j;

namespace {

/** A kernel as a module hands it out. */
struct Function {
  const Kernel* kernel;
};

struct Module {
  const EmbeddedKernel* file;
  std::map<const Kernel*, Function*> functions;
  LiveToken<LiveCount::Modules> token;
};

HandleTable<Module>& modules() {
  static HandleTable<Module>& table = *new HandleTable<Module>;
  return table;
}

HandleTable<Function>& functions() {
  static HandleTable<Function>& table = *new HandleTable<Function>;
  return table;
}

/** Guards the modules' lists of functions. */
std::mutex module_mutex;

/** A launch with its arguments, as it goes into a queue or a graph. */
struct Launch {
  const Kernel* kernel;
  int parts;
  KernelArguments arguments;

  void operator()() const {
    parallel_for(parts, [this](int part) {
      kernel_part = {part, parts};
      kernel->run(arguments);
      kernel_part = {0, 1};
    });
  }
};

/** The memory behind a launch's pointers, as far as the kernel says that it touches it. */
class Touched {
 public:
  explicit Touched(const Launch& launch) {
    const Kernel& kernel = *launch.kernel;
    std::array<long long, KernelArguments::most> elements;
    kernel.measure(launch.arguments, elements.data());
    for (size_t i = 0, pointer = 0; i < kernel.parameter_count; ++i) {
      const size_t size = kernel.parameters[i].element_bytes;
      if (size == 0) continue;
      const long long most = PTRDIFF_MAX / static_cast<long long>(size);
      const long long touched = std::min(elements[pointer++], most);
      if (touched <= 0) continue;
      ranges_[count_++] = {launch.arguments.get<const void*>(i), touched * size,
                           kernel.parameters[i].use};
    }
  }

  bool allocated() const {
    return std::ranges::all_of(ranges(), [](const Range& range) {
      return range.address != nullptr && reachable(range);
    });
  }

  std::span<const Range> ranges() const { return {ranges_.data(), count_}; }

 private:
  std::array<Range, KernelArguments::most> ranges_;
  size_t count_ = 0;
};

/** In how many pieces; a launch of few blocks is over before another thread has woken. */
int parts_for(unsigned long long blocks) {
  constexpr unsigned long long worth_sharing = 32;
  const int threads = pool_threads();
  if (threads == 1 || blocks < worth_sharing) return 1;
  return static_cast<int>(std::min<unsigned long long>(blocks, 4ULL * threads));
}

struct Extent {
  unsigned x, y, z;

  unsigned long long count() const { return static_cast<unsigned long long>(x) * y * z; }

  bool within(cudaDeviceAttr most_x, cudaDeviceAttr most_y, cudaDeviceAttr most_z) const {
    const auto fits = [](unsigned value, cudaDeviceAttr most) {
      return value >= 1 && value <= static_cast<unsigned>(device_attribute(most).value_or(0));
    };
    return fits(x, most_x) && fits(y, most_y) && fits(z, most_z);
  }
};

bool valid_geometry(Extent grid, Extent block, unsigned shared_bytes) {
  const auto most = [](cudaDeviceAttr attribute) {
    return static_cast<unsigned long long>(device_attribute(attribute).value_or(0));
  };
  return grid.within(cudaDevAttrMaxGridDimX, cudaDevAttrMaxGridDimY, cudaDevAttrMaxGridDimZ) &&
         block.within(cudaDevAttrMaxBlockDimX, cudaDevAttrMaxBlockDimY, cudaDevAttrMaxBlockDimZ) &&
         block.count() <= most(cudaDevAttrMaxThreadsPerBlock) &&
         shared_bytes <= most(cudaDevAttrMaxSharedMemoryPerBlock);
}

using DriverCall = ApiCall<CUresult, CUDA_ERROR_OUT_OF_MEMORY>;

}  // namespace

CUDNN4J_API CUresult cuModuleLoadData(CUmodule* module, const void* image) {
  CUDNN4J_CALL_SITE(true);
  return DriverCall{cudnn4j_call_site} << [&] {
    if (current_context() == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
    if (module == nullptr || image == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const EmbeddedKernel* file = file_of_image(static_cast<const char*>(image));
    if (file == nullptr) return CUDA_ERROR_INVALID_IMAGE;
    auto loaded = std::make_shared<Module>();
    loaded->file = file;
    *module = reinterpret_cast<CUmodule>(modules().add(std::move(loaded)));
    return CUDA_SUCCESS;
  };
}

CUDNN4J_API CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  CUDNN4J_CALL_SITE(true);
  return DriverCall{cudnn4j_call_site} << [&] {
    if (function == nullptr || name == nullptr) return CUDA_ERROR_INVALID_VALUE;
    const std::lock_guard lock(module_mutex);
    Module* loaded = modules().find(module);
    if (loaded == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    const Kernel* kernel = find_kernel(loaded->file->name, name);
    if (kernel == nullptr) return CUDA_ERROR_NOT_FOUND;
    Function*& handle = loaded->functions[kernel];
    if (handle == nullptr) {
      handle = functions().add(std::make_shared<Function>(Function{kernel}));
    }
    *function = reinterpret_cast<CUfunction>(handle);
    return CUDA_SUCCESS;
  };
}

CUDNN4J_API CUresult cuModuleUnload(CUmodule module) {
  CUDNN4J_CALL_SITE(true);
  return DriverCall{cudnn4j_call_site} << [&] {
    const std::lock_guard lock(module_mutex);
    const std::shared_ptr<Module> loaded = modules().remove(module);
    if (loaded == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    for (const auto& [kernel, function] : loaded->functions) functions().remove(function);
    return CUDA_SUCCESS;
  };
}

CUDNN4J_API CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y,
                                    unsigned grid_z, unsigned block_x, unsigned block_y,
                                    unsigned block_z, unsigned shared_bytes, CUstream stream,
                                    void** arguments, void** extra) {
  CUDNN4J_CALL(CUresult);
  if (current_context() == nullptr) return CUDA_ERROR_INVALID_CONTEXT;
  const Function* known = functions().find(function);
  Stream* queue = find_stream(stream);
  if (known == nullptr || queue == nullptr) return CUDA_ERROR_INVALID_HANDLE;
  const Kernel& kernel = *known->kernel;
  const Extent grid{grid_x, grid_y, grid_z};
  if (!valid_geometry(grid, {block_x, block_y, block_z}, shared_bytes)) {
    return CUDA_ERROR_INVALID_VALUE;
  }
  // Arguments packed into one buffer are not offered.
  if (extra != nullptr) return CUDA_ERROR_NOT_SUPPORTED;
  if (arguments == nullptr && kernel.parameter_count > 0) return CUDA_ERROR_INVALID_VALUE;

  Launch launch{&kernel, parts_for(grid.count()), {}};
  for (size_t i = 0; i < kernel.parameter_count; ++i) {
    if (arguments[i] == nullptr) return CUDA_ERROR_INVALID_VALUE;
    launch.arguments.set(i, arguments[i], kernel.parameters[i].bytes);
  }
  const Touched touched(launch);
  if (!touched.allocated()) return CUDA_ERROR_ILLEGAL_ADDRESS;
  return static_cast<CUresult>(queue->submit(touched.ranges(), launch));
}
