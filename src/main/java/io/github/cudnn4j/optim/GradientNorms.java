package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.Blas;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.tape.Parameters;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The Euclidean norms of the gradients: of all, and of those that are clipped together. */
final class GradientNorms {

  /** How many gradients of 16 bits one block of threads sums up. */
  private static final long CHUNK = 2048;

  private final Parts parts;
  private final Parameters parameters;
  private final Blas blas;
  private final List<Runnable> runs = new ArrayList<>();
  private final Map<ParameterGroup, DeviceBuffer> norms = new LinkedHashMap<>();
  private final DeviceBuffer total;

  /**
   * Prepares the norms.
   *
   * @param parts takes over what they need
   * @param ranges those that count
   */
  GradientNorms(Parts parts, Parameters parameters, List<GroupRange> ranges) {
    this.parts = parts;
    this.parameters = parameters;
    blas = parameters.device().blas();
    var clipped = new LinkedHashMap<ParameterGroup, List<DeviceBuffer>>();
    clipped.put(ParameterGroup.REST, new ArrayList<>());
    for (GroupRange range : ranges) {
      clipped
          .computeIfAbsent(clippedWith(range.group()), group -> new ArrayList<>())
          .add(range.in(parameters.gradients()));
    }
    DeviceBuffer all = buffer(clipped.size());
    all.clear();
    clipped.forEach(
        (group, gradients) -> {
          DeviceBuffer norm = all.slice(norms.size(), 1);
          norms.put(group, norm);
          if (!gradients.isEmpty()) {
            add(gradients, norm);
          }
        });
    total = clipped.size() == 1 ? all : buffer(1);
    if (total != all) {
      runs.add(() -> blas.nrm2(all, total));
    }
  }

  /** Returns what enqueues the norms. */
  List<Runnable> runs() {
    return runs;
  }

  /** Returns the norm of all, one element of the masters' type. */
  DeviceBuffer total() {
    return total;
  }

  /** Returns the norm of all that is clipped together with a group. */
  DeviceBuffer of(ParameterGroup group) {
    return norms.get(clippedWith(group));
  }

  private static ParameterGroup clippedWith(ParameterGroup group) {
    return group.clip() == null ? ParameterGroup.REST : group;
  }

  private void add(List<DeviceBuffer> gradients, DeviceBuffer norm) {
    boolean narrow = parameters.hasMasters();
    if (!narrow && gradients.size() == 1) {
      DeviceBuffer only = gradients.getFirst();
      runs.add(() -> blas.nrm2(only, norm));
      return;
    }
    DeviceBuffer ofParts =
        buffer(
            narrow ? gradients.stream().mapToLong(GradientNorms::chunks).sum() : gradients.size());
    long at = 0;
    for (DeviceBuffer part : gradients) {
      DeviceBuffer ofPart = ofParts.slice(at, narrow ? chunks(part) : 1);
      at += ofPart.elements();
      runs.add(narrow ? chunkNorms(part, ofPart) : () -> blas.nrm2(part, ofPart));
    }
    runs.add(() -> blas.nrm2(ofParts, norm));
  }

  /** A norm has no room in 16 bits, and neither have the squares. */
  private Runnable chunkNorms(DeviceBuffer gradients, DeviceBuffer chunkNorms) {
    Kernel kernel = parameters.device().kernels().get("optimizer", "chunk_norms", gradients.type());
    Launch launch =
        parts.add(
            kernel.overRows(
                chunkNorms.elements(), gradients, chunkNorms, CHUNK, gradients.elements()));
    return launch::run;
  }

  private static long chunks(DeviceBuffer gradients) {
    return Math.ceilDiv(gradients.elements(), CHUNK);
  }

  private DeviceBuffer buffer(long elements) {
    return parts.add(
        DeviceBuffer.allocate(parameters.device(), parameters.masters().type(), elements));
  }
}
