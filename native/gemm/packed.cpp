#include "gemm/packed.hpp"

#include "gemm/isa.hpp"

namespace cudnn4j {

namespace v2 {
extern const Packed<float> packed_f32;
extern const Packed<double> packed_f64;
}  // namespace v2
namespace v3 {
extern const Packed<float> packed_f32;
extern const Packed<double> packed_f64;
}  // namespace v3
namespace v4 {
extern const Packed<float> packed_f32;
extern const Packed<double> packed_f64;
}  // namespace v4

template <>
const Packed<float>& packed<float>() {
  return choose(v2::packed_f32, v3::packed_f32, v4::packed_f32);
}

template <>
const Packed<double>& packed<double>() {
  return choose(v2::packed_f64, v3::packed_f64, v4::packed_f64);
}

}  // namespace cudnn4j
