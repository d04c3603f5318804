/* MPI's all-reduce of FP32, as io.github.cudnn4j.bench.RankBench measures ours:
 * mpicc -O2 -o allreduce allreduce.c; rank 0 prints bytes and microseconds. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  const int sizes[] = {1 << 10, 1 << 13, 1 << 16, 353803, 1 << 22};
  const double least = 0.2;
  MPI_Init(&argc, &argv);
  int rank;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    float *data = calloc(sizes[i], sizeof *data);
    if (!data) MPI_Abort(MPI_COMM_WORLD, 1);
    double seconds = 0;
    for (int count = 4; seconds < least; count *= 2) {
      MPI_Barrier(MPI_COMM_WORLD);
      const double start = MPI_Wtime();
      for (int k = 0; k < count; ++k)
        MPI_Allreduce(MPI_IN_PLACE, data, sizes[i], MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
      const double own = MPI_Wtime() - start;
      MPI_Allreduce(&own, &seconds, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
      if (seconds >= least && rank == 0)
        printf("%zu %.2f\n", sizes[i] * sizeof *data, 1e6 * seconds / count);
    }
    free(data);
  }
  MPI_Finalize();
  return 0;
}
