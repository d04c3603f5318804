#include "runtime/memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <shared_mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "fault/call.hpp"
#include "fault/live.hpp"
#include "runtime/machine.hpp"

namespace cudnn4j {

namespace {

constexpr size_t block_alignment = 256;
constexpr size_t huge_page = size_t{2} << 20;
// Smaller requests are left to malloc, which answers for itself; larger ones are compared with what
// the machine has left, because Linux grants memory that it cannot provide.
constexpr size_t checked_bytes = size_t{64} << 20;

struct Free {
  void operator()(void* memory) const { std::free(memory); }
};

/** What tells the forms of a block's contents apart: address, bytes, kind, shape. */
using FormKey = std::tuple<uintptr_t, size_t, const void*, int64_t>;

struct Forms {
  std::map<FormKey, std::unique_ptr<void, Free>> made;
  size_t bytes = 0;
};

constexpr size_t rounded(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

/** How many times as much memory as a block its forms may take. */
constexpr size_t most_forms = 3;

struct Block {
  uintptr_t base;
  size_t bytes;
  MemoryKind kind;
  bool leaving = false;
  bool read_only = false;
  /** Of a read-only block, from the first one on. */
  std::unique_ptr<Forms> forms = nullptr;

  bool is(MemoryKind wanted) const {
    return kind == wanted || (kind == MemoryKind::Registered && wanted == MemoryKind::Pinned);
  }

  bool holds(uintptr_t address, size_t count) const {
    return address >= base && address - base <= bytes && count <= bytes - (address - base);
  }

  bool allows(Use use) const { return use == Use::Read || !read_only; }
};

using Blocks = std::vector<Block>;

std::shared_mutex registry_mutex;
std::atomic<uint64_t> losses{0};

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

Block* block_holding(Range range) {
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
  losses.fetch_add(1, std::memory_order_release);
}

/** Aligned memory; nullptr when the machine has not that much left, or for 0 bytes. */
void* reserve(size_t bytes) {
  if (bytes == 0 || bytes > PTRDIFF_MAX - huge_page) return nullptr;
  if (bytes > checked_bytes && bytes > machine_memory().free) return nullptr;
  const size_t alignment = bytes >= huge_page ? huge_page : block_alignment;
  const size_t whole = rounded(bytes, alignment);
  void* const base = std::aligned_alloc(alignment, whole);
  if (base != nullptr && alignment == huge_page) madvise(base, whole, MADV_HUGEPAGE);
  return base;
}

/** Puts a block into the registry, unless a part of it is there or there is no memory. */
bool add(Block block) {
  try {
    const std::unique_lock lock(registry_mutex);
    const auto before = block_before(block.base + block.bytes - 1);
    if (before != registry().end() && before->base + before->bytes > block.base) return false;
    const auto place = before == registry().end() ? registry().begin() : before + 1;
    count(*registry().insert(place, std::move(block)), 1);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace

void* allocate(size_t bytes, MemoryKind kind) {
  void* const base = reserve(bytes);
  if (base == nullptr) return nullptr;
  std::memset(base, 0xFF, bytes);
  if (!add({number(base), bytes, kind})) {
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
  return add({number(base), bytes, MemoryKind::Registered});
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

bool set_read_only(const void* address) {
  const std::unique_lock lock(registry_mutex);
  Block* const block = block_holding({address, 1});
  if (block == nullptr || block->kind != MemoryKind::Device || block->leaving) return false;
  block->read_only = true;
  losses.fetch_add(1, std::memory_order_release);
  return true;
}

bool read_only(Range range) {
  const std::shared_lock lock(registry_mutex);
  const Block* block = block_holding(range);
  return block != nullptr && block->read_only;
}

Form form_of(Range range, const void* kind, int64_t shape, size_t bytes) {
  const FormKey key(number(range.address), range.bytes, kind, shape);
  const size_t whole = rounded(bytes, block_alignment);
  size_t taken = 0;
  {
    const std::shared_lock lock(registry_mutex);
    const Block* block = block_holding(range);
    if (block == nullptr || !block->read_only) return {nullptr, false};
    if (const Forms* const forms = block->forms.get()) {
      const auto found = forms->made.find(key);
      if (found != forms->made.end()) return {found->second.get(), false};
      taken = forms->bytes;
    }
    if (taken + whole > most_forms * block->bytes) return {nullptr, false};
  }
  if (memory_site.fails()) return {nullptr, false};
  std::unique_ptr<void, Free> memory(reserve(bytes));
  if (memory == nullptr) return {nullptr, false};
  const std::unique_lock lock(registry_mutex);
  Block* block = block_holding(range);
  if (block == nullptr || !block->read_only) return {nullptr, false};
  try {
    if (block->forms == nullptr) block->forms = std::make_unique<Forms>();
    void* const made = block->forms->made.emplace(key, std::move(memory)).first->second.get();
    block->forms->bytes += whole;
    return {made, true};
  } catch (const std::bad_alloc&) {
    return {nullptr, false};
  }
}

bool inside(Range range, MemoryKind kind) {
  if (range.address == nullptr) return true;
  const std::shared_lock lock(registry_mutex);
  const Block* block = block_holding(range);
  return block != nullptr && block->is(kind) && block->allows(range.use) && !block->leaving;
}

bool reachable(Range range) {
  if (range.address == nullptr) return true;
  const std::shared_lock lock(registry_mutex);
  const Block* block = block_holding(range);
  return block != nullptr && block->allows(range.use) && !block->leaving;
}

bool all_live(std::span<const Range> ranges) {
  const std::shared_lock lock(registry_mutex);
  return std::all_of(ranges.begin(), ranges.end(), [](const Range& range) {
    if (range.address == nullptr) return true;
    const Block* block = block_holding(range);
    return block != nullptr && block->allows(range.use);
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

uint64_t loss_count() { return losses.load(std::memory_order_acquire); }

}  // namespace cudnn4j
