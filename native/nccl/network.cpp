#include "nccl/network.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace cudnn4j {

namespace {

constexpr std::array<char, 8> greeting = {'c', '4', 'j', 'n', 'c', 'c', 'l', '2'};
/** How long a stranger may take to say who it is, and how many are heard at a time. */
constexpr auto patience = std::chrono::seconds(5);
constexpr size_t most_strangers = 256;

bool again() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

void set(int descriptor, int level, int option, int value) {
  setsockopt(descriptor, level, option, &value, sizeof value);
}

/** Small messages at once, and a peer whose machine is gone noticed within 20 seconds. */
void prepare(int descriptor) {
  fcntl(descriptor, F_SETFL, O_NONBLOCK);
  set(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, 5);
  set(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, 20'000);
}

Socket tcp() {
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.open()) throw failure("no socket can be made");
  prepare(socket.descriptor());
  return socket;
}

int milliseconds(Clock::time_point limit) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1 << 30));
}

/** A number that differs between processes, drawn once in each. */
const std::array<unsigned char, 16>& this_process() {
  static const auto drawn = [] {
    std::array<unsigned char, 16> bytes;
    if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
      throw failure("getrandom");
    }
    return bytes;
  }();
  return drawn;
}

}  // namespace

NetworkError failure(const std::string& what) {
  return NetworkError(what + ": " + std::strerror(errno));
}

void lost() { throw NetworkError("the connection to a neighbour is lost"); }

Descriptor::~Descriptor() {
  if (open()) close(descriptor_);
}

bool Descriptor::ready(short events, Clock::time_point limit) const {
  for (;;) {
    pollfd entry{descriptor_, events, 0};
    const int wait = milliseconds(limit);
    const int count = poll(&entry, 1, wait);
    if (count > 0) return true;
    if (count == 0 && Clock::now() >= limit) return false;
    if (count < 0 && errno != EINTR) throw failure("poll");
  }
}

void Socket::shut() const {
  if (open()) shutdown(descriptor(), SHUT_RDWR);
}

Socket Socket::connect(const sockaddr_in& address, Clock::time_point limit) {
  Socket socket = tcp();
  if (::connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0) {
    if (errno != EINPROGRESS) throw failure("no connection");
    if (!socket.ready(POLLOUT, limit)) throw NetworkError("no connection in time");
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
      errno = error;
      throw failure("no connection");
    }
  }
  return socket;
}

sockaddr_in Socket::local() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (getsockname(descriptor(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw failure("getsockname");
  }
  return address;
}

void Socket::send(const void* data, size_t bytes, Clock::time_point limit) const {
  for (size_t done = 0; done < bytes;) {
    if (!ready(POLLOUT, limit)) throw NetworkError("the others do not answer");
    done += send_some(static_cast<const char*>(data) + done, bytes - done);
  }
}

void Socket::receive(void* data, size_t bytes, Clock::time_point limit) const {
  for (size_t done = 0; done < bytes;) {
    if (!ready(POLLIN, limit)) throw NetworkError("the others do not come");
    done += receive_some(static_cast<char*>(data) + done, bytes - done);
  }
}

size_t Socket::send_some(const void* data, size_t bytes) const {
  const ssize_t count = ::send(descriptor(), data, bytes, MSG_NOSIGNAL);
  if (count >= 0) return static_cast<size_t>(count);
  if (again()) return 0;
  lost();
}

size_t Socket::receive_some(void* data, size_t bytes) const {
  const ssize_t count = ::recv(descriptor(), data, bytes, 0);
  if (count > 0) return static_cast<size_t>(count);
  if (count < 0 && again()) return 0;
  lost();
}

Hello Hello::of(const Token& token, int rank, int ranks, const sockaddr_in& door,
                const MailboxName& mailbox) {
  return {greeting, token, rank, ranks, door, this_process(), mailbox};
}

Door::Door(in_addr address, const Token& token) : listener_(tcp()), token_(token) {
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr = address;
  if (bind(listener_.descriptor(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0 ||
      listen(listener_.descriptor(), SOMAXCONN) != 0) {
    throw failure("nobody can be listened to");
  }
}

void Door::admit() {
  for (;;) {
    Socket socket(accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket.open()) return;
    prepare(socket.descriptor());
    // The oldest has had the most time.
    if (strangers_.size() == most_strangers) strangers_.erase(strangers_.begin());
    strangers_.push_back({std::move(socket), {}, 0, Clock::now() + patience});
  }
}

bool Door::hear(Stranger& stranger) const {
  try {
    stranger.received +=
        stranger.socket.receive_some(reinterpret_cast<char*>(&stranger.hello) + stranger.received,
                                     sizeof(Hello) - stranger.received);
  } catch (const NetworkError&) {
    return true;
  }
  return stranger.received == sizeof(Hello) || Clock::now() >= stranger.limit;
}

Visitor Door::next(Clock::time_point limit) {
  for (;;) {
    std::vector<pollfd> entries{{listener_.descriptor(), POLLIN, 0}};
    auto wake = limit;
    for (const Stranger& stranger : strangers_) {
      entries.push_back({stranger.socket.descriptor(), POLLIN, 0});
      wake = std::min(wake, stranger.limit);
    }
    poll(entries.data(), entries.size(), milliseconds(wake));
    for (auto stranger = strangers_.begin(); stranger != strangers_.end();) {
      if (!hear(*stranger)) {
        ++stranger;
        continue;
      }
      Stranger heard = std::move(*stranger);
      stranger = strangers_.erase(stranger);
      const bool known = heard.received == sizeof(Hello) && heard.hello.magic == greeting &&
                         same(heard.hello.token, token_);
      if (known) return {std::move(heard.socket), heard.hello};
    }
    admit();
    if (Clock::now() >= limit) throw NetworkError("the others do not come");
  }
}

in_addr own_address() {
  const char* name = std::getenv("NCCL_SOCKET_IFNAME");
  if (name == nullptr || *name == 0) return {htonl(INADDR_LOOPBACK)};
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) throw failure("getifaddrs");
  std::optional<in_addr> found;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (!found && each->ifa_addr != nullptr && each->ifa_addr->sa_family == AF_INET &&
        std::strcmp(each->ifa_name, name) == 0) {
      found = reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
    }
  }
  freeifaddrs(all);
  if (!found) {
    throw NetworkError(std::string("NCCL_SOCKET_IFNAME names '") + name +
                       "', which is no interface with an IPv4 address");
  }
  return *found;
}

Token random_token() {
  Token token;
  if (getrandom(token.data(), token.size(), 0) != static_cast<ssize_t>(token.size())) {
    throw failure("getrandom");
  }
  return token;
}

bool same(const Token& one, const Token& other) {
  unsigned difference = 0;
  for (size_t i = 0; i < one.size(); ++i) difference |= one[i] ^ other[i];
  return difference == 0;
}

}  // namespace cudnn4j
