package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Softmax and cross-entropy in one. Where the gradient of the logits is wanted, the forward pass
 * leaves it there: it needs the same exponentials, and nothing of what comes after.
 */
record CrossEntropy(MeanLoss mean, Launch measure) implements Operation {

  static Loss record(
      Tape tape,
      Tensor logits,
      Indices targets,
      double @Nullable [] classWeights,
      double labelSmoothing) {
    tape.checkTensor("logits", logits, targets.rank() + 1);
    tape.check(targets);
    if (!Arrays.equals(targets.shapeWith(logits.columns()), logits.shape())) {
      throw new IllegalArgumentException(targets + " as targets of " + logits);
    }
    if (classWeights != null) {
      checkWeights(classWeights, logits.columns());
    }
    if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
      throw new IllegalArgumentException(
          "label smoothing " + labelSmoothing + ", must be in [0, 1]");
    }
    targets.limit(0, logits.columns() - 1);
    var loss = new Loss(tape, logits, targets);
    tape.play(
        in -> make(tape, loss, in.get(0), targets.buffer(), classWeights, labelSmoothing),
        List.of(logits));
    return loss;
  }

  static void checkWeights(double[] weights, int classes) {
    if (weights.length != classes) {
      throw new IllegalArgumentException(
          weights.length + " class weights, but there are " + classes + " classes");
    }
    for (double weight : weights) {
      if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "class weight " + weight + ", must be finite and 0 or more");
      }
    }
  }

  private static CrossEntropy make(
      Tape tape,
      Loss loss,
      Tensor logits,
      DeviceBuffer targets,
      double @Nullable [] classWeights,
      double smoothing) {
    int rows = logits.rows();
    int classes = logits.columns();
    double[] numbers = classWeights;
    if (numbers == null) {
      numbers = new double[classes];
      Arrays.fill(numbers, 1);
    }
    DeviceBuffer weights = tape.lossNumbers(numbers);
    DeviceBuffer losses = tape.buffer(tape.lossType(), rows);
    var mean = new MeanLoss(tape, loss, losses, targets, classWeights == null ? null : weights);
    DeviceBuffer gradient = logits.gradient();
    return new CrossEntropy(
        mean,
        tape.own(
            gradient == null
                ? tape.kernel("loss", "cross_entropy", tape.type())
                    .overRows(
                        rows, logits.value(), targets, weights, smoothing, losses, rows, classes)
                : tape.kernel("loss", "cross_entropy_gradient", tape.type())
                    .overRows(
                        rows,
                        logits.value(),
                        targets,
                        weights,
                        smoothing,
                        mean.share(),
                        gradient,
                        losses,
                        rows,
                        classes)));
  }

  @Override
  public void forward() {
    mean.shareOut();
    measure.run();
    mean.average();
  }

  /** Does nothing: the gradient is there since the forward pass. */
  @Override
  public void backward() {}
}
