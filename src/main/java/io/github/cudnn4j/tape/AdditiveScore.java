package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.List;

/** v · tanh(query + key) for each query and each key of a sequence. */
final class AdditiveScore {

  private static final String FILE = "attention";

  private AdditiveScore() {}

  /**
   * Records the scores.
   *
   * @param query {@code [T1, B, A]}
   * @param keys {@code [T2, B, A]}, to whose gradient the operation adds
   * @param vector {@code [A]}
   * @return {@code [B, T1, T2]}
   */
  static Tensor record(Tape tape, Tensor query, Tensor keys, Tensor vector, Lengths lengths) {
    boolean differentiable =
        query.gradient() != null || keys.gradient() != null || vector.gradient() != null;
    return tape.record(
        (in, y) -> launches(tape, in.get(0), keys, in.get(1), lengths.buffer(), y),
        tape.output(differentiable, query.dim(1), query.dim(0), keys.dim(0)),
        List.of(query),
        List.of(vector));
  }

  private static Launches launches(
      Tape tape, Tensor query, Tensor keys, Tensor vector, DeviceBuffer lengths, Tensor y) {
    int queries = query.dim(0);
    int steps = keys.dim(0);
    int batch = keys.dim(1);
    int columns = keys.columns();
    Launch forward =
        tape.own(
            tape.kernel(FILE, "additive_score", tape.type())
                .overRows(
                    y.elements(),
                    lengths,
                    query.value(),
                    keys.value(),
                    vector.value(),
                    y.value(),
                    queries,
                    steps,
                    batch,
                    columns));
    List<Launch> backward = new ArrayList<>();
    DeviceBuffer dy = y.gradient();
    if (dy != null && (query.gradient() != null || vector.gradient() != null)) {
      DeviceBuffer dquery = query.gradient();
      if (dquery == null) {
        dquery = tape.buffer(tape.type(), query.elements());
      }
      DeviceBuffer dvectors = tape.buffer(tape.type(), query.elements());
      backward.add(
          tape.own(
              tape.kernel(FILE, "additive_query_gradient", tape.type())
                  .overRows(
                      query.rows(),
                      lengths,
                      query.value(),
                      keys.value(),
                      vector.value(),
                      dy,
                      dquery,
                      dvectors,
                      queries,
                      steps,
                      batch,
                      columns)));
      if (vector.gradient() != null) {
        backward.add(Linear.biasGradient(tape, dvectors, vector.gradient(), query.rows(), columns));
      }
    }
    if (dy != null && keys.gradient() != null) {
      backward.add(
          tape.own(
              tape.kernel(FILE, "additive_key_gradient", tape.type())
                  .overRows(
                      keys.rows(),
                      lengths,
                      query.value(),
                      keys.value(),
                      vector.value(),
                      dy,
                      keys.gradient(),
                      queries,
                      steps,
                      batch,
                      columns)));
    }
    return new Launches(List.of(forward), backward);
  }
}
