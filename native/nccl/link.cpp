#include "nccl/link.hpp"

#include <immintrin.h>

#include <cerrno>

namespace cudnn4j {

namespace {

/**
 * So long a thread waits for a neighbour before it sleeps: ranks with equal work seldom differ by
 * more, and who is woken is late for the next step. To yield meanwhile would give the processor
 * away for milliseconds where others want it.
 */
constexpr auto spinning = std::chrono::microseconds(300);

constexpr char wake = 'w';

}  // namespace

void Link::offer(const Mailbox& mailbox, const Hello& sender, Clock::time_point limit) {
  const Descriptor memory = Ring::allocate();
  Ring ring(memory, Ring::Reader);
  const bool offered = ring.open() && mailbox.leave(sender.mailbox, sender.token, memory);
  if (offered) ring_ = std::move(ring);
  socket_.send(&offered, sizeof offered, limit);
}

void Link::take(const Mailbox& mailbox, const Token& token, Clock::time_point limit) {
  char offered;
  socket_.receive(&offered, sizeof offered, limit);
  if (offered != 0) ring_ = Ring(mailbox.take(token), Ring::Writer);
  const bool taken = ring_.open();
  socket_.send(&taken, sizeof taken, limit);
}

void Link::settle(Clock::time_point limit) {
  char taken;
  socket_.receive(&taken, sizeof taken, limit);
  if (taken == 0) ring_ = Ring();
}

/** Wakes the neighbour that waits for what was moved through memory. */
size_t Link::moved(size_t bytes) {
  if (bytes == 0 && ended_) lost();
  if (bytes > 0 && ring_.wakes()) {
    try {
      socket_.send_some(&wake, sizeof wake);
    } catch (const NetworkError&) {
      // Whoever still waits for something finds out.
    }
  }
  return bytes;
}

size_t Link::send_some(const void* data, size_t bytes) {
  return ring_.open() ? moved(ring_.write(data, bytes)) : socket_.send_some(data, bytes);
}

size_t Link::receive_some(void* data, size_t bytes) {
  return ring_.open() ? moved(ring_.read(data, bytes)) : socket_.receive_some(data, bytes);
}

pollfd Link::sleep(short events) {
  if (!ring_.open()) return {socket_.descriptor(), events, 0};
  sleeping_ = true;
  ring_.sleeps(true);
  return {socket_.descriptor(), POLLIN, 0};
}

void Link::awake() {
  if (!sleeping_) return;
  sleeping_ = false;
  ring_.sleeps(false);
  try {
    char calls[16];
    socket_.receive_some(calls, sizeof calls);
  } catch (const NetworkError&) {
    ended_ = true;
  }
}

void exchange(Link& to, const void* sent, size_t sent_bytes, Link& from, void* received,
              size_t received_bytes) {
  const auto* source = static_cast<const char*>(sent);
  auto* target = static_cast<char*>(received);
  const auto move = [&] {
    size_t moved = 0;
    if (sent_bytes > 0) {
      const size_t count = to.send_some(source, sent_bytes);
      source += count;
      sent_bytes -= count;
      moved += count;
    }
    if (received_bytes > 0) {
      const size_t count = from.receive_some(target, received_bytes);
      target += count;
      received_bytes -= count;
      moved += count;
    }
    return moved > 0;
  };
  while (sent_bytes > 0 || received_bytes > 0) {
    if (move()) continue;
    const auto since = Clock::now();
    bool moves = false;
    while (!moves && Clock::now() - since < spinning) {
      _mm_pause();
      moves = move();
    }
    while (!moves) {
      // A negative descriptor is passed over.
      pollfd entries[] = {sent_bytes > 0 ? to.sleep(POLLOUT) : pollfd{-1, 0, 0},
                          received_bytes > 0 ? from.sleep(POLLIN) : pollfd{-1, 0, 0}};
      moves = move();
      if (!moves && poll(entries, 2, -1) < 0 && errno != EINTR) throw failure("poll");
      to.awake();
      from.awake();
      moves = moves || move();
    }
  }
}

}  // namespace cudnn4j
