#include "cudnn/objects.hpp"

#include <mutex>
#include <unordered_map>

#include "fault/live.hpp"

namespace cudnn4j::cudnn {
namespace {

struct Registry {
  std::mutex mutex;
  std::unordered_map<const void*, ObjectKind> objects;
};

Registry& registry() {
  // Never destroyed: a thread may still hold objects when the process ends.
  static auto* instance = new Registry;
  return *instance;
}

Live counter(ObjectKind kind) {
  return kind == ObjectKind::Handle ? Live::CudnnHandles : Live::CudnnDescriptors;
}

}  // namespace

void register_object(const void* object, ObjectKind kind) {
  auto& all = registry();
  std::lock_guard lock(all.mutex);
  all.objects.emplace(object, kind);
  live_add(counter(kind), 1);
}

bool unregister_object(const void* object, ObjectKind kind) {
  auto& all = registry();
  std::lock_guard lock(all.mutex);
  const auto found = all.objects.find(object);
  if (found == all.objects.end() || found->second != kind) {
    return false;
  }
  all.objects.erase(found);
  live_add(counter(kind), -1);
  return true;
}

bool is_live(const void* object, ObjectKind kind) {
  auto& all = registry();
  std::lock_guard lock(all.mutex);
  const auto found = all.objects.find(object);
  return found != all.objects.end() && found->second == kind;
}

Stream& stream_of(cudnnHandle_t handle) {
  auto* stream = find_stream(live(handle, "handle").stream);
  require(stream != nullptr, "the stream of the handle was destroyed");
  return *stream;
}

void require_taken(cudaError_t error) {
  if (error == cudaErrorMemoryAllocation) {
    throw std::bad_alloc();
  }
  if (error != cudaSuccess) {
    refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the stream refused the work with CUDA error %d",
           int(error));
  }
}

}  // namespace cudnn4j::cudnn
