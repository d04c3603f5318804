package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.List;

/** Looks up rows of a table; its gradient is summed in a fixed order, without atomics. */
final class Embedding {

  /** So many tokens are sorted by comparing each with each; then sorted runs are merged. */
  private static final int RUN = 512;

  private Embedding() {}

  /** Records the lookup in the identity matrix, without that matrix. */
  static Tensor oneHot(Tape tape, Indices tokens, int classes) {
    tape.check(tokens);
    tokens.limit(0, classes - 1);
    return tape.record(
        tokens.shapeWith(classes),
        (in, y) ->
            new Launches(
                List.of(
                    tape.own(
                        tape.kernel("embedding", "one_hot", tape.type())
                            .overRows(y.rows(), tokens.buffer(), y.value(), y.rows(), classes))),
                List.of()));
  }

  static Tensor record(Tape tape, Indices tokens, Tensor table) {
    tape.checkTensor("table", table, 2);
    tape.check(tokens);
    tokens.limit(0, table.dim(0) - 1);
    return tape.record(
        (in, y) -> launches(tape, tokens.buffer(), in.get(0), y),
        tape.output(table.gradient() != null, tokens.shapeWith(table.columns())),
        List.of(),
        List.of(table));
  }

  private static Launches launches(Tape tape, DeviceBuffer tokens, Tensor table, Tensor y) {
    int count = y.rows();
    int width = table.columns();
    int vocabulary = table.dim(0);
    Launch lookup =
        tape.own(
            tape.kernel("embedding", "embedding", tape.type())
                .overRows(count, tokens, table.value(), y.value(), count, width, vocabulary));
    DeviceBuffer dy = y.gradient();
    DeviceBuffer dtable = table.gradient();
    var backward = new ArrayList<Launch>();
    if (dy != null && dtable != null) {
      DeviceBuffer order = sort(tape, tokens, count, backward);
      backward.add(
          tape.own(
              tape.kernel("embedding", "embedding_gradient", tape.type())
                  .overRows(count, tokens, order, dy, dtable, count, width, vocabulary)));
    }
    return new Launches(List.of(lookup), backward);
  }

  /** Adds the launches that sort places by token; returns where their order will be. */
  private static DeviceBuffer sort(
      Tape tape, DeviceBuffer tokens, int count, List<Launch> launches) {
    DeviceBuffer order = tape.buffer(ElementType.INT32, count);
    launches.add(
        tape.own(
            tape.kernel("embedding", "token_order")
                .overElements(count, tokens, order, count, RUN)));
    if (count <= RUN) {
      return order;
    }
    DeviceBuffer merged = tape.buffer(ElementType.INT32, count);
    for (long run = RUN; run < count; run *= 2) {
      launches.add(
          tape.own(
              tape.kernel("embedding", "merge_token_order")
                  .overElements(count, tokens, order, merged, count, Math.toIntExact(run))));
      DeviceBuffer unmerged = order;
      order = merged;
      merged = unmerged;
    }
    return order;
  }
}
