#include "runtime/context.hpp"

namespace cudnn4j {

namespace {

thread_local const void* current = nullptr;

}  // namespace

const void* primary_context() {
  static const char context = 0;
  return &context;
}

const void* current_context() { return current; }

void set_current_context(const void* context) { current = context; }

void use_primary_context() {
  if (current == nullptr) current = primary_context();
}

}  // namespace cudnn4j
