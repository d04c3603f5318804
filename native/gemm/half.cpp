#include "gemm/half.hpp"

#include "gemm/isa.hpp"

namespace cudnn4j {

namespace v2 {
extern const Conversions<Half> conversions_f16;
extern const Conversions<BFloat16> conversions_bf16;
}  // namespace v2
namespace v3 {
extern const Conversions<Half> conversions_f16;
extern const Conversions<BFloat16> conversions_bf16;
}  // namespace v3
namespace v4 {
extern const Conversions<Half> conversions_f16;
extern const Conversions<BFloat16> conversions_bf16;
}  // namespace v4

template <>
const Conversions<Half>& conversions<Half>() {
  return choose(v2::conversions_f16, v3::conversions_f16, v4::conversions_f16);
}

template <>
const Conversions<BFloat16>& conversions<BFloat16>() {
  return choose(v2::conversions_bf16, v3::conversions_bf16, v4::conversions_bf16);
}

}  // namespace cudnn4j
