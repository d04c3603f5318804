#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "kernels/check/kernel_check.hpp"

namespace cudnn4j::check {

namespace {

std::vector<void (*)()>& suites() {
  static std::vector<void (*)()> all;
  return all;
}

/** The largest difference of each kernel that was checked, as a part of the tolerance. */
std::map<std::string, double>& differences() {
  static std::map<std::string, double> all;
  return all;
}

/** Whether this is the time for the largest block, which takes long. */
bool large_blocks = false;

/** The kernels that have met it: each once, in its first type, with its first arguments. */
std::set<std::string> large_checked;

}  // namespace

Suite::Suite(void (*run)()) { suites().push_back(run); }

std::span<const Geometry> geometries(const char* name) {
  static constexpr Geometry small[] = {{1, 32, false}, {3, 64, true}, {2, 96, false}};
  static constexpr Geometry large[] = {{1, 1024, false}};
  if (!large_blocks) return small;
  const std::string type_free(name, std::strrchr(name, '_'));
  return large_checked.insert(type_free).second ? std::span(large) : std::span(large, 0);
}

void report(const char* name, double difference) {
  double& largest = differences()[name];
  largest = std::max(largest, difference);
}

const cudnn4j::Kernel& host_kernel(const char* name) {
  for (const cudnn4j::Kernel* kernel = first_kernel(); kernel != nullptr; kernel = kernel->next) {
    if (kernel->name == name) return *kernel;
  }
  fail(std::string("the host device has no kernel ") + name);
}

}  // namespace cudnn4j::check

/** The first race is enough, and is told with a status of its own. */
extern "C" const char* __tsan_default_options() { return "halt_on_error=1:exitcode=66"; }

int main() {
  using namespace cudnn4j::check;
  // The more threads there have been, the longer ThreadSanitizer takes for each.
  for (const bool large : {false, true}) {
    large_blocks = large;
    for (void (*suite)() : suites()) {
      generator = std::mt19937(1);
      suite();
    }
  }
  for (const auto& [name, difference] : differences()) {
    std::printf("%-28s differs by at most %.2g of the tolerance\n", name.c_str(), difference);
  }
  for (auto* kernel = cudnn4j::first_kernel(); kernel != nullptr; kernel = kernel->next) {
    const std::string name(kernel->name);
    if (!differences().contains(name)) fail("native/kernels/check has no check of " + name);
  }
#ifdef CUDNN4J_THREAD_SANITIZER
  std::printf("no races found by ThreadSanitizer\n");
#else
  std::printf("built without ThreadSanitizer\n");
#endif
}
