#include "cudnn/rnn/sharing.hpp"

namespace cudnn4j {
namespace {

/// Multiply-adds per thread below which a meeting costs more than it saves.
constexpr int64_t work_per_meeting = 50'000;
/// Multiply-adds below which one thread does everything.
constexpr int64_t work_alone = 200'000;
/// Weights up to this size come fast enough to be read once per group of rows.
constexpr int64_t close_bytes = 2 << 20;
/// Weights beyond this size come so slowly that many rows must share one reading of them.
constexpr int64_t distant_bytes = 8 << 20;

}  // namespace

template <class T>
Sharing choose_sharing(const RnnShape& shape, const Plan& plan, bool in_place) {
  Sharing sharing;
  sharing.unit = packed<T>().columns;
  const int64_t weights = gate_width(shape) * shape.output;
  const int64_t rows = plan.batch();
  const int64_t threads = (pool_threads() + shape.directions - 1) / shape.directions;
  if (threads == 1 || plan.tokens() * weights < work_alone) return sharing;

  const int64_t bytes = weights * int64_t{sizeof(T)};
  const int64_t block = packed<T>().rows;
  const bool few_rows = 2 * rows < threads * block;
  const bool distant = bytes > distant_bytes && rows < 4 * threads * block;
  const int64_t panels = shape.hidden / sharing.unit;
  // What one step saves by sharing its units is packing.
  const bool packs_for_one = plan.time() == 1 && !in_place;
  // With a projection a unit of h needs all units of the cell, which would be a second meeting.
  if (!projects(shape) && (few_rows || distant || packs_for_one) &&
      shape.hidden % sharing.unit == 0 &&
      panels >= threads && rows * weights >= threads * work_per_meeting) {
    // Not more of them: products of few rows are the slower the fewer columns they have.
    sharing.unit_groups = static_cast<int>(std::min(threads, int64_t{Sharing::most_groups}));
    return sharing;
  }
  // Two groups per thread let a free one take over from a busy one in the next step, as long as a
  // group's steps fill a register block on average and reading the weights twice as often does not
  // hurt.
  const bool twice = plan.time() > 1 && bytes <= close_bytes &&
                     plan.tokens() >= plan.time() * 2 * threads * block;
  sharing.row_groups = static_cast<int>(std::min(rows, twice ? 2 * threads : threads));
  return sharing;
}

template Sharing choose_sharing<float>(const RnnShape&, const Plan&, bool);
template Sharing choose_sharing<double>(const RnnShape&, const Plan&, bool);

}  // namespace cudnn4j
