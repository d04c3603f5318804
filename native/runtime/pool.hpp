#pragma once

#include <atomic>
#include <memory>
#include <type_traits>

namespace cudnn4j {

/** How many threads compute, the caller being one of them. */
int pool_threads();

/**
 * Changes the number of threads, from 1; waits for the work that runs. False: out of range, in which
 * case nothing has changed, or the machine could not start so many.
 */
bool set_pool_threads(int threads);

/** Which of them the calling thread is, from 0; 0 also for all that do not belong to the pool. */
int pool_thread();

namespace detail {
void run_parallel(int count, void (*call)(void*, int), void* body);
}

/**
 * Calls f(i) for every i in [0, count), on the pool and on the caller's thread, and returns when
 * all calls are done. The calls are handed out one by one, so a count of a few times the number of
 * threads keeps everybody busy when one thread is slower. Allocates nothing. Calls made from inside
 * f, or while another thread has the pool, run one after the other on the caller's thread.
 *
 * f may throw nothing but std::bad_alloc, which comes out here once no call runs any more; which of
 * the others were made is not known then.
 */
template <class F>
void parallel_for(int count, F&& f) {
  using Body = std::remove_reference_t<F>;
  detail::run_parallel(
      count, [](void* body, int i) { (*static_cast<Body*>(body))(i); },
      const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

/**
 * Returns when `value` has reached `least`; who raises it calls notify_all. Within parallel_for a
 * call may wait for what another does that has begun, as those with smaller indices have, if that
 * one cannot throw.
 */
void wait_for(const std::atomic<int>& value, int least);

}  // namespace cudnn4j
