#include <cstring>
#include <thread>

#include "abi/host_device.h"
#include "nccl/communicator.hpp"

namespace cudnn4j {

namespace {

std::atomic<int> join_seconds{60};

constexpr std::array<char, 8> magic = {'c', '4', 'j', 'h', 'o', 's', 't', '1'};

/** What is in a unique id. */
struct Invitation {
  std::array<char, 8> magic;
  sockaddr_in door;
  Token token;
};
static_assert(sizeof(Invitation) <= sizeof(ncclUniqueId));

/** What the gatherer says to one who has come. */
struct Answer {
  ncclResult_t result;
  char text[124];
  sockaddr_in next;
};

Answer refusal(const std::string& text) {
  Answer answer{ncclInvalidUsage, {}, {}};
  text.copy(answer.text, sizeof answer.text - 1);
  return answer;
}

/** Empty if the visitor can be let in beside those who are there. */
std::string objection(const Hello& hello, const std::vector<Visitor>& present) {
  for (const Visitor& other : present) {
    if (other.hello.ranks != hello.ranks) {
      return "rank " + std::to_string(hello.rank) + " is one of " + std::to_string(hello.ranks) +
             ", rank " + std::to_string(other.hello.rank) + " one of " +
             std::to_string(other.hello.ranks);
    }
    if (other.hello.rank == hello.rank) {
      return "rank " + std::to_string(hello.rank) + " has come twice";
    }
    if (other.hello.process == hello.process) {
      return "ranks " + std::to_string(other.hello.rank) + " and " + std::to_string(hello.rank) +
             " are in one process, which has one device";
    }
  }
  return "";
}

void say(const Visitor& visitor, const Answer& answer) {
  try {
    visitor.socket.send(&answer, sizeof answer, Clock::now() + std::chrono::seconds(5));
  } catch (const NetworkError&) {
    // It finds out, and so do its neighbours.
  }
}

/** Waits for all ranks and tells each who comes after it. Who is refused changes nothing. */
void gather(Door& door, Clock::time_point limit) {
  std::vector<Visitor> present;
  do {
    Visitor visitor = door.next(limit);
    if (const std::string text = objection(visitor.hello, present); !text.empty()) {
      say(visitor, refusal(text));
    } else {
      present.push_back(std::move(visitor));
    }
  } while (present.size() < static_cast<size_t>(present.front().hello.ranks));
  for (const Visitor& visitor : present) {
    for (const Visitor& other : present) {
      if (other.hello.rank == (visitor.hello.rank + 1) % visitor.hello.ranks) {
        say(visitor, {ncclSuccess, {}, other.hello.door});
      }
    }
  }
}

}  // namespace

std::chrono::seconds join_limit() { return std::chrono::seconds(join_seconds.load()); }

ncclUniqueId make_unique_id() {
  auto door = std::make_unique<Door>(own_address(), random_token());
  const Invitation invitation{magic, door->address(), door->token()};
  ncclUniqueId id{};
  std::memcpy(&id, &invitation, sizeof invitation);
  try {
    std::thread([door = std::move(door), limit = Clock::now() + join_limit()] {
      try {
        gather(*door, limit);
      } catch (const std::exception&) {
        // Those who wait see the connection end.
      }
    }).detach();
  } catch (const std::system_error& e) {
    throw NetworkError(std::string("no thread can be started: ") + e.what());
  }
  return id;
}

Communicator::Communicator(const ncclUniqueId& id, int ranks, int rank)
    : rank_(rank), ranks_(ranks) {
  Invitation invitation;
  std::memcpy(&invitation, &id, sizeof invitation);
  if (invitation.magic != magic) {
    throw Refusal(ncclInvalidArgument, "the unique id is not one of the host device");
  }
  const auto limit = Clock::now() + join_limit();
  const Socket gatherer = Socket::connect(invitation.door, limit);
  Door own(gatherer.local().sin_addr, invitation.token);
  const Mailbox mailbox;
  const Hello hello = Hello::of(invitation.token, rank, ranks, own.address(), mailbox.name());
  gatherer.send(&hello, sizeof hello, limit);
  Answer answer;
  try {
    gatherer.receive(&answer, sizeof answer, limit);
  } catch (const NetworkError&) {
    throw NetworkError("the ranks do not all come, or the one that made the id has ended");
  }
  if (answer.result != ncclSuccess) {
    answer.text[sizeof answer.text - 1] = 0;
    throw Refusal(answer.result, answer.text);
  }
  if (ranks == 1) return;
  Socket next = Socket::connect(answer.next, limit);
  next.send(&hello, sizeof hello, limit);
  next_ = Link(std::move(next));
  do {
    Visitor visitor = own.next(limit);
    if (visitor.hello.rank != before(1)) continue;
    previous_ = Link(std::move(visitor.socket));
    previous_.offer(mailbox, visitor.hello, limit);
  } while (!previous_.open());
  next_.take(mailbox, invitation.token, limit);
  previous_.settle(limit);
}

}  // namespace cudnn4j

CUDNN4J_API int cudnn4jHostSetJoinSeconds(int seconds) {
  if (seconds < 1) return 1;
  cudnn4j::join_seconds.store(seconds);
  return 0;
}
