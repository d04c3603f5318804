#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cudnn4j {

/** Device memory belongs to kernels alone; pinned memory is the host's, and kernels reach it too. */
enum class MemoryKind { Device, Pinned };

/** A piece of memory that a call touches; a null address stands for an absent argument. */
struct Range {
  const void* address;
  size_t bytes;
};

/**
 * A new block, aligned to 256 bytes or more and filled with 0xFF, which reads as NaN; nullptr when
 * the machine has not that much memory left, or for 0 bytes.
 */
void* allocate(size_t bytes, MemoryKind kind);

/** Frees a block; false when the address is not the base of a live block of that kind. */
bool release(void* base, MemoryKind kind);

/**
 * Takes a block out of the hands of the caller, who can then neither free it again nor use it in a
 * new call, while work that is queued may still use it until `finish_release`.
 */
bool begin_release(void* base, MemoryKind kind);
void finish_release(void* base, MemoryKind kind);

/** Whether the range lies wholly inside one live block, or is absent. */
bool inside(Range range, MemoryKind kind);

/** Whether all ranges lie inside live blocks, of either kind. */
bool all_live(std::span<const Range> ranges);

/** The kinds of memory that an address can be in. */
enum class Place { Device, Pinned, Pageable };
Place place_of(const void* address);

/** Grows with every block freed: what was live is live still while this stands. */
uint64_t release_count();

}  // namespace cudnn4j
