package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Reduction;
import io.github.cudnn4j.tape.Parameters;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adds up the gradients of the shards of a batch: those of this process, then those of all ranks.
 * They are added in their own type.
 *
 * <p>If the number of shards is fixed they are added in pairs, and the sums in pairs, and so on, so
 * that it makes no difference which process has which: S shards of R ranks, both powers of two.
 *
 * <pre>
 *   rank 0      rank 1
 *   0   1       2   3
 *   0 + 1       2 + 3
 *     (0+1) + (2+3)
 * </pre>
 *
 * <p>The micro-batches of a shard are added up first, one after the other. Without a fixed number
 * each rank has one shard, and NCCL adds them as it is fastest. Owner of the memory for it.
 */
final class ShardSum implements AutoCloseable {

  private final Parts parts = new Parts();
  private final Device device;
  private final @Nullable RankGroup group;
  private final DeviceBuffer gradients;
  private final int shards;
  private final int ranks;
  private final boolean fixed;

  /** The sum of each shard here over its micro-batches; empty if there is one. */
  private final List<DeviceBuffer> ofShards = new ArrayList<>();

  private final List<Launch> addOfShards = new ArrayList<>();

  /** The mean loss of all. */
  private final DeviceBuffer loss;

  /** The sums of 1, 2, 4 ... shards that wait for another one of as many. */
  private final List<DeviceBuffer> waiting = new ArrayList<>();

  private final List<Launch> addWaiting = new ArrayList<>();

  /** The sum of each rank. */
  private @Nullable DeviceBuffer ofRanks;

  private final List<Launch> addRanks = new ArrayList<>();

  /**
   * Prepares.
   *
   * @param fixedShards how many shards a batch has; 0: one for each rank
   * @param microBatches how many batches a step has at most
   * @throws IllegalArgumentException if the ranks cannot have equally many
   */
  ShardSum(Parameters parameters, @Nullable RankGroup group, int fixedShards, int microBatches) {
    this.group = group;
    ranks = group == null ? 1 : group.size();
    fixed = fixedShards > 0;
    shards = fixed ? fixedShards : ranks;
    device = parameters.device();
    gradients = parameters.gradients();
    if (shards % ranks != 0) {
      throw new IllegalArgumentException(
          shards + " shards cannot be divided among " + ranks + " ranks");
    }
    try {
      loss = parts.add(DeviceBuffer.allocate(device, parameters.masters().type(), 1));
      if (fixed) {
        allocateTree();
        if (microBatches > 1) {
          allocateShards();
        }
      }
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  private void allocateTree() {
    long n = gradients.elements();
    var add = device.kernels().get("elementwise", "add", gradients.type());
    for (int size = 1; size < local(); size *= 2) {
      DeviceBuffer sum = parts.add(DeviceBuffer.allocate(device, gradients.type(), n));
      waiting.add(sum);
      addWaiting.add(parts.add(add.overElements(n, sum, gradients, gradients, n)));
    }
    if (ranks > 1) {
      DeviceBuffer all = parts.add(DeviceBuffer.allocate(device, gradients.type(), ranks * n));
      ofRanks = all;
      for (int distance = 1; distance < ranks; distance *= 2) {
        for (int rank = 0; rank < ranks; rank += 2 * distance) {
          DeviceBuffer left = all.slice(rank * n, n);
          DeviceBuffer right = all.slice((rank + distance) * n, n);
          addRanks.add(parts.add(add.overElements(n, left, right, left, n)));
        }
      }
    }
  }

  private void allocateShards() {
    long n = gradients.elements();
    var add = device.kernels().get("elementwise", "add", gradients.type());
    for (int shard = 0; shard < local(); shard++) {
      DeviceBuffer sum = parts.add(DeviceBuffer.allocate(device, gradients.type(), n));
      ofShards.add(sum);
      addOfShards.add(parts.add(add.overElements(n, sum, gradients, sum, n)));
    }
  }

  /** Returns how many shards a batch has. */
  int shards() {
    return shards;
  }

  /** Returns how many of them are here. */
  int local() {
    return shards / ranks;
  }

  /** Returns the first one that is here. */
  int first() {
    return group == null ? 0 : group.rank() * local();
  }

  /** Returns whether each shard's gradient is to be handed over by {@link #add}. */
  boolean addsEach() {
    return local() > 1 || !ofShards.isEmpty();
  }

  /** Enqueues that a step begins. */
  void begin() {
    for (int shard = 0; shard < ofShards.size(); shard++) {
      ofShards.get(shard).clear();
    }
  }

  /**
   * Enqueues that the gradients of a shard, or of one of its micro-batches, are added, which is to
   * be done in their order.
   *
   * @param number of the shard among those here
   * @param mean its loss; that of the last micro-batch counts
   */
  void add(int number, DeviceBuffer mean) {
    if (ofShards.isEmpty()) {
      join(number);
    } else {
      addOfShards.get(number).run();
    }
    if (number == 0) {
      loss.clear();
    }
    device.blas().axpy(1.0 / local(), mean, loss);
  }

  /** With the last one the sum of all that are here is in the gradients. */
  private void join(int number) {
    int level = 0;
    while ((number >> level & 1) == 1) {
      addWaiting.get(level).run();
      level++;
    }
    if (number < local() - 1) {
      waiting.get(level).copyFrom(gradients);
    }
  }

  /**
   * Enqueues that the gradients become the sum over all shards.
   *
   * @param mean the loss of the last shard here
   * @return the mean of the losses, of one element
   */
  DeviceBuffer finish(DeviceBuffer mean) {
    for (int shard = 0; shard < ofShards.size(); shard++) {
      gradients.copyFrom(ofShards.get(shard));
      join(shard);
    }
    if (!addsEach()) {
      loss.copyFrom(mean);
    }
    if (group != null && ranks > 1) {
      if (ofRanks == null) {
        group.reduce(Reduction.SUM, gradients);
      } else {
        group.gather(gradients, ofRanks);
        for (int i = 0; i < addRanks.size(); i++) {
          addRanks.get(i).run();
        }
        gradients.copyFrom(ofRanks.slice(0, gradients.elements()));
      }
      group.reduce(Reduction.AVERAGE, loss);
    }
    return loss;
  }

  @Override
  public void close() {
    parts.close();
  }
}
