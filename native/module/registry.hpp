#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "runtime/memory.hpp"

namespace cudnn4j {

/** The arguments of a launch by value, each in a slot of its own. */
class KernelArguments {
 public:
  using Slot = uint64_t;
  static constexpr size_t most = 32;

  void set(size_t index, const void* argument, size_t bytes) {
    std::memcpy(&slots_[index], argument, bytes);
  }

  template <class T>
  T get(size_t index) const {
    T value;
    std::memcpy(&value, &slots_[index], sizeof(T));
    return value;
  }

 private:
  std::array<Slot, most> slots_;
};

/** What a launch has to know of one parameter of a kernel. */
struct KernelParameter {
  size_t bytes;
  /** The size of an element that a pointer points to; 0 for a number. */
  size_t element_bytes;
  /** What the kernel does with what a pointer points to. */
  Use use;
};

/** A kernel that was compiled into this library. */
struct Kernel {
  std::string_view name;
  /** The file that it stands in, without folders. */
  std::string_view file;
  const KernelParameter* parameters;
  size_t parameter_count;
  /** Calls the kernel's body for the part that `kernel_part` names. */
  void (*run)(const KernelArguments& arguments);
  /** Puts down for each pointer in turn how many elements of it a launch touches. */
  void (*measure)(const KernelArguments& arguments, long long* elements);
  const Kernel* next;
};

/** The first of a list of all kernels; nullptr if there are none. */
const Kernel* first_kernel();

/** The kernel of that name in that file, nullptr if there is none. */
const Kernel* find_kernel(std::string_view file, std::string_view name);

/** Adds a kernel, which must live for ever, to those that are found. */
void register_kernel(Kernel& kernel);

/** The share of a launch that a thread works on. */
struct KernelPart {
  int index;
  int count;
};
extern thread_local KernelPart kernel_part;

}  // namespace cudnn4j
