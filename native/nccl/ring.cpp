#include "nccl/ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace cudnn4j {

namespace {

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
/** What is moved at a time, so that the other begins while the rest is moved. */
constexpr size_t stride = size_t{64} << 10;
constexpr std::string_view prefix = "cudnn4j-";

/** Abstract names begin with a 0. */
struct Address {
  explicit Address(const MailboxName& name) {
    std::copy(name.begin(), name.end(), un.sun_path + 1);
  }

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&un); }
  static constexpr socklen_t size = offsetof(sockaddr_un, sun_path) + 1 + sizeof(MailboxName);

  sockaddr_un un{.sun_family = AF_UNIX, .sun_path = {}};
};

/** A message of a token and a descriptor. */
struct Letter {
  Letter() {
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  Letter(const Letter&) = delete;

  Token token{};
  iovec part{&token, sizeof token};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
};

MailboxName draw_name() {
  const Token random = random_token();
  MailboxName name;
  static_assert(sizeof(MailboxName) == prefix.size() + 24 && sizeof(Token) >= 24);
  char* end = std::copy(prefix.begin(), prefix.end(), name.begin());
  std::transform(random.begin(), random.begin() + 24, end,
                 [](unsigned byte) { return "abcdefghijklmnopqrstuvwxyz234567"[byte % 32]; });
  return name;
}

}  // namespace

Ring& Ring::operator=(Ring&& other) noexcept {
  std::swap(shared_, other.shared_);
  std::swap(side_, other.side_);
  std::swap(position_, other.position_);
  return *this;
}

Ring::~Ring() {
  if (open()) munmap(shared_, sizeof(Shared));
}

Descriptor Ring::allocate() {
  Descriptor memory(memfd_create("cudnn4j", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  const int descriptor = memory.descriptor();
  // All of it at once: to write where there is no memory left would end the process.
  const bool made = memory.open() && fchmod(descriptor, S_IRUSR | S_IWUSR) == 0 &&
                    fallocate(descriptor, 0, 0, sizeof(Shared)) == 0 &&
                    fcntl(descriptor, F_ADD_SEALS, seals) == 0;
  return made ? std::move(memory) : Descriptor();
}

Ring::Ring(const Descriptor& memory, Side side) : side_(side) {
  struct stat status;
  const int descriptor = memory.descriptor();
  const int sealed = fcntl(descriptor, F_GET_SEALS);
  if (fstat(descriptor, &status) != 0 || status.st_uid != geteuid() ||
      status.st_size != sizeof(Shared) || sealed < 0 || (sealed & seals) != seals) {
    return;
  }
  void* address =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (address != MAP_FAILED) shared_ = static_cast<Shared*>(address);
}

size_t Ring::possible(size_t bytes) const {
  const uint64_t theirs = other().position.load();
  const uint64_t held = side_ == Writer ? position_ - theirs : theirs - position_;
  if (held > Shared::capacity) throw NetworkError("the memory shared with a neighbour is damaged");
  return std::min({bytes, stride, side_ == Writer ? Shared::capacity - held : held,
                   Shared::capacity - position_ % Shared::capacity});
}

void Ring::advance(size_t bytes) {
  position_ += bytes;
  own().position.store(position_);
}

size_t Ring::write(const void* data, size_t bytes) {
  const size_t count = possible(bytes);
  if (count == 0) return 0;
  std::memcpy(here(), data, count);
  advance(count);
  return count;
}

size_t Ring::read(void* data, size_t bytes) {
  const size_t count = possible(bytes);
  if (count == 0) return 0;
  std::memcpy(data, here(), count);
  advance(count);
  return count;
}

Mailbox::Mailbox() {
  const char* disabled = std::getenv("NCCL_SHM_DISABLE");
  if (disabled != nullptr && std::string_view(disabled) == "1") return;
  Descriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const MailboxName name = draw_name();
  const Address address(name);
  if (!socket.open() || bind(socket.descriptor(), address.get(), Address::size) != 0) return;
  socket_ = std::move(socket);
  name_ = name;
}

bool Mailbox::leave(const MailboxName& name, const Token& token,
                    const Descriptor& descriptor) const {
  Address address(name);
  Letter letter;
  letter.token = token;
  letter.message.msg_name = &address.un;
  letter.message.msg_namelen = Address::size;
  cmsghdr* attached = CMSG_FIRSTHDR(&letter.message);
  const int enclosed = descriptor.descriptor();
  attached->cmsg_level = SOL_SOCKET;
  attached->cmsg_type = SCM_RIGHTS;
  attached->cmsg_len = CMSG_LEN(sizeof enclosed);
  std::memcpy(CMSG_DATA(attached), &enclosed, sizeof enclosed);
  return descriptor.open() && name != MailboxName{} &&
         sendmsg(socket_.descriptor(), &letter.message, MSG_NOSIGNAL) == sizeof(Token);
}

Descriptor Mailbox::take(const Token& token) const {
  for (;;) {
    Letter letter;
    const ssize_t bytes = recvmsg(socket_.descriptor(), &letter.message, MSG_CMSG_CLOEXEC);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return {};
    Descriptor enclosed;
    const cmsghdr* attached = CMSG_FIRSTHDR(&letter.message);
    if (attached != nullptr && attached->cmsg_level == SOL_SOCKET &&
        attached->cmsg_type == SCM_RIGHTS && attached->cmsg_len == CMSG_LEN(sizeof(int))) {
      int descriptor;
      std::memcpy(&descriptor, CMSG_DATA(attached), sizeof descriptor);
      enclosed = Descriptor(descriptor);
    }
    const bool known = bytes == sizeof(Token) && (letter.message.msg_flags & MSG_TRUNC) == 0 &&
                       same(letter.token, token);
    if (known && enclosed.open()) return enclosed;
  }
}

}  // namespace cudnn4j
