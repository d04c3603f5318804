#include <cstddef>
#include <new>

#include "fault/call.hpp"

// The linker's --wrap makes every operator new of this library these, so that a fault reaches them.
extern "C" {
void* __real__Znwm(size_t bytes);
void* __real__Znam(size_t bytes);
void* __wrap__Znwm(size_t bytes);
void* __wrap__Znam(size_t bytes);
}

void* __wrap__Znwm(size_t bytes) {
  if (cudnn4j::memory_site.fails()) throw std::bad_alloc();
  return __real__Znwm(bytes);
}

void* __wrap__Znam(size_t bytes) {
  if (cudnn4j::memory_site.fails()) throw std::bad_alloc();
  return __real__Znam(bytes);
}
