#include "module/registry.hpp"

namespace cudnn4j {

namespace {

// Set before any constructor runs, in whatever order the kernel files' come.
constinit const Kernel* first = nullptr;

}  // namespace

thread_local KernelPart kernel_part{0, 1};

const Kernel* first_kernel() { return first; }

void register_kernel(Kernel& kernel) {
  kernel.next = first;
  first = &kernel;
}

}  // namespace cudnn4j
