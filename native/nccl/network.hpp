#pragma once

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace cudnn4j {

/** A peer is gone, did not come in time, or the system has no sockets. */
struct NetworkError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Clock = std::chrono::steady_clock;
using Token = std::array<unsigned char, 32>;

/** A TCP socket that does not block; closed by its destructor. */
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(other.release()) {}
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }
  /** Ends the connection for whoever waits on it, in any thread; the descriptor stays. */
  void shut() const;

  static Socket connect(const sockaddr_in& address, Clock::time_point limit);
  sockaddr_in local() const;

  void send(const void* data, size_t bytes, Clock::time_point limit) const;
  void receive(void* data, size_t bytes, Clock::time_point limit) const;

 private:
  int release() {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return descriptor;
  }

  int descriptor_ = -1;
};

/**
 * Sends to one peer and receives from another at the same time; either may be nothing. Without a
 * time limit: a peer may compute for as long as it likes, and one that is gone ends the connection,
 * as keep-alive does for a machine or a cable that is.
 */
void exchange(const Socket& to, const void* sent, size_t sent_bytes, const Socket& from,
              void* received, size_t received_bytes);

/** What one who connects says first: who does not say it, within seconds, is not let in. */
struct Hello {
  std::array<char, 8> magic;
  Token token;
  int32_t rank;
  int32_t ranks;
  sockaddr_in door;
  /** Tells two processes of one machine, and two machines, from each other. */
  std::array<unsigned char, 16> process;

  static Hello of(const Token& token, int rank, int ranks, const sockaddr_in& door);
};

struct Visitor {
  Socket socket;
  Hello hello;
};

/** A listening socket that lets in who knows the token. */
class Door {
 public:
  /** Listens at a free port of an address. */
  Door(in_addr address, const Token& token);

  sockaddr_in address() const { return listener_.local(); }
  const Token& token() const { return token_; }

  /** The next one who knows the token; throws NetworkError when the limit is reached. */
  Visitor next(Clock::time_point limit);

 private:
  struct Stranger {
    Socket socket;
    Hello hello;
    size_t received;
    Clock::time_point limit;
  };

  void admit();
  /** Reads on; true when it can be forgotten, or has said it all. */
  bool hear(Stranger& stranger) const;

  Socket listener_;
  Token token_;
  std::vector<Stranger> strangers_;
};

/** The address where others reach this process: the interface NCCL_SOCKET_IFNAME's, or 127.0.0.1. */
in_addr own_address();

Token random_token();

}  // namespace cudnn4j
