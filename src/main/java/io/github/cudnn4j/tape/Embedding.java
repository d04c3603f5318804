package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Looks up rows of a table; its gradient is summed in a fixed order, without atomics. */
final class Embedding implements Operation {

  private final Launch lookup;
  private @Nullable Launch order;
  private @Nullable Launch gather;

  private Embedding(Tape tape, DeviceBuffer tokens, Tensor table, Tensor y) {
    int count = y.rows();
    int width = table.columns();
    int vocabulary = table.dim(0);
    lookup =
        tape.own(
            tape.kernel("embedding", "embedding", tape.type())
                .overRows(count, tokens, table.value(), y.value(), count, width, vocabulary));
    if (y.gradient() != null && table.gradient() != null) {
      DeviceBuffer places = tape.buffer(ElementType.INT32, count);
      order =
          tape.own(
              tape.kernel("embedding", "token_order").overElements(count, tokens, places, count));
      gather =
          tape.own(
              tape.kernel("embedding", "embedding_gradient", tape.type())
                  .overRows(
                      count,
                      tokens,
                      places,
                      y.gradient(),
                      table.gradient(),
                      count,
                      width,
                      vocabulary));
    }
  }

  /** Records the lookup in the identity matrix, without that matrix. */
  static Tensor oneHot(Tape tape, Indices tokens, int classes) {
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
    return tape.record(
        (in, y) -> new Embedding(tape, tokens.buffer(), in.get(0), y),
        tape.output(table.gradient() != null, tokens.shapeWith(table.columns())),
        List.of(),
        List.of(table));
  }

  @Override
  public void forward() {
    lookup.run();
  }

  @Override
  public void backward() {
    if (order != null && gather != null) {
      order.run();
      gather.run();
    }
  }
}
