#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>

namespace cudnn4j {

/** What a launch has to know of one parameter of a kernel. */
struct KernelParameter {
  size_t bytes;
  bool pointer;
};

/** A kernel that was compiled into this library. */
struct Kernel {
  std::string_view name;
  /** The file that it stands in, without folders. */
  std::string_view file;
  const KernelParameter* parameters;
  size_t parameter_count;
  /** Calls the kernel's body for the part that `kernel_part` names, with pointers to arguments. */
  void (*run)(void* const* arguments);
  const Kernel* next;
};

/** The first of the list of all kernels. */
const Kernel* first_kernel();

/** Adds a kernel, which must live for ever, to the list. */
void register_kernel(Kernel& kernel);

/** The share of a launch that a thread works on. */
struct KernelPart {
  int index;
  int count;
};
extern thread_local KernelPart kernel_part;

}  // namespace cudnn4j
