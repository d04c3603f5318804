#pragma once

#include <netinet/in.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace cudnn4j {

/** A peer is gone, did not come in time, or the system has no sockets. */
struct NetworkError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/** With what the system says of its last failure. */
NetworkError failure(const std::string& what);

[[noreturn]] void lost();

using Clock = std::chrono::steady_clock;
using Token = std::array<unsigned char, 32>;
/** Of a Mailbox. */
using MailboxName = std::array<char, 32>;

/** What the system has opened, or nothing; closed by its destructor. */
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept { *this = std::move(other); }
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor();

  int descriptor() const { return descriptor_; }
  bool open() const { return descriptor_ >= 0; }
  /** Sleeps until it is ready for events of poll(2); false when the limit is reached. */
  bool ready(short events, Clock::time_point limit) const;

 private:
  int descriptor_ = -1;
};

/** A TCP socket that does not block. */
class Socket : public Descriptor {
 public:
  using Descriptor::Descriptor;

  /** Ends the connection for whoever waits on it, in any thread; the descriptor stays. */
  void shut() const;

  static Socket connect(const sockaddr_in& address, Clock::time_point limit);
  sockaddr_in local() const;

  void send(const void* data, size_t bytes, Clock::time_point limit) const;
  void receive(void* data, size_t bytes, Clock::time_point limit) const;

  /** Sends or receives what is possible now; throws NetworkError when the peer is gone. */
  size_t send_some(const void* data, size_t bytes) const;
  size_t receive_some(void* data, size_t bytes) const;
};

/** What one who connects says first: who does not say it, within seconds, is not let in. */
struct Hello {
  std::array<char, 8> magic;
  Token token;
  int32_t rank;
  int32_t ranks;
  sockaddr_in door;
  /** Tells two processes of one machine, and two machines, from each other. */
  std::array<unsigned char, 16> process;
  /** Where this rank can be handed memory, if on the same machine. */
  MailboxName mailbox;

  static Hello of(const Token& token, int rank, int ranks, const sockaddr_in& door,
                  const MailboxName& mailbox);
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

/** Takes the same time wherever they differ. */
bool same(const Token& one, const Token& other);

}  // namespace cudnn4j
