package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The loss of a linear-chain conditional random field and its gradients; of the workload only I,
 * which is the number of labels, B, T and the lengths matter.
 */
public final class CrfWork implements Peer.Job {
  private final Parts parts = new Parts();
  private final Device device;
  private final Parameters parameters;
  private final Tape tape;
  private final Loss loss;

  /** Makes field, emissions and labels. */
  public CrfWork(Device device, Workload workload) {
    this.device = device;
    int classes = workload.config().inputSize();
    int[] shape = {workload.time(), workload.batch(), classes};
    try {
      parameters = parts.add(Parameters.on(device, workload.config().precision()));
      var emissions = parameters.tensor("emissions", Init.zeros(), shape);
      var field = parameters.linearChain("crf", classes);
      parameters.initialize(1);
      Fill.set(parameters, 1);
      tape = parts.add(Tape.training(device, workload.config().precision()));
      Indices labels = tape.indices(workload.time(), workload.batch());
      labels.buffer().copyFrom(Fill.ints(Fill.LABELS, shape[0] * shape[1], classes));
      Lengths lengths = tape.lengths(workload.batch());
      lengths.set(workload.lengths());
      loss = field.on(tape, lengths).loss(emissions.tensor(), labels);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  @Override
  public void run(int times) {
    for (int i = 0; i < times; i++) {
      parameters.gradients().clear();
      tape.forward();
      tape.backward();
    }
    device.synchronize();
  }

  /** The loss, and the mean absolute gradient of emissions and of transitions. */
  @Override
  public Map<String, Double> check() {
    run(1);
    Map<String, Double> results = new LinkedHashMap<>();
    results.put("loss", loss.read());
    results.put("demissions", mean("emissions"));
    results.put("dtransitions", mean("crf.transitions"));
    return results;
  }

  private double mean(String name) {
    return Arrays.stream(parameters.readGradient(name)).map(Math::abs).average().orElseThrow();
  }

  /** Frees everything but the device. */
  @Override
  public void close() {
    parts.close();
  }
}
