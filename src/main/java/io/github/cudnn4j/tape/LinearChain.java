package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * A linear-chain conditional random field over K labels: losses, probabilities and best paths.
 *
 * <p>The score of labels y of a sequence x is
 *
 * <pre>
 *   start[y₀] + Σ emissions[t, yₜ] + Σ transitions[yₜ₋₁, yₜ] + end[y at the last step]
 * </pre>
 *
 * <p>and p(y | x) is the softmax of the scores of all Kᵀ paths. Emissions {@code [T, B, K]} are
 * what a network gives; of each sequence the steps below its length count, the others are not read.
 * Sums are computed in log space, in FLOAT32 where the tape's type has 16 bits; each of the T steps
 * takes K² operations of one block of threads a sequence. Nothing depends on the order in which
 * threads run.
 *
 * <p>A tagger, and labels that begin only where a mask allows it:
 *
 * <pre>{@code
 * LinearChain chain = tape.linearChain(transitions, start, end, lengths);
 * Loss loss = chain.loss(emissions, labels);
 *
 * LinearChain constrained = chain.allow(allowed); // Indices [K, K], 0 forbids
 * BestPaths best = constrained.bestPaths(constrained.force(emissions, known)); // known[T, B]
 * }</pre>
 *
 * <p>A path is forbidden where a score is minus infinity, as {@link #allow(Indices)}, {@link
 * #allow(Tensor, Indices)} and {@link #force} make it; each of the other methods can be given such
 * emissions. {@link CountedLabels} bounds how often a label appears.
 *
 * @see <a href="https://repository.upenn.edu/cis_papers/159">Lafferty, McCallum and Pereira,
 *     2001</a>
 */
public final class LinearChain {

  /**
   * The labels of the highest scores; of equal paths the one whose last label is the lowest, then
   * the label before it, and so on.
   *
   * @param labels {@code [T, B]}; -1 behind a sequence, and everywhere if all its paths are
   *     forbidden or a score is NaN
   * @param scores {@code [B]} FLOAT64: the score of each path, 0 without steps, NaN without a path
   */
  public record BestPaths(Indices labels, DeviceBuffer scores) {}

  private final Tape tape;
  private final Tensor transitions;
  private final Tensor start;
  private final Tensor end;
  private final Lengths lengths;

  LinearChain(Tape tape, Tensor transitions, Tensor start, Tensor end, Lengths lengths) {
    tape.checkTensor("transitions", transitions, 2);
    tape.checkTensor("start", start, 1);
    tape.checkTensor("end", end, 1);
    tape.check(lengths);
    int labels = transitions.columns();
    if (transitions.dim(0) != labels || start.columns() != labels || end.columns() != labels) {
      throw new IllegalArgumentException(
          "transitions "
              + transitions
              + ", start "
              + start
              + ", end "
              + end
              + ", needed are [K, K], [K] and [K]");
    }
    this.tape = tape;
    this.transitions = transitions;
    this.start = start;
    this.end = end;
    this.lengths = lengths;
  }

  /**
   * Records the negative log likelihood of labels, averaged over the sequences that have steps and
   * labels.
   *
   * @param emissions {@code [T, B, K]}
   * @param labels {@code [T, B]}; a sequence whose first one is negative does not count, any other
   *     step that counts and whose label is not in [0, K) gives NaN
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Loss loss(Tensor emissions, Indices labels) {
    checkSteps(emissions, labels);
    ChainKernels kernels = kernels(emissions, labelled(labels));
    DeviceBuffer gold = labels.buffer();
    DeviceBuffer inflow = kernels.numbers();
    return record(
        kernels,
        labels,
        (losses, counted) -> List.of(kernels.forward(gold, 1, inflow, losses, counted)),
        (marginals, pairs) ->
            List.of(
                kernels.marginals(inflow, marginals, pairs, 1),
                kernels.add(-1, gold, marginals, pairs)));
  }

  /**
   * Records the structured hinge loss, averaged over the sequences that have steps and labels: the
   * largest score + Hamming distance from the labels of any path, less the score of the labels. It
   * is 0 where the labels win by 1 for each label that another path has wrong.
   *
   * @param emissions {@code [T, B, K]}
   * @param labels {@code [T, B]}, as in {@link #loss}
   * @throws IllegalArgumentException if shapes or types do not fit
   * @see <a href="https://www.jmlr.org/papers/v6/tsochantaridis05a.html">Tsochantaridis, Joachims,
   *     Hofmann and Altun, 2005</a>
   */
  public Loss hinge(Tensor emissions, Indices labels) {
    checkSteps(emissions, labels);
    ChainKernels kernels = kernels(emissions, labelled(labels));
    DeviceBuffer gold = labels.buffer();
    DeviceBuffer path = tape.indices(labels.shape()).buffer();
    return record(
        kernels,
        labels,
        (losses, counted) ->
            List.of(kernels.viterbi(gold, 1, path), kernels.hinge(gold, path, 1, losses, counted)),
        (marginals, pairs) ->
            List.of(
                kernels.fill(marginals, 0),
                kernels.fill(pairs, 0),
                kernels.add(1, path, marginals, pairs),
                kernels.add(-1, gold, marginals, pairs)));
  }

  /**
   * Records the probability of each label at each step; no gradient flows through it.
   *
   * @param emissions {@code [T, B, K]}
   * @return {@code [T, B, K]}, 0 at the steps that do not count; NaN if all paths are forbidden
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Tensor marginals(Tensor emissions) {
    checkEmissions(emissions);
    ChainKernels kernels = kernels(emissions);
    DeviceBuffer inflow = kernels.numbers();
    DeviceBuffer marginals = kernels.numbers();
    DeviceBuffer one = tape.buffer(tape.lossType(), 1);
    DeviceBuffer unused = tape.indices(1).buffer();
    return tape.record(
        (in, y) ->
            new Launches(
                List.of(
                    kernels.fill(one, 1),
                    kernels.forward(unused, 0, inflow, inflow, unused),
                    kernels.marginals(inflow, marginals, inflow, 0),
                    kernels.multiply(marginals, one, y.value())),
                List.of()),
        tape.output(false, emissions.shape()));
  }

  /**
   * Records the search for the best path of each sequence.
   *
   * @param emissions {@code [T, B, K]}
   * @throws IllegalArgumentException if shapes or types do not fit
   * @see <a href="https://doi.org/10.1109/TIT.1967.1054010">Viterbi, 1967</a>
   */
  public BestPaths bestPaths(Tensor emissions) {
    checkEmissions(emissions);
    ChainKernels kernels = kernels(emissions);
    Indices labels = tape.indices(emissions.dim(0), lengths.batch());
    DeviceBuffer path = labels.buffer();
    DeviceBuffer scores = tape.buffer(ElementType.FLOAT64, lengths.batch());
    tape.play(
        new Launches(
            List.of(kernels.viterbi(path, 0, path), kernels.score(path, scores)), List.of()));
    return new BestPaths(labels, scores);
  }

  /**
   * Records the same chain without some of its transitions.
   *
   * @param allowed {@code [K, K]}, from and to; 0 forbids a transition
   * @throws IllegalArgumentException if the shape does not fit
   */
  public LinearChain allow(Indices allowed) {
    return new LinearChain(tape, allow(transitions, allowed), start, end, lengths);
  }

  /**
   * Records emissions without some of the labels.
   *
   * @param emissions {@code [T, B, K]}
   * @param allowed {@code [T, B, K]}; 0 forbids a label at a step
   * @return {@code [T, B, K]}
   * @throws IllegalArgumentException if the shapes differ
   */
  public Tensor allow(Tensor emissions, Indices allowed) {
    tape.check(allowed);
    if (!Arrays.equals(emissions.shape(), allowed.shape())) {
      throw new IllegalArgumentException(allowed + " as what is allowed of " + emissions);
    }
    long count = emissions.elements();
    return forbid(
        emissions,
        (from, otherwise, to) ->
            tape.kernel(ChainKernels.FILE, "crf_allow", tape.type())
                .overElements(count, allowed.buffer(), from, otherwise, to, count));
  }

  /**
   * Records emissions of which some steps have one label.
   *
   * @param emissions {@code [T, B, K]}
   * @param labels {@code [T, B]}; a step of a negative one is free, one above K has no path
   * @return {@code [T, B, K]}
   * @throws IllegalArgumentException if shapes or types do not fit
   */
  public Tensor force(Tensor emissions, Indices labels) {
    checkSteps(emissions, labels);
    int rows = emissions.rows();
    return forbid(
        emissions,
        (from, otherwise, to) ->
            tape.kernel(ChainKernels.FILE, "crf_force", tape.type())
                .overRows(rows, labels.buffer(), from, otherwise, to, rows, emissions.columns()));
  }

  private interface Copy {
    /** Copies what is allowed, and has a number elsewhere. */
    Launch of(DeviceBuffer from, double otherwise, DeviceBuffer to);
  }

  private Tensor forbid(Tensor x, Copy copy) {
    return tape.record(
        x.shape(),
        (in, y) ->
            Launches.of(
                tape.own(copy.of(x.value(), Double.NEGATIVE_INFINITY, y.value())),
                in.get(0),
                y,
                (dy, dx) -> tape.own(copy.of(dy, 0, dx))),
        x);
  }

  private interface Launcher {
    List<Launch> of(DeviceBuffer first, DeviceBuffer second);
  }

  /**
   * Records a loss.
   *
   * @param measure computes the loss of each sequence, {@code [B]}, and a negative number for each
   *     that does not count, {@code [B]} INT32
   * @param differentiate computes the derivatives of the sum of the losses by the emissions, {@code
   *     [T, B, K]}, and of each loss by the transitions, {@code [B, K, K]}
   */
  private Loss record(
      ChainKernels kernels, Indices labels, Launcher measure, Launcher differentiate) {
    labels.limit(0, start.columns() - 1);
    labels.needAll();
    Tensor emissions = kernels.emissions();
    boolean differentiable =
        Stream.of(emissions, transitions, start, end).anyMatch(x -> x.gradient() != null);
    var loss =
        new Loss(
            tape, labels, start.columns(), differentiable, () -> bestPaths(emissions).labels());
    DeviceBuffer losses = tape.buffer(tape.lossType(), lengths.batch());
    DeviceBuffer counted = tape.buffer(ElementType.INT32, lengths.batch());
    var mean = new MeanLoss(tape, loss, losses, counted, null);
    tape.play(
        in ->
            new Launches(
                measure.of(losses, counted),
                tape.isTraining() ? backward(kernels, in, mean.share(), differentiate) : List.of()),
        List.of(emissions),
        List.of(transitions, start, end));
    tape.play(mean);
    return loss;
  }

  private List<Launch> backward(
      ChainKernels kernels, List<Tensor> in, DeviceBuffer share, Launcher differentiate) {
    DeviceBuffer marginals = kernels.numbers();
    DeviceBuffer pairs = tape.buffer(tape.lossType(), lengths.batch() * transitions.elements());
    List<Launch> launches = new ArrayList<>(differentiate.of(marginals, pairs));
    launches.add(kernels.multiply(marginals, share, gradient(in.get(0))));
    launches.add(
        kernels.addGradients(
            marginals,
            pairs,
            share,
            gradient(in.get(1)),
            gradient(in.get(2)),
            gradient(in.get(3))));
    return launches;
  }

  /** Returns where a gradient goes to, if only for the others' sake. */
  private DeviceBuffer gradient(Tensor x) {
    DeviceBuffer gradient = x.gradient();
    return gradient != null ? gradient : tape.zeroed(tape.type(), x.elements());
  }

  private ChainKernels kernels(Tensor emissions) {
    return kernels(emissions, lengths.buffer());
  }

  private ChainKernels kernels(Tensor emissions, DeviceBuffer steps) {
    return new ChainKernels(tape, transitions, start, end, steps, lengths.batch(), emissions);
  }

  /** Records the lengths, 0 for a sequence without labels, as the rows that fill up a batch. */
  private DeviceBuffer labelled(Indices labels) {
    DeviceBuffer labelled = tape.buffer(ElementType.INT32, lengths.batch());
    Launch launch =
        tape.kernel(ChainKernels.FILE, "crf_labelled")
            .overElements(
                lengths.batch(), lengths.buffer(), labels.buffer(), labelled, lengths.batch());
    tape.play(new Launches(List.of(tape.own(launch)), List.of()));
    return labelled;
  }

  private void checkEmissions(Tensor emissions) {
    tape.checkTensor("emissions", emissions, 3);
    if (emissions.dim(1) != lengths.batch() || emissions.columns() != start.columns()) {
      throw new IllegalArgumentException(
          "emissions "
              + emissions
              + ", needed are [T, "
              + lengths.batch()
              + ", "
              + start.columns()
              + "]");
    }
  }

  private void checkSteps(Tensor emissions, Indices labels) {
    checkEmissions(emissions);
    tape.check(labels);
    if (!Arrays.equals(labels.shapeWith(start.columns()), emissions.shape())) {
      throw new IllegalArgumentException(labels + " as labels of " + emissions);
    }
  }
}
