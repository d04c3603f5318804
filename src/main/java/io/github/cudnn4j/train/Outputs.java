package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a model computes for each record of data, such as the vector that stands for a sequence or
 * the weights of attention, read on the host. For the device's thread.
 */
public final class Outputs {

  /** Records a model without a loss. */
  @FunctionalInterface
  public interface Model {

    /** Returns {@code [B, ...]}, something for each row of the batch. */
    Tensor record(Tape tape, Batch in);
  }

  private record Recorded(Tape tape, Tensor output, Indices counted) {}

  private final Parameters parameters;
  private final Model model;
  private final Map<Integer, Recorded> recorded = new HashMap<>();
  private final Parts parts = new Parts();
  private final BatchRunner batches;

  private Outputs(Parameters parameters, BatchSource source, Model model) {
    this.parameters = parameters;
    this.model = model;
    batches =
        parts.add(
            new BatchRunner(
                parameters.device(), parameters.precision(), source, true, this::record));
  }

  /**
   * Returns the elements of each record's row, in the order of the source; its rows that only fill
   * up a batch are left out.
   *
   * @throws IllegalArgumentException if the model's output is not one row for each of the batch
   * @throws IOException if the source fails
   */
  public static List<double[]> of(Parameters parameters, BatchSource source, Model model)
      throws IOException {
    var outputs = new Outputs(parameters, source, model);
    try (var _ = outputs.parts) {
      return outputs.read();
    }
  }

  private BatchRunner.Work record(int shape) {
    Tape tape = parts.add(Tape.inference(parameters.device(), parameters.precision()));
    Batch in = batches.batch(tape, shape);
    Tensor output = model.record(tape, in);
    if (output.dim(0) != in.size()) {
      throw new IllegalArgumentException(output + " for a batch of " + in.size() + " rows");
    }
    recorded.put(shape, new Recorded(tape, output, in.counted()));
    return new BatchRunner.Work(in, tape::forward, tape.isCapturable());
  }

  private List<double[]> read() throws IOException {
    var rows = new ArrayList<double[]>();
    batches.begin(new SavableRandom(0), 0);
    while (batches.hasNext()) {
      Recorded batch = recorded.get(batches.run(0));
      int[] counted = batch.counted.buffer().toInts();
      double[] values = batch.output.read();
      int columns = values.length / counted.length;
      for (int i = 0; i < counted.length; i++) {
        if (counted[i] >= 0) {
          rows.add(Arrays.copyOfRange(values, i * columns, (i + 1) * columns));
        }
      }
    }
    return rows;
  }
}
