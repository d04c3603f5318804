#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cudnn4j {

/**
 * Device memory belongs to kernels alone; pinned memory is the host's, and kernels reach it too.
 * Registered memory is pinned memory that the caller has allocated and will free.
 */
enum class MemoryKind { Device, Pinned, Registered };

enum class Use { Read, Write };

/** A piece of memory that a call touches; a null address stands for an absent argument. */
struct Range {
  const void* address;
  size_t bytes;
  Use use = Use::Read;
};

/**
 * A new block, aligned to 256 bytes or more and filled with 0xFF, which reads as NaN; nullptr when
 * the machine has not that much memory left, or for 0 bytes.
 */
void* allocate(size_t bytes, MemoryKind kind);

/** Whether memory is there: all of its pages are mapped. */
bool is_mapped(Range range);

/** Makes the caller's memory a registered block; false if any of it is in a live block. */
bool enroll(void* base, size_t bytes);

/**
 * Frees a block, which for registered memory is to forget it; false when the address is not the
 * base of a live block of that kind.
 */
bool release(void* base, MemoryKind kind);

/**
 * Takes a block out of the hands of the caller, who can then neither free it again nor use it in a
 * new call, while work that is queued may still use it until `finish_release`.
 */
bool begin_release(void* base, MemoryKind kind);
void finish_release(void* base, MemoryKind kind);

/**
 * Makes the block of device memory that holds an address one that is only read from now on; false
 * if there is none.
 */
bool set_read_only(const void* address);

/** Whether the range lies in a read-only block. */
bool read_only(Range range);

/** Another form of what is in a read-only block, and whether it is still to be made. */
struct Form {
  void* memory;
  bool fresh;
};

/**
 * Memory for another form of a range, which lives as long as the read-only block that the range
 * lies in: at first to be filled by the caller, later as it was filled. Forms of a range differ in
 * kind or shape. Null memory: the block is not read-only, all of its forms would take more than
 * three times as much memory as itself, or the machine has none left.
 */
Form form_of(Range range, const void* kind, int64_t shape, size_t bytes);

/**
 * Whether the range lies wholly inside one live block of that kind (registered memory is
 * pinned) and may be used so, or is absent.
 */
bool inside(Range range, MemoryKind kind);

/**
 * Whether the device reaches the range: it lies inside one live block of any kind, which is not
 * read-only if the range is written; or is absent.
 */
bool reachable(Range range);

/**
 * Whether all ranges lie inside live blocks, of any kind, and none that is written in a read-only
 * one.
 */
bool all_live(std::span<const Range> ranges);

/** The kinds of memory that an address can be in. */
enum class AddressKind { Device, Pinned, Registered, Pageable };
AddressKind address_kind(const void* address);

/**
 * Grows with every block freed or made read-only: what could be used can be used still while this
 * stands.
 */
uint64_t loss_count();

}  // namespace cudnn4j
