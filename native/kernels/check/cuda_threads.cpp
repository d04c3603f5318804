#include "kernels/check/cuda_threads.hpp"

#include <ucontext.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#ifdef CUDNN4J_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#else
static void* __tsan_get_current_fiber() { return nullptr; }
static void* __tsan_create_fiber(unsigned) { return nullptr; }
static void __tsan_destroy_fiber(void*) {}
static void __tsan_switch_to_fiber(void*, unsigned) {}
static void __tsan_acquire(void*) {}
static void __tsan_release(void*) {}
constexpr unsigned __tsan_switch_to_fiber_no_sync = 1;
#endif

namespace cudnn4j::check {
namespace {

constexpr unsigned warp_size = 32;
constexpr size_t stack_bytes = 65536;

/** Where a stack goes on. Unlike swapcontext, the compiler's jumps make no system calls. */
using Place = void* [5];

[[gnu::noinline]] void go_to(Place& to) { __builtin_longjmp(to, 1); }

[[gnu::noinline]] void leave_for(Place& own, Place& to) {
  if (__builtin_setjmp(own) == 0) go_to(to);
}

/** A CUDA thread. */
class Fiber {
 public:
  enum class State { Ready, AtBlock, AtWarp, Ended };

  Fiber() : sanitizer(__tsan_create_fiber(0)), stack(new char[stack_bytes]) {}
  ~Fiber() { __tsan_destroy_fiber(sanitizer); }
  Fiber(const Fiber&) = delete;

  void* const sanitizer;
  const std::unique_ptr<char[]> stack;
  Place place;
  State state = State::Ended;
  // What it brought to an exchange, and what it takes away.
  unsigned mask = 0;
  uint64_t value = 0;
  int lane_mask = 0;
};

/** A block, whose threads and memory live from one launch to the next. */
class Block {
 public:
  explicit Block(unsigned index) : index_(index) {
    std::thread([this] {
      current_block = this;
      own_sanitizer_ = __tsan_get_current_fiber();
      for (;;) {
        wait_until(true);
        run(geometry_);
        set_working(false);
      }
    }).detach();
  }

  void begin(const Geometry& geometry, const std::function<void()>& body) {
    geometry_ = geometry;
    body_ = &body;
    set_working(true);
  }

  void wait_for_end() { wait_until(false); }

  void wait_for_block() {
    __tsan_release(&barrier_);
    fibers_[current_].state = Fiber::State::AtBlock;
    if (++at_block_ == geometry_.block) {
      at_block_ = 0;
      for (unsigned i = 0; i < geometry_.block; ++i) fibers_[i].state = Fiber::State::Ready;
    } else {
      leave();
    }
    __tsan_acquire(&barrier_);
  }

  uint64_t exchange(unsigned mask, uint64_t value, int lane_mask) {
    Fiber& self = fibers_[current_];
    const unsigned warp = current_ - current_ % warp_size;
    if ((mask >> current_ % warp_size & 1) == 0) fail("a thread is not in its own mask");
    self.mask = mask;
    self.value = value;
    self.lane_mask = lane_mask;
    self.state = Fiber::State::AtWarp;
    if (complete(warp, mask)) {
      uint64_t values[warp_size];
      for (unsigned lane = 0; lane < warp_size; ++lane) values[lane] = fibers_[warp + lane].value;
      for (unsigned lane = 0; lane < warp_size; ++lane) {
        if ((mask >> lane & 1) == 0) continue;
        Fiber& fiber = fibers_[warp + lane];
        const unsigned from = lane ^ fiber.lane_mask;
        if ((mask >> from & 1) == 0) fail("a thread asks one that is not in the mask");
        fiber.value = values[from];
        fiber.state = Fiber::State::Ready;
      }
    } else {
      leave();
    }
    return self.value;
  }

  Dimension thread_index() const { return {current_}; }
  Dimension index() const { return {index_}; }
  const Geometry& geometry() const { return geometry_; }

  static thread_local Block* current_block;

 private:
  void wait_until(bool working) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return working_ == working; });
  }

  void set_working(bool working) {
    const std::lock_guard lock(mutex_);
    working_ = working;
    changed_.notify_all();
  }

  void run(const Geometry& geometry) {
    while (fibers_.size() < geometry.block) enter(fibers_.emplace_back());
    for (unsigned i = 0; i < geometry.block; ++i) fibers_[i].state = Fiber::State::Ready;
    at_block_ = 0;
    ended_ = 0;
    __tsan_release(&start_);
    while (ended_ < geometry.block) {
      bool moved = false;
      for (unsigned i = 0; i < geometry.block; ++i) {
        current_ = geometry.backwards ? geometry.block - 1 - i : i;
        Fiber& fiber = fibers_[current_];
        if (fiber.state != Fiber::State::Ready) continue;
        moved = true;
        __tsan_switch_to_fiber(fiber.sanitizer, __tsan_switch_to_fiber_no_sync);
        leave_for(own_place_, fiber.place);
      }
      if (!moved) fail("threads wait for others that do not come");
    }
    __tsan_acquire(&end_);
  }

  /** Enters a new stack and comes back. */
  void enter(Fiber& fiber) {
    current_ = fibers_.size() - 1;
    ucontext_t own;
    ucontext_t context;
    getcontext(&context);
    context.uc_stack.ss_sp = fiber.stack.get();
    context.uc_stack.ss_size = stack_bytes;
    own_context_ = &own;
    makecontext(&context, live, 0);
    swapcontext(&own, &context);
  }

  /** What a fiber does from then on: a launch, and another. */
  static void live() {
    Block& block = *current_block;
    Fiber& self = block.fibers_[block.current_];
    if (__builtin_setjmp(self.place) == 0) setcontext(block.own_context_);
    for (;;) {
      block.work();
      block.leave();
    }
  }

  void work() {
    __tsan_acquire(&start_);
    (*body_)();
    __tsan_release(&end_);
    fibers_[current_].state = Fiber::State::Ended;
    ++ended_;
  }

  /** Whether every thread of the mask has come, with this mask. */
  bool complete(unsigned warp, unsigned mask) const {
    for (unsigned lane = 0; lane < warp_size; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      const Fiber& fiber = fibers_[warp + lane];
      if (fiber.state != Fiber::State::AtWarp || fiber.mask != mask) return false;
    }
    return true;
  }

  void leave() {
    Fiber& self = fibers_[current_];
    __tsan_switch_to_fiber(own_sanitizer_, __tsan_switch_to_fiber_no_sync);
    leave_for(self.place, own_place_);
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool working_ = false;
  Geometry geometry_{};
  const unsigned index_;
  const std::function<void()>* body_ = nullptr;
  std::deque<Fiber> fibers_;
  void* own_sanitizer_ = nullptr;
  Place own_place_;
  ucontext_t* own_context_ = nullptr;
  unsigned current_ = 0;
  unsigned at_block_ = 0;
  unsigned ended_ = 0;
  // What ThreadSanitizer knows the orders by.
  char start_ = 0;
  char barrier_ = 0;
  char end_ = 0;
};

thread_local Block* Block::current_block = nullptr;

}  // namespace

void fail(const std::string& message) {
  std::printf("%s\n", message.c_str());
  std::fflush(stdout);
  std::_Exit(1);
}

void launch(const Geometry& geometry, const std::function<void()>& body) {
  // Never destroyed: its threads run until the process ends.
  static std::deque<Block>& blocks = *new std::deque<Block>;
  while (blocks.size() < geometry.grid) blocks.emplace_back(blocks.size());
  for (unsigned i = 0; i < geometry.grid; ++i) blocks[i].begin(geometry, body);
  for (unsigned i = 0; i < geometry.grid; ++i) blocks[i].wait_for_end();
}

Dimension thread_index() { return Block::current_block->thread_index(); }
Dimension block_index() { return Block::current_block->index(); }
Dimension block_extent() { return {Block::current_block->geometry().block}; }
Dimension grid_extent() { return {Block::current_block->geometry().grid}; }
void wait_for_block() { Block::current_block->wait_for_block(); }
uint64_t exchange(unsigned mask, uint64_t value, int lane_mask) {
  return Block::current_block->exchange(mask, value, lane_mask);
}

}  // namespace cudnn4j::check
