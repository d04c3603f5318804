#include "runtime/machine.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>

namespace cudnn4j {

namespace {

/** The number after a name such as "MemTotal:" in /proc/meminfo, in bytes. */
size_t memory_entry(const std::string& name) {
  std::ifstream file("/proc/meminfo");
  std::string key;
  size_t kibibytes = 0;
  while (file >> key >> kibibytes) {
    if (key == name) return kibibytes * 1024;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

/** A file that holds one number; the largest number where it is missing or says "max". */
size_t number_in(const char* path) {
  std::ifstream file(path);
  size_t value = 0;
  return file >> value ? value : std::numeric_limits<size_t>::max();
}

}  // namespace

MachineMemory machine_memory() {
  MachineMemory memory{memory_entry("MemAvailable:"), memory_entry("MemTotal:")};
  const size_t limit = number_in("/sys/fs/cgroup/memory.max");
  if (limit < memory.total) {
    const size_t used = number_in("/sys/fs/cgroup/memory.current");
    memory.total = limit;
    memory.free = std::min(memory.free, used < limit ? limit - used : 0);
  }
  return memory;
}

int machine_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int processors = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0;
  double period = 0;
  if (file >> quota >> period && period > 0) {
    processors = std::min(processors, static_cast<int>((quota + period - 1) / period));
  }
  return std::max(processors, 1);
}

std::string machine_vectors() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return "AVX-512";
  if (__builtin_cpu_supports("avx2")) return "AVX2";
  return "SSE2";
#else
  return "vectors unknown";
#endif
}

}  // namespace cudnn4j
