#include "module/registry.hpp"

namespace cudnn4j {

namespace {

// Set before any constructor runs, in whatever order the kernel files' come.
constinit const Kernel* first = nullptr;

}  // namespace

thread_local KernelPart kernel_part{0, 1};

const Kernel* first_kernel() { return first; }

const Kernel* find_kernel(std::string_view file, std::string_view name) {
  for (const Kernel* kernel = first; kernel != nullptr; kernel = kernel->next) {
    if (kernel->name == name && kernel->file == file) return kernel;
  }
  return nullptr;
}

void register_kernel(Kernel& kernel) {
  kernel.next = first;
  first = &kernel;
}

}  // namespace cudnn4j
