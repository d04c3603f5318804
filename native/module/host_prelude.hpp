#pragma once

/*
 * Comes before every kernel file that the C++ compiler compiles into the host device, and makes
 * what dialect.cuh needs there: kernels known by name, and the share of a loop that is a thread's.
 */

#include <math.h>

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <utility>

#include "cudnn/rnn/functions.hpp"
#include "gemm/half.hpp"
#include "module/extents.hpp"
#include "module/registry.hpp"
#include "runtime/vectors.hpp"

namespace cudnn4j {

/** The file name in a path. */
constexpr std::string_view file_name(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

/** The size of what a pointer points to; of bytes for a void *. */
template <class Pointer>
constexpr size_t pointee_bytes() {
  using T = std::remove_pointer_t<Pointer>;
  if constexpr (!std::is_pointer_v<Pointer>) {
    return 0;
  } else if constexpr (std::is_void_v<T>) {
    return 1;
  } else {
    return sizeof(T);
  }
}

/** What a kernel may do with what a pointer points to. */
template <class Pointer>
constexpr Use pointee_use() {
  return std::is_const_v<std::remove_pointer_t<Pointer>> ? Use::Read : Use::Write;
}

/**
 * Registers the function `body`, whose arguments a launch brings as an array of pointers, and
 * `extents`, which tells from the same arguments how far it goes.
 */
template <auto body, auto extents>
class KernelEntry {
 public:
  KernelEntry(std::string_view name, std::string_view file) : KernelEntry(name, file, body) {}

 private:
  template <class... Parameters>
  KernelEntry(std::string_view name, std::string_view file, void (*)(Parameters...)) {
    static_assert(((sizeof(Parameters) <= sizeof(KernelArguments::Slot)) && ...));
    static_assert(sizeof...(Parameters) <= KernelArguments::most);
    static constexpr KernelParameter parameters[] = {
        {sizeof(Parameters), pointee_bytes<Parameters>(), pointee_use<Parameters>()}...};
    static Kernel kernel{name,
                         file,
                         parameters,
                         sizeof...(Parameters),
                         run<Parameters...>,
                         measure<Parameters...>,
                         nullptr};
    register_kernel(kernel);
  }

  template <class... Parameters>
  static void run(const KernelArguments& arguments) {
    [&arguments]<size_t... i>(std::index_sequence<i...>) {
      body(arguments.get<Parameters>(i)...);
    }(std::index_sequence_for<Parameters...>());
  }

  template <class... Parameters>
  static void measure(const KernelArguments& arguments, long long* elements) {
    constexpr size_t pointers = (0 + ... + (std::is_pointer_v<Parameters> ? 1 : 0));
    [&]<size_t... i>(std::index_sequence<i...>) {
      const Extents<pointers> counted = extents(arguments.get<Parameters>(i)...);
      std::copy(counted.elements.begin(), counted.elements.end(), elements);
    }(std::index_sequence_for<Parameters...>());
  }
};

/** Where this thread's share of n iterations begins; that of the next part is where it ends. */
inline long long part_begin(long long n, int part) { return n * part / kernel_part.count; }

}  // namespace cudnn4j
