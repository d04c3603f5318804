#pragma once

#include <poll.h>

#include "nccl/ring.hpp"

namespace cudnn4j {

/**
 * The way to a neighbour, or from one: through memory, if both are on one machine, else through the
 * TCP connection, which in either case tells that the neighbour is there, and wakes it.
 */
class Link {
 public:
  Link() = default;
  explicit Link(Socket socket) : socket_(std::move(socket)) {}

  bool open() const { return socket_.open(); }
  /** Ends the connection for whoever waits on it, in any thread. */
  void shut() const { socket_.shut(); }

  /**
   * How both ends agree on memory: who receives offers it, who sends takes it, and the offer is
   * settled. Each waits for what the other has done before.
   */
  void offer(const Mailbox& mailbox, const Hello& sender, Clock::time_point limit);
  void take(const Mailbox& mailbox, const Token& token, Clock::time_point limit);
  void settle(Clock::time_point limit);

  /** Sends or receives what is possible now; throws NetworkError when the neighbour is gone. */
  size_t send_some(const void* data, size_t bytes);
  size_t receive_some(void* data, size_t bytes);

  /**
   * Announces that this end is going to sleep until it can send (POLLOUT) or receive (POLLIN), and
   * returns what to poll, if nothing can be moved after all.
   */
  pollfd sleep(short events);
  /** After it. */
  void awake();

 private:
  size_t moved(size_t bytes);

  Socket socket_;
  Ring ring_;
  bool sleeping_ = false;
  /** The connection has ended; what is in memory is still to be read. */
  bool ended_ = false;
};

/**
 * Sends to one neighbour and receives from another at the same time; either may be nothing. Without
 * a time limit: a neighbour may compute for as long as it likes, and one that is gone ends the
 * connection, as keep-alive does for a machine or a cable that is.
 */
void exchange(Link& to, const void* sent, size_t sent_bytes, Link& from, void* received,
              size_t received_bytes);

}  // namespace cudnn4j
