/*
 * Control and observation of the host device.
 *
 * Everything else that libcudnn4j_host.so exports carries a name of NVIDIA's libraries and behaves
 * as that library documents it. The functions here have no counterpart there: they choose how the
 * device runs its work, count what is alive and what was called, and inject faults. Their presence
 * is also how a loader tells the host device from the real libraries.
 *
 * Functions that return int and are not getters return 0 on success and nonzero for an argument
 * outside the stated range, in which case nothing has changed. All of them may be called from any
 * thread at any time.
 */
#ifndef CUDNN4J_HOST_DEVICE_H
#define CUDNN4J_HOST_DEVICE_H

#ifdef __cplusplus
extern "C" {
#endif

/* When work handed to a stream is done. */
typedef enum {
  /* At once, before the call that enqueued it returns. */
  CUDNN4J_HOST_EAGER = 0,
  /* Only when something waits for it, so that a missing synchronization shows as a wrong result. */
  CUDNN4J_HOST_LAZY = 1
} cudnn4jHostMode;

/* What cudnn4jHostLive counts. */
typedef enum {
  CUDNN4J_HOST_DEVICE_BLOCKS = 0,
  CUDNN4J_HOST_DEVICE_BYTES = 1,
  CUDNN4J_HOST_PINNED_BLOCKS = 2,
  CUDNN4J_HOST_PINNED_BYTES = 3,
  CUDNN4J_HOST_STREAMS = 4,
  CUDNN4J_HOST_EVENTS = 5,
  CUDNN4J_HOST_GRAPHS = 6,
  CUDNN4J_HOST_GRAPH_EXECS = 7,
  CUDNN4J_HOST_MODULES = 8,
  CUDNN4J_HOST_CUBLAS_HANDLES = 9,
  CUDNN4J_HOST_CUDNN_HANDLES = 10,
  CUDNN4J_HOST_CUDNN_DESCRIPTORS = 11,
  CUDNN4J_HOST_NVRTC_PROGRAMS = 12,
  CUDNN4J_HOST_COMMUNICATORS = 13,
  /* The number of kinds above, itself not a kind. */
  CUDNN4J_HOST_KIND_COUNT = 14
} cudnn4jHostKind;

/* Version of the host device: major * 10000 + minor * 100 + patch. */
int cudnn4jHostVersion(void);

/* Sets when work is done, a cudnn4jHostMode; work already queued is finished first. */
int cudnn4jHostSetMode(int mode);
int cudnn4jHostGetMode(void);

/* Sets how many threads compute, from 1; the calling thread is one of them. */
int cudnn4jHostSetThreads(int threads);
int cudnn4jHostGetThreads(void);

/*
 * Sets how long, from 1 second, a rank that joins a communicator waits for the others; also how long
 * a unique id that is made from now on is good for. At first 60.
 */
int cudnn4jHostSetJoinSeconds(int seconds);

/*
 * Promises that the block of device memory that holds an address will only be read until it is
 * freed. All work queued before is done first. From then on calls that would write to it are refused
 * as if it were not there, and the device may keep other forms of what is in it, such as packed
 * weights, which take up to three times as much memory and are freed with it. Who writes to it without
 * calling a function of the device breaks the promise: whether that is seen is undefined.
 */
int cudnn4jHostSetReadOnly(const void *address);

/* The objects (or bytes) of one cudnn4jHostKind alive now; -1 for an unknown kind. */
long long cudnn4jHostLive(int kind);

/*
 * The calls made so far of one exported function by its symbol name, or of all of them together
 * when the name is NULL; -1 for a name that is not counted. The functions of this header are not.
 */
long long cudnn4jHostCalls(const char *function);

/*
 * Makes a later call of a function (by its symbol name, NULL for any counted one) return a status,
 * a code of the library that the function belongs to, instead of doing its work: the k-th call from
 * now, 1 being the next, and with sticky nonzero every one after it too. k = 0 clears the fault.
 */
int cudnn4jHostFail(const char *function, long long k, int status, int sticky);

#ifdef __cplusplus
}
#endif

#endif
