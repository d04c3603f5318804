#include "gemm/isa.hpp"

#include <cstdlib>
#include <string_view>

namespace cudnn4j {
namespace {

Isa best() {
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
            __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
            __builtin_cpu_supports("f16c");
  if (!v3) return Isa::v2;
  bool v4 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
  return v4 ? Isa::v4 : Isa::v3;
}

Isa chosen() {
  const char* name = std::getenv("CUDNN4J_ISA");
  std::string_view wanted = name ? name : "";
  Isa limit = wanted == "v2" ? Isa::v2 : wanted == "v3" ? Isa::v3 : Isa::v4;
  Isa found = best();
  return limit < found ? limit : found;
}

}  // namespace

Isa isa() {
  static const Isa value = chosen();
  return value;
}

}  // namespace cudnn4j
