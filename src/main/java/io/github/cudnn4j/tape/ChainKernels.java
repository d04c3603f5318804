package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.List;

/** The launches of {@code crf.cu} for one chain and its emissions, {@code [T, B, K]}. */
record ChainKernels(
    Tape tape,
    Tensor transitions,
    Tensor start,
    Tensor end,
    DeviceBuffer lengths,
    int batch,
    Tensor emissions) {

  static final String FILE = "crf";

  private static final int WARP = 32;
  private static final int MAX_BLOCK = 1024;

  /** Sums over the paths; {@code losses} and {@code counted} only if {@code measured} is 1. */
  Launch forward(
      DeviceBuffer gold,
      int measured,
      DeviceBuffer inflow,
      DeviceBuffer losses,
      DeviceBuffer counted) {
    return launch(
        "forward",
        gold,
        measured,
        emissions.value(),
        transitions.value(),
        start.value(),
        end.value(),
        inflow,
        losses,
        counted);
  }

  /** Computes probabilities, those of transitions only if {@code paired} is 1. */
  Launch marginals(DeviceBuffer inflow, DeviceBuffer marginals, DeviceBuffer pairs, int paired) {
    return launch(
        "marginals",
        emissions.value(),
        transitions.value(),
        end.value(),
        inflow,
        marginals,
        pairs,
        paired);
  }

  /** Finds the best paths, a label other than the gold one scoring a margin more. */
  Launch viterbi(DeviceBuffer gold, double margin, DeviceBuffer path) {
    return launch(
        "viterbi",
        gold,
        margin,
        emissions.value(),
        transitions.value(),
        start.value(),
        end.value(),
        numbers(),
        path);
  }

  Launch score(DeviceBuffer path, DeviceBuffer scores) {
    return launch(
        "score", path, emissions.value(), transitions.value(), start.value(), end.value(), scores);
  }

  /** Compares the scores of paths that {@link #viterbi} found with those of the gold labels. */
  Launch hinge(
      DeviceBuffer gold,
      DeviceBuffer path,
      double margin,
      DeviceBuffer losses,
      DeviceBuffer counted) {
    return launch(
        "hinge",
        gold,
        path,
        margin,
        emissions.value(),
        transitions.value(),
        start.value(),
        end.value(),
        losses,
        counted);
  }

  /** Adds to the number of times that a label and a transition appear. */
  Launch add(double amount, DeviceBuffer labels, DeviceBuffer marginals, DeviceBuffer pairs) {
    return perSequence(
        tape.kernel(FILE, "crf_add_labels", tape.lossType()), labels, amount, marginals, pairs);
  }

  /** Adds the share of the sums over the sequences to the gradients of the parameters. */
  Launch addGradients(
      DeviceBuffer marginals,
      DeviceBuffer pairs,
      DeviceBuffer share,
      DeviceBuffer dtransitions,
      DeviceBuffer dstart,
      DeviceBuffer dend) {
    int labels = emissions.columns();
    return tape.own(
        tape.kernel(FILE, "crf_gradients", tape.type())
            .overRows(
                labels + 2L,
                lengths,
                marginals,
                pairs,
                share,
                dtransitions,
                dstart,
                dend,
                emissions.dim(0),
                batch,
                labels));
  }

  /** Multiplies, and turns numbers to compute with into those of the tape. */
  Launch multiply(DeviceBuffer x, DeviceBuffer factor, DeviceBuffer y) {
    return tape.own(
        tape.kernel(FILE, "crf_multiply", tape.type())
            .overElements(y.elements(), x, factor, y, y.elements()));
  }

  Launch fill(DeviceBuffer buffer, double value) {
    Number number = value;
    if (buffer.type() == ElementType.FLOAT32) {
      number = (float) value;
    }
    return tape.own(
        tape.kernel("fill", "fill", buffer.type())
            .overElements(buffer.elements(), buffer, number, buffer.elements()));
  }

  /** Allocates a number to compute with for each emission. */
  DeviceBuffer numbers() {
    return tape.buffer(tape.lossType(), emissions.elements());
  }

  private Launch launch(String kernel, Object... arguments) {
    return perSequence(tape.kernel(FILE, "crf_" + kernel, tape.type()), arguments);
  }

  /** A block for each sequence; no more threads than labels, because they wait for each other. */
  private Launch perSequence(Kernel kernel, Object... arguments) {
    int labels = emissions.columns();
    List<Object> all = new ArrayList<>(List.of(lengths));
    all.addAll(List.of(arguments));
    all.addAll(List.of(emissions.dim(0), batch, labels));
    int block = Math.min(WARP * Math.ceilDiv(labels, WARP), MAX_BLOCK);
    return tape.own(kernel.bind(batch, block, all.toArray()));
  }
}
