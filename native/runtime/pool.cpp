#include "runtime/pool.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "runtime/machine.hpp"

namespace cudnn4j {

namespace {

constexpr int most_threads = 1024;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

thread_local bool inside_parallel = false;
thread_local int number_in_pool = 0;

/**
 * Looks for a while whether something has happened. It does not give way meanwhile: on a busy
 * machine a thread that yields waits for everybody else's turn, one that sleeps is back when it is
 * woken.
 */
template <class Condition>
bool spin_until(Condition condition) {
  constexpr int pauses = 64;
  constexpr auto patience = std::chrono::microseconds(100);
  std::chrono::steady_clock::time_point end{};
  for (;;) {
    for (int i = 0; i < pauses; ++i) {
      if (condition()) return true;
      pause();
    }
    const auto now = std::chrono::steady_clock::now();
    if (end == std::chrono::steady_clock::time_point{}) end = now + patience;
    if (now >= end) return false;
  }
}

/**
 * The threads that share a loop. One loop runs at a time. Its indices are claimed from `ticket_`,
 * which carries the loop's number beside the next index: a thread that wakes late finds another
 * number, or no index left, and touches nothing. So nobody waits for a thread that has not begun.
 */
class Pool {
 public:
  int threads() {
    start();
    return threads_.load(std::memory_order_relaxed);
  }

  bool resize(int threads) {
    const std::lock_guard lock(owner_);
    stop_workers();
    start_workers(threads);
    return threads_.load(std::memory_order_relaxed) == threads;
  }

  void run(int count, void (*call)(void*, int), void* body) {
    start();
    if (count > 1 && !inside_parallel && threads_.load(std::memory_order_relaxed) > 1) {
      const std::unique_lock lock(owner_, std::try_to_lock);
      if (lock.owns_lock()) {
        share(count, call, body);
        return;
      }
    }
    for (int i = 0; i < count; ++i) call(body, i);
  }

 private:
  static constexpr uint64_t closed = 0xFFFFFFFF;

  void start() {
    if (threads_.load(std::memory_order_acquire) > 0) return;
    const std::lock_guard lock(owner_);
    if (threads_.load(std::memory_order_relaxed) == 0) start_workers(default_threads());
  }

  static int default_threads() {
    const char* wish = std::getenv("CUDNN4J_THREADS");
    const int threads = wish != nullptr ? std::atoi(wish) : 0;
    return threads >= 1 && threads <= most_threads ? threads : machine_processors();
  }

  /** Starts as many as the machine can, if not all. */
  void start_workers(int threads) {
    int started = 1;
    try {
      workers_.reserve(static_cast<size_t>(threads));
      for (; started < threads; ++started) {
        workers_.emplace_back([this, number = started] {
          number_in_pool = number;
          work();
        });
      }
    } catch (const std::exception&) {
      // No memory, or no more threads for this process.
    }
    threads_.store(started, std::memory_order_release);
  }

  void stop_workers() {
    stopping_.store(true);
    announce();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    stopping_.store(false);
  }

  /** Runs a loop together with the workers; the caller owns the pool. */
  void share(int count, void (*call)(void*, int), void* body) {
    loop_ += 2;
    ticket_.store((loop_ - 1) << 32 | closed);  // nobody may claim while the fields change
    call_.store(call, std::memory_order_relaxed);
    body_.store(body, std::memory_order_relaxed);
    count_.store(count, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    ticket_.store(loop_ << 32);
    announce();
    take_part();
    if (!spin_until([&] { return done_.load(std::memory_order_acquire) == count; })) {
      // Asleep, we leave our processor to the worker that is late. It counts its call before it asks
      // whether we wait, we say so before we look at the count: one of us sees the other.
      owner_waits_.store(true);
      for (int done = done_.load(); done != count; done = done_.load()) done_.wait(done);
      owner_waits_.store(false);
    }
    if (out_of_memory_.exchange(false, std::memory_order_relaxed)) throw std::bad_alloc();
  }

  /**
   * Wakes the workers that sleep. None is missed: work is there before the sleepers are counted, and
   * a worker counts itself before it looks for work a last time, all in the one order of sequentially
   * consistent operations, so it is counted or sees the work. One that is counted has read `wake_`
   * before the change, which ends its sleep, or after it, and then it sees the work.
   */
  void announce() {
    if (sleepers_.load() == 0) return;
    wake_.fetch_add(1);
    wake_.notify_all();
  }

  bool work_waits() const {
    const uint64_t ticket = ticket_.load();
    return (ticket & closed) < static_cast<uint64_t>(count_.load(std::memory_order_relaxed));
  }

  /** Claims and runs indices of the present loop until none is left. */
  void take_part() {
    inside_parallel = true;
    for (uint64_t ticket = ticket_.load();;) {
      const auto call = call_.load(std::memory_order_relaxed);
      const auto body = body_.load(std::memory_order_relaxed);
      const uint64_t index = ticket & closed;
      if (index >= static_cast<uint64_t>(count_.load(std::memory_order_relaxed))) break;
      // Success says that the loop is still the one whose fields we have read: they do not change
      // before this call is done.
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1)) continue;
      try {
        call(body, static_cast<int>(index));
      } catch (const std::bad_alloc&) {
        out_of_memory_.store(true, std::memory_order_relaxed);
      }
      done_.fetch_add(1);
      if (owner_waits_.load()) done_.notify_one();
      ticket = ticket_.load();
    }
    inside_parallel = false;
  }

  void work() {
    while (!stopping_.load()) {
      take_part();
      if (spin_until([this] { return work_waits() || stopping_.load(); })) continue;
      const int wake = wake_.load();
      sleepers_.fetch_add(1);
      if (!work_waits() && !stopping_.load()) wake_.wait(wake);
      sleepers_.fetch_sub(1);
    }
  }

  std::mutex owner_;
  std::vector<std::thread> workers_;
  std::atomic<int> threads_{0};
  uint64_t loop_ = 0;

  alignas(64) std::atomic<uint64_t> ticket_{closed};
  std::atomic<void (*)(void*, int)> call_{nullptr};
  std::atomic<void*> body_{nullptr};
  std::atomic<int> count_{0};

  alignas(64) std::atomic<int> done_{0};
  std::atomic<bool> owner_waits_{false};
  /** Whether a call of the present loop threw. */
  std::atomic<bool> out_of_memory_{false};

  alignas(64) std::atomic<int> wake_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
};

/** Never destroyed: its threads may still look at it while the process ends. */
Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

}  // namespace

int pool_threads() { return pool().threads(); }

int pool_thread() { return number_in_pool; }

bool set_pool_threads(int threads) {
  if (threads < 1 || threads > most_threads) return false;
  return pool().resize(threads);
}

void wait_for(const std::atomic<int>& value, int least) {
  if (spin_until([&] { return value.load(std::memory_order_acquire) >= least; })) return;
  for (int now = value.load(); now < least; now = value.load()) value.wait(now);
}

void detail::run_parallel(int count, void (*call)(void*, int), void* body) {
  pool().run(count, call, body);
}

}  // namespace cudnn4j
