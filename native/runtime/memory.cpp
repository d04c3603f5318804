#include "runtime/memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <vector>

#include "fault/live.hpp"
#include "runtime/machine.hpp"

namespace cudnn4j {

namespace {

constexpr size_t block_alignment = 256;
constexpr size_t huge_page = size_t{2} << 20;
// Smaller requests are left to malloc, which answers for itself; larger ones are compared with what
// the machine has left, because Linux grants memory that it cannot provide.
constexpr size_t checked_bytes = size_t{64} << 20;

struct Block {
  uintptr_t base;
  size_t bytes;
  MemoryKind kind;
  bool leaving;

  bool is(MemoryKind wanted) const {
    return kind == wanted || (kind == MemoryKind::Registered && wanted == MemoryKind::Pinned);
  }

  bool holds(uintptr_t address, size_t count) const {
    return address >= base && address - base <= bytes && count <= bytes - (address - base);
  }
};

using Blocks = std::vector<Block>;

std::shared_mutex registry_mutex;
std::atomic<uint64_t> released{0};

/** By address. Never destroyed: other threads may still call while the process ends. */
Blocks& registry() {
  static Blocks& blocks = *new Blocks;
  return blocks;
}

uintptr_t number(const void* address) { return reinterpret_cast<uintptr_t>(address); }

/** The last block that does not begin after the address; the caller holds the lock. */
Blocks::iterator block_before(uintptr_t address) {
  Blocks& blocks = registry();
  const auto after = std::upper_bound(
      blocks.begin(), blocks.end(), address,
      [](uintptr_t value, const Block& block) { return value < block.base; });
  return after == blocks.begin() ? blocks.end() : after - 1;
}

const Block* block_holding(Range range) {
  const auto block = block_before(number(range.address));
  const bool held =
      block != registry().end() && block->holds(number(range.address), range.bytes);
  return held ? &*block : nullptr;
}

Blocks::iterator block_at(void* base, MemoryKind kind) {
  const auto block = block_before(number(base));
  const bool found =
      block != registry().end() && block->base == number(base) && block->kind == kind;
  return found ? block : registry().end();
}

void count(const Block& block, long long sign) {
  const bool device = block.kind == MemoryKind::Device;
  live_add(device ? LiveCount::DeviceBlocks : LiveCount::PinnedBlocks, sign);
  live_add(device ? LiveCount::DeviceBytes : LiveCount::PinnedBytes,
           sign * static_cast<long long>(block.bytes));
}

/** Takes the block out of the registry and frees it. */
void remove(Blocks::iterator block) {
  count(*block, -1);
  if (block->kind != MemoryKind::Registered) std::free(reinterpret_cast<void*>(block->base));
  registry().erase(block);
  released.fetch_add(1, std::memory_order_release);
}

/** Puts a block into the registry, unless a part of it is there or there is no memory. */
bool add(const Block& block) {
  try {
    const std::unique_lock lock(registry_mutex);
    const auto before = block_before(block.base + block.bytes - 1);
    if (before != registry().end() && before->base + before->bytes > block.base) return false;
    const auto place = before == registry().end() ? registry().begin() : before + 1;
    count(*registry().insert(place, block), 1);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace

void* allocate(size_t bytes, MemoryKind kind) {
  if (bytes == 0 || bytes > PTRDIFF_MAX - huge_page) return nullptr;
  if (bytes > checked_bytes && bytes > machine_memory().free) return nullptr;
  const size_t alignment = bytes >= huge_page ? huge_page : block_alignment;
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* base = std::aligned_alloc(alignment, rounded);
  if (base == nullptr) return nullptr;
  if (alignment == huge_page) madvise(base, rounded, MADV_HUGEPAGE);
  std::memset(base, 0xFF, rounded);
  if (!add({number(base), bytes, kind, false})) {
    std::free(base);
    return nullptr;
  }
  return base;
}

bool is_mapped(Range range) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t end = number(range.address) + range.bytes;
  if (end < range.bytes) return false;
  std::array<unsigned char, 4096> resident;
  for (uintptr_t at = number(range.address) / page * page; at < end; at += page * resident.size()) {
    const size_t bytes = std::min<size_t>(end - at, page * resident.size());
    if (mincore(reinterpret_cast<void*>(at), bytes, resident.data()) != 0) return false;
  }
  return true;
}

bool enroll(void* base, size_t bytes) {
  return add({number(base), bytes, MemoryKind::Registered, false});
}

bool release(void* base, MemoryKind kind) {
  const std::unique_lock lock(registry_mutex);
  const auto block = block_at(base, kind);
  if (block == registry().end() || block->leaving) return false;
  remove(block);
  return true;
}

bool begin_release(void* base, MemoryKind kind) {
  const std::unique_lock lock(registry_mutex);
  const auto block = block_at(base, kind);
  if (block == registry().end() || block->leaving) return false;
  block->leaving = true;
  return true;
}

void finish_release(void* base, MemoryKind kind) {
  const std::unique_lock lock(registry_mutex);
  const auto block = block_at(base, kind);
  if (block != registry().end()) remove(block);
}

bool inside(Range range, MemoryKind kind) {
  if (range.address == nullptr) return true;
  const std::shared_lock lock(registry_mutex);
  const Block* block = block_holding(range);
  return block != nullptr && block->is(kind) && !block->leaving;
}

bool reachable(Range range) {
  if (range.address == nullptr) return true;
  const std::shared_lock lock(registry_mutex);
  const Block* block = block_holding(range);
  return block != nullptr && !block->leaving;
}

bool all_live(std::span<const Range> ranges) {
  const std::shared_lock lock(registry_mutex);
  return std::all_of(ranges.begin(), ranges.end(), [](const Range& range) {
    return range.address == nullptr || block_holding(range) != nullptr;
  });
}

AddressKind address_kind(const void* address) {
  const std::shared_lock lock(registry_mutex);
  const Block* block = block_holding({address, 1});
  if (block == nullptr) return AddressKind::Pageable;
  switch (block->kind) {
    case MemoryKind::Device:
      return AddressKind::Device;
    case MemoryKind::Pinned:
      return AddressKind::Pinned;
    default:
      return AddressKind::Registered;
  }
}

uint64_t release_count() { return released.load(std::memory_order_acquire); }

}  // namespace cudnn4j
