/*
 * What the processor can do at best: multiply-adds that wait for nothing, and reading memory.
 *
 *   cc -O3 -march=native -o peak peak.c -lpthread
 *   peak THREADS    prints GFLOP/s in FP32, and GB/s
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LANES = 16, CHAINS = 12, MOST_THREADS = 1024 };
typedef float Vector __attribute__((vector_size(LANES * sizeof(float))));

static const long STEPS = 20 * 1000 * 1000;
static const size_t BYTES = (size_t)256 << 20;
static const int ROUNDS = 3;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

static void* multiply(void* result) {
  Vector sums[CHAINS];
  /* Different from each other and from the limit 2, or the compiler would leave some out. */
  for (int chain = 0; chain < CHAINS; chain++) sums[chain] = (Vector){0} + (float)(chain + 10);
  const Vector a = (Vector){0} + 0.5f, b = (Vector){0} + 1.0f;
  for (long step = 0; step < STEPS; step++) {
    for (int chain = 0; chain < CHAINS; chain++) sums[chain] = sums[chain] * a + b;
  }
  for (int chain = 1; chain < CHAINS; chain++) sums[0] += sums[chain];
  *(float*)result = sums[0][0];
  return NULL;
}

static void* read_memory(void* block) {
  const Vector* vectors = block;
  Vector sums[8] = {{0}};
  for (size_t i = 0; i < BYTES / sizeof(Vector); i += 8) {
    for (int k = 0; k < 8; k++) sums[k] += vectors[i + k];
  }
  for (int k = 1; k < 8; k++) sums[0] += sums[k];
  ((volatile float*)block)[0] = sums[0][0] * 0;
  return NULL;
}

/* The shortest of some rounds in which each thread does `work` on its own argument. */
static double best(int threads, void* (*work)(void*), void** arguments) {
  pthread_t others[MOST_THREADS];
  double best = 1e9;
  for (int round = 0; round < ROUNDS; round++) {
    double start = now();
    for (int i = 1; i < threads; i++) pthread_create(&others[i], NULL, work, arguments[i]);
    work(arguments[0]);
    for (int i = 1; i < threads; i++) pthread_join(others[i], NULL);
    double seconds = now() - start;
    if (seconds < best) best = seconds;
  }
  return best;
}

int main(int count, char** words) {
  int threads = count > 1 ? atoi(words[1]) : 1;
  if (threads < 1 || threads > MOST_THREADS) return 1;
  void* blocks[MOST_THREADS];
  for (int i = 0; i < threads; i++) {
    blocks[i] = aligned_alloc(sizeof(Vector), BYTES);
    if (blocks[i] == NULL) return 1;
    for (size_t k = 0; k < BYTES / sizeof(float); k++) ((float*)blocks[i])[k] = 1;
  }
  double multiplying = best(threads, multiply, blocks);
  double reading = best(threads, read_memory, blocks);
  printf("%.1f %.1f\n", 2e-9 * LANES * CHAINS * STEPS * threads / multiplying,
         1e-9 * BYTES * threads / reading);
  return 0;
}
