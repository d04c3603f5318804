#include <algorithm>

#include "cudnn/rnn/layer.hpp"

namespace cudnn4j {
namespace {

/// Elements of one pseudo-layer's matrices.
int64_t matrix_elements(const RnnShape& s, int layer) {
  const int64_t hidden = s.hidden;
  const int64_t inputs = skips(s, layer) ? 0 : input_width(s, layer);
  return gates(s.cell) * hidden * (inputs + s.output) + (projects(s) ? s.output * hidden : 0);
}

int biases_per_gate(Bias bias) {
  return bias == Bias::None ? 0 : bias == Bias::Both ? 2 : 1;
}

/// Where the matrices of a pseudo-layer start; for one past the last, where the biases start.
int64_t matrices_before(const RnnShape& s, int pseudo_layer) {
  const int first = std::min(pseudo_layer, s.directions);
  const int others = pseudo_layer - first;
  return first * matrix_elements(s, 0) + (others > 0 ? others * matrix_elements(s, 1) : 0);
}

}  // namespace

int gates(Cell cell) {
  switch (cell) {
    case Cell::Lstm:
      return 4;
    case Cell::Gru:
      return 3;
    default:
      return 1;
  }
}

bool countable(const RnnShape& s) {
  constexpr double most = 0x1p59;
  const double layers = static_cast<double>(s.layers) * s.directions;
  const double hidden = s.hidden;
  const double inputs = std::max<double>(s.input, static_cast<double>(s.directions) * s.output);
  const double of_layer = gates(s.cell) * hidden * (inputs + s.output + 2) + s.output * hidden;
  return layers <= INT32_MAX && inputs <= INT32_MAX && layers * of_layer <= most;
}

int64_t weight_elements(const RnnShape& s) {
  const int pseudo_layers = s.layers * s.directions;
  const int64_t bias = static_cast<int64_t>(gates(s.cell)) * s.hidden * biases_per_gate(s.bias);
  return matrices_before(s, pseudo_layers) + pseudo_layers * bias;
}

std::optional<WeightSlot> weight_slot(const RnnShape& s, int pseudo_layer, int linear_layer) {
  const int count = gates(s.cell);
  const int pseudo_layers = s.layers * s.directions;
  const int linear_layers = 2 * count + (projects(s) ? 1 : 0);
  if (pseudo_layer < 0 || pseudo_layer >= pseudo_layers || linear_layer < 0 ||
      linear_layer >= linear_layers) {
    return std::nullopt;
  }
  const int64_t hidden = s.hidden;
  const int layer = pseudo_layer / s.directions;
  const bool skipped = skips(s, layer);
  const int64_t inputs = skipped ? 0 : input_width(s, layer);
  const int64_t matrices = matrices_before(s, pseudo_layer);
  const int64_t recurrent = matrices + count * hidden * inputs;
  if (linear_layer == 2 * count) {
    return WeightSlot{recurrent + count * hidden * s.output, s.output, hidden, -1};
  }

  const int64_t biases = matrices_before(s, pseudo_layers) +
                         pseudo_layer * count * hidden * biases_per_gate(s.bias);
  const bool is_input = linear_layer < count;
  const int gate = is_input ? linear_layer : linear_layer - count;
  WeightSlot slot{-1, 0, 0, -1};
  if (!is_input) {
    slot = {recurrent + gate * hidden * s.output, hidden, s.output, -1};
  } else if (!skipped) {
    slot = {matrices + gate * hidden * inputs, hidden, inputs, -1};
  }
  const bool has_bias = s.bias == Bias::Both ||
                        s.bias == (is_input ? Bias::Input : Bias::Recurrent);
  if (has_bias) {
    const int64_t second = s.bias == Bias::Both && !is_input ? count * hidden : 0;
    slot.rows = hidden;
    slot.bias_offset = biases + second + gate * hidden;
  }
  return slot;
}

}  // namespace cudnn4j
