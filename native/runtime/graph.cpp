#include "runtime/graph.hpp"

#include <algorithm>

namespace cudnn4j {

bool GraphNodes::live() const {
  const uint64_t now = loss_count();
  if (live_at_.load(std::memory_order_relaxed) == now) return true;
  const bool live = std::all_of(tasks_.begin(), tasks_.end(),
                                [](const auto& task) { return all_live(task->ranges()); });
  if (live) live_at_.store(now, std::memory_order_relaxed);
  return live;
}

cudaError_t GraphNodes::replay() const {
  if (!live()) return cudaErrorIllegalAddress;
  for (const auto& task : tasks_) task->run();
  return cudaSuccess;
}

HandleTable<Graph>& graphs() {
  static HandleTable<Graph>& table = *new HandleTable<Graph>;
  return table;
}

HandleTable<GraphExec>& graph_execs() {
  static HandleTable<GraphExec>& table = *new HandleTable<GraphExec>;
  return table;
}

}  // namespace cudnn4j
