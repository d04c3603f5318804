#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "nccl/network.hpp"

namespace cudnn4j {

/**
 * Bytes that one process writes and another of the same machine reads, in memory that both have.
 * It has no name, so that nothing is left of it whoever is killed, and its size is sealed. What
 * the other process does to it may spoil the bytes, and is noticed where it would lead out of them.
 */
class Ring {
 public:
  enum Side : size_t { Writer, Reader };

  Ring() = default;
  Ring(Ring&& other) noexcept { *this = std::move(other); }
  Ring& operator=(Ring&& other) noexcept;
  ~Ring();

  /** New memory, with mode 0600; nothing if the system has none. */
  static Descriptor allocate();

  /** Maps it; nothing if it is not such memory, or another user's, or there is no room for it. */
  Ring(const Descriptor& memory, Side side);

  bool open() const { return shared_ != nullptr; }

  /** Writes or reads what is possible now; throws NetworkError if the positions are absurd. */
  size_t write(const void* data, size_t bytes);
  size_t read(void* data, size_t bytes);

  /** Says whether this process sleeps until the other has moved on. */
  void sleeps(bool sleeps) { own().sleeps.store(sleeps); }
  /** Whether the other sleeps, and is to be woken; true once. */
  bool wakes() { return other().sleeps.load() != 0 && other().sleeps.exchange(0) != 0; }

 private:
  /** What a side tells the other, in a cache line of its own. */
  struct alignas(64) Told {
    std::atomic<uint64_t> position;
    std::atomic<uint32_t> sleeps;
  };
  struct Shared {
    static constexpr size_t capacity = size_t{1} << 20;
    Told sides[2];
    alignas(64) std::byte data[capacity];
  };
  static_assert(std::atomic<uint64_t>::is_always_lock_free);

  Told& own() const { return shared_->sides[side_]; }
  Told& other() const { return shared_->sides[1 - side_]; }
  /** How many bytes are written and not yet read, or are free, in a row, up to a limit. */
  size_t possible(size_t bytes) const;
  std::byte* here() const { return shared_->data + position_ % Shared::capacity; }
  void advance(size_t bytes);

  Shared* shared_ = nullptr;
  Side side_ = Writer;
  /** As told to the other; what the memory says may be wrong. */
  uint64_t position_ = 0;
};

/** Where another process of this machine, in the same network namespace, can leave a descriptor. */
class Mailbox {
 public:
  /** Nothing can be left where the system has none, or NCCL_SHM_DISABLE is 1. */
  Mailbox();

  /** Drawn, so that no other has it on whatever machine; empty if there is none. */
  const MailboxName& name() const { return name_; }

  /** Leaves it to the process that drew the name; false if that cannot be reached. */
  bool leave(const MailboxName& name, const Token& token, const Descriptor& descriptor) const;

  /** What was left by one who knows the token, if anything; what others left is dropped. */
  Descriptor take(const Token& token) const;

 private:
  Descriptor socket_;
  MailboxName name_{};
};

}  // namespace cudnn4j
