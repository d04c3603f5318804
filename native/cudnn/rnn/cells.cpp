#include "cudnn/rnn/cells.hpp"

#include "gemm/isa.hpp"

namespace cudnn4j {

namespace v2 {
extern const CellFunctions<float> cells_f32;
extern const CellFunctions<double> cells_f64;
}  // namespace v2
namespace v3 {
extern const CellFunctions<float> cells_f32;
extern const CellFunctions<double> cells_f64;
}  // namespace v3
namespace v4 {
extern const CellFunctions<float> cells_f32;
extern const CellFunctions<double> cells_f64;
}  // namespace v4

template <>
const CellFunctions<float>& cell_functions<float>() {
  return choose(v2::cells_f32, v3::cells_f32, v4::cells_f32);
}

template <>
const CellFunctions<double>& cell_functions<double>() {
  return choose(v2::cells_f64, v3::cells_f64, v4::cells_f64);
}

}  // namespace cudnn4j
