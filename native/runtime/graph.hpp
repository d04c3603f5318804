#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "abi/cudart_abi.h"
#include "fault/live.hpp"
#include "runtime/handles.hpp"
#include "runtime/stream.hpp"

namespace cudnn4j {

/** What was captured: tasks in an order that respects their dependencies. */
class GraphNodes {
 public:
  void add(std::shared_ptr<const Task> task) { tasks_.push_back(std::move(task)); }

  /**
   * Runs the tasks; if memory of theirs is not live, runs none: cudaErrorIllegalAddress. Throws
   * std::bad_alloc, and runs none any more, when a task does.
   */
  cudaError_t replay() const;

 private:
  bool live() const;

  std::vector<std::shared_ptr<const Task>> tasks_;
  /** The loss count at which all memory was last found live. */
  mutable std::atomic<uint64_t> live_at_{UINT64_MAX};
};

struct Graph {
  std::shared_ptr<const GraphNodes> nodes;
  LiveToken<LiveCount::Graphs> token;
};

struct GraphExec {
  std::shared_ptr<const GraphNodes> nodes;
  LiveToken<LiveCount::GraphExecs> token;
};

HandleTable<Graph>& graphs();
HandleTable<GraphExec>& graph_execs();

}  // namespace cudnn4j
